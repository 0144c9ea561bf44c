// Looks at pages with a real browser, as somebody with a mouse or only a keyboard does.
//
//   node browser.mjs MODULES SCENARIO SCREENSHOTS URL
//
// MODULES has playwright-core. What the processes are to do is written to stdout, a line each: `kill URL`,
// `start URL`. Exit status 0: everything was as it should be; else the reasons are on stderr.

import assert from "node:assert/strict";
import { SIZES, close, focused, open, run, screenshot, text, unreadable } from "./visitor.mjs";

const live = (page) => page.waitForFunction(() => document.getElementById("connection").textContent === "live");

/** Everything is there, at each size in each scheme, and can be read. */
async function looks(url) {
  for (const size of SIZES) {
    for (const colorScheme of ["light", "dark"]) {
      const opened = await open(url, { size, colorScheme });
      const { page } = opened;
      await live(page);
      await page.waitForSelector("#rate :is(.curve, .spot)", { state: "attached" });
      await page.waitForSelector("#read-time :is(.curve, .spot)", { state: "attached" });
      await page.waitForSelector("#write-time :is(.curve, .spot)", { state: "attached" });
      assert.match(await text(page, "#title"), /^Node \d+ of agora$/);
      assert.equal(await text(page, "#role"), "leader");
      assert.equal(await text(page, "#health"), "healthy");
      assert.match(await text(page, "#title"), new RegExp(`^${await text(page, "#leader")} `, "i"));
      assert.equal(await page.locator("#nodes tr:not(.why)").count(), 3);
      assert.equal(await page.locator("#picture .node").count(), 3);
      assert.match(await text(page, "#picture"), /leader of term \d/);
      assert.match(await text(page, "#picture"), /lease [\d,]+ ms/);
      const names = await page.locator("#contents .name").allInnerTexts();
      assert.deepEqual(names.sort(), ["name", "order:", "user/"]);
      assert.match(await text(page, "#events"), /leads in term/);
      const wider = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      assert.ok(wider <= 0, `${wider} pixels are beyond the right edge`);
      assert.deepEqual(await page.evaluate(unreadable), []);
      await screenshot(page, `node-${size.width}-${colorScheme}`);
      await close(opened);
    }
  }
}

/** With the keyboard alone everything is reached, in order, and one sees where one is. */
async function keyboard(url) {
  for (const size of SIZES) {
    const opened = await open(url, { size });
    const { page } = opened;
    await live(page);
    await page.waitForSelector("#write-time :is(.curve, .spot)", { state: "attached" });
    await page.keyboard.press("Tab");
    assert.equal(await focused(page), "Skip to the content");
    await screenshot(page, `keyboard-${size.width}`, false);
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement.id), "content");
    const reached = [];
    for (let step = 0; step < 40; step += 1) {
      await page.keyboard.press("Tab");
      const name = await focused(page);
      if (name === "") break;
      const isSeen = await page.evaluate(() => {
        const element = document.activeElement;
        const halo = element.querySelector(".halo");
        const outline = getComputedStyle(element);
        return halo ? getComputedStyle(halo).stroke !== "none" : outline.outlineStyle !== "none" && parseFloat(outline.outlineWidth) >= 2;
      });
      assert.ok(isSeen, `one does not see that ${name} has the focus`);
      reached.push(name);
      if (name === "Calls a second, over ten minutes") await readChart(page);
    }
    const expected = [/^Node \d, follower: its page$/, /^Node \d, follower: its page$/, /^Node \d$/, /^Node \d$/,
      /^Calls a second/, /^Time of a read/, /^Time of a write/, /^Last events$/, /^metrics$/, /^readiness$/, /^version$/];
    assert.equal(reached.length, expected.length, reached.join(", "));
    expected.forEach((pattern, place) => assert.match(reached[place], pattern));
    // What is shown again keeps the focus, over several views of the node.
    for (const place of ["#picture a", "#nodes a"]) {
      await page.locator(place).first().focus();
      const before = await focused(page);
      const shown = await page.evaluate(() => performance.now());
      await page.waitForFunction((shown) => performance.now() > shown + 1500, shown);
      assert.equal(await focused(page), before);
    }
    await close(opened);
  }
}

async function readChart(page) {
  await page.keyboard.press("ArrowLeft");
  assert.match(await text(page, "#rate .moment"), /at \d\d:\d\d:\d\d/);
  assert.match(await page.locator("#rate .unseen").textContent(), /reads [\d.]+.*, writes [\d.]+/);
  await page.keyboard.press("Escape");
  assert.doesNotMatch(await text(page, "#rate .moment"), /at \d\d:/);
}

const say = (line) => process.stdout.write(`${line}\n`);

/** The leader is killed under the eyes of a follower's page, then the page's own node. */
async function failover(url) {
  // Chromium itself writes a line for a connection that is refused.
  const opened = await open(url, { tolerates: /ERR_|Failed to load resource/ });
  const { page } = opened;
  await live(page);
  const leader = () => page.locator("#picture .leader .number").textContent();
  await page.waitForSelector("#picture .leader");
  const [old, term] = [await leader(), Number(await text(page, "#term"))];
  say(`kill ${old}`);
  await page.waitForFunction((old) => {
    const shown = document.querySelector("#picture .leader .number");
    return shown && shown.textContent !== old;
  }, old);
  await page.waitForSelector("#picture .gone");
  assert.equal(await page.locator("#picture .gone .number").textContent(), old);
  assert.ok(Number(await text(page, "#term")) > term, "a new term");
  assert.match(await text(page, "#nodes .why"), /^for \d+ (ms|s): UNAVAILABLE/);
  assert.equal(await text(page, "#health"), "2 of 3 there");
  await page.waitForFunction((old) => document.getElementById("events").textContent.includes(`; node ${old} led in term`), old);
  assert.equal(await page.evaluate(() => document.getElementById("banner").hidden), true, "it is ready again");
  await screenshot(page, "failover-new-leader");
  const self = (await text(page, "#title")).match(/^Node (\d+)/)[1];
  say(`kill ${self}`);
  await page.waitForFunction(() => document.body.classList.contains("stale"));
  assert.match(await text(page, "#banner"), /has not answered since \d\d:\d\d:\d\d: .+/);
  assert.match(await text(page, "#banner"), /The others may know more: node \d/);
  await screenshot(page, "failover-gone");
  say(`start ${self}`);
  await live(page);
  await page.waitForFunction(() => !document.body.classList.contains("stale"));
  await page.waitForFunction(() => document.getElementById("banner").hidden);
  // The node counts its events anew: those of its new life are shown, those of the old one not.
  await page.waitForFunction((self) => document.getElementById("events").textContent.includes(`: node ${self} of `), self);
  assert.doesNotMatch(await text(page, "#events"), new RegExp(`node ${old} led in term ${term}`));
  await close(opened);
}

/** Roles are enforced, and the browser has no certificate. */
async function refused(url) {
  const opened = await open(url, { size: SIZES[1], tolerates: /401|Failed to load resource/ });
  const { page } = opened;
  await page.waitForFunction(() => document.getElementById("connection").textContent === "refused");
  assert.match(await text(page, "#banner"), /only to clients with a certificate of its group/);
  assert.match(await text(page, "#banner"), /needs a client certificate with the role client/);
  await screenshot(page, "refused-390");
  await close(opened);
}

/** A page that nobody sees asks for nothing, and goes on when it is seen again. */
async function rests(page) {
  const hide = (isHidden) => page.evaluate((isHidden) => {
    Object.defineProperty(document, "hidden", { value: isHidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  }, isHidden);
  const uptime = () => text(page, "#subtitle");
  const changes = (before) => page.waitForFunction((before) => document.getElementById("subtitle").innerText !== before, before);
  const requests = [];
  page.on("request", (request) => requests.push(request.url()));
  await hide(true);
  const before = await uptime();
  await page.waitForTimeout(2500);
  assert.equal(await uptime(), before);
  assert.deepEqual(requests, []);
  await hide(false);
  await changes(before);
  assert.equal(await text(page, "#connection"), "live");
}

/** The browser has a certificate: the PKCS#12 file that the environment names. */
async function admitted(url) {
  const certificate = { origin: new URL(url).origin, pfxPath: process.env.AGORA_PKCS12, passphrase: "secret" };
  const opened = await open(url, { clientCertificates: [certificate] });
  await live(opened.page);
  assert.equal(await text(opened.page, "#health"), "one node");
  await screenshot(opened.page, "admitted-1440");
  await close(opened);
}

/** A market's node has another kind of contents. */
async function market(url) {
  const opened = await open(url, { colorScheme: "dark" });
  const { page } = opened;
  await live(page);
  assert.match(await text(page, "#title"), /^Node 1 of market$/);
  assert.equal(await text(page, "#contents-title"), "What the market has");
  await page.waitForFunction(() => document.getElementById("contents").textContent.includes("items on sale"));
  await screenshot(page, "market-1440-dark");
  await rests(page);
  await close(opened);
}

/** A key that is markup is shown as it is. */
async function markup(url) {
  const opened = await open(url);
  const { page } = opened;
  await live(page);
  await page.waitForFunction(() => document.getElementById("contents").textContent.includes("onerror"));
  const names = await page.locator("#contents .name").allInnerTexts();
  assert.ok(names.includes("<img src=x onerror=boom()>/"), `${names}`);
  assert.equal(await page.locator("main img").count(), 0);
  await close(opened);
}

await run({ looks, keyboard, failover, refused, admitted, market, markup });
