// Looks at the page of a job with a real browser.
//
//   node job.mjs MODULES SCENARIO SCREENSHOTS URL
//
// MODULES has playwright-core. A line on stdout asks the test to do something: `kill`. Exit status 0:
// everything was as it should be; else the reasons are on stderr.

import assert from "node:assert/strict";
import { SIZES, close, focused, open, run, screenshot, text, unreadable } from "./visitor.mjs";

/** A page that shows a clustering with some iterations. */
async function openClustering(url, options) {
  const opened = await open(url, options);
  await opened.page.waitForSelector("#error-chart path.curve");
  await opened.page.waitForFunction(() => document.querySelectorAll("#workers tbody tr").length === 4);
  return opened;
}

const pixels = (page) => page.evaluate(() => document.getElementById("scatter").toDataURL());

/** Everything is there, at each size in each scheme, and can be read; points move. */
async function looks(url) {
  for (const size of SIZES) {
    for (const colorScheme of ["light", "dark"]) {
      const reducedMotion = colorScheme === "light" ? "reduce" : "no-preference";
      const opened = await openClustering(url, { size, colorScheme, reducedMotion });
      const { page } = opened;
      assert.match(await text(page, "#name"), /^k-means of points\.csv$/);
      assert.match(await text(page, "#about"), /^job [0-9a-f]{8}, started /);
      assert.equal(await text(page, "#state"), "running");
      assert.match(await text(page, "#points-note"), /^1,500 of 6,000 points, 6 clusters$/);
      assert.match(await text(page, "#error-note"), /^start \d+ of 100,000, iteration \d+ of at most 300$/);
      assert.match(await text(page, "#phases"), /Map[^]*of 2 tasks[^]*Shuffle[^]*Reduce[^]*of 2 tasks/);
      // The counters of a round that has just begun lack it.
      await page.waitForFunction(() => document.getElementById("counters").textContent.includes("moved points"));
      assert.match(await text(page, "#events"), /mapper M1 is at 127\.0\.0\.1:/);
      assert.equal(await page.locator("#phases .cell").count(), 4);
      const before = await pixels(page);
      await page.waitForFunction((before) => document.getElementById("scatter").toDataURL() !== before, before);
      await page.waitForFunction(() => /[1-9]\d* of 1,500 drawn points changed/.test(document.getElementById("scatter-words").textContent));
      const wider = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      assert.ok(wider <= 0, `${wider} pixels are beyond the right edge`);
      assert.deepEqual(await page.evaluate(unreadable), []);
      await screenshot(page, `job-${size.width}-${colorScheme}`);
      await close(opened);
    }
  }
}

/** With the keyboard alone everything is reached, in order; a cluster and an iteration can be read. */
async function keyboard(url) {
  for (const size of SIZES) {
    const opened = await openClustering(url, { size });
    const { page } = opened;
    await page.keyboard.press("Tab");
    assert.equal(await focused(page), "Skip to the job");
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement.id), "main");
    const reached = [];
    for (let step = 0; step < 20; step += 1) {
      await page.keyboard.press("Tab");
      const name = await focused(page);
      if (name === "") break;
      const isSeen = await page.evaluate(() => {
        const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
        return outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
      });
      assert.ok(isSeen, `one does not see that ${name} has the focus`);
      reached.push(name);
      if (name === "Points and centroids") await readCluster(page);
      if (name === "Pause") await pause(page);
      if (name.startsWith("Squared error by iteration")) await readIteration(page);
    }
    const expected = ["Points and centroids", "Pause", "Squared error by iteration; the arrow keys read it",
      "Workers", "Events, the newest first", "Counters", "metrics"];
    // Tasks are listed only while one is slow.
    assert.deepEqual(reached.filter((name) => name !== "Tasks worth a look"), expected);
    await close(opened);
  }
}

async function readCluster(page) {
  await page.keyboard.press("ArrowRight");
  assert.match(await page.locator("#scatter-spoken").textContent(), /^cluster 1: [\d.]+ % of the drawn points, centroid at \(.+, .+\)$/);
  await page.keyboard.press("ArrowLeft");
  assert.match(await page.locator("#scatter-spoken").textContent(), /^cluster 6: /);
  await page.keyboard.press("Escape");
}

/** What moves can be stopped (WCAG 2.2, 2.2.2). */
async function pause(page) {
  await page.keyboard.press("Enter");
  assert.equal(await page.locator("#pause").getAttribute("aria-pressed"), "true");
  await page.waitForTimeout(600);
  const [before, iteration] = [await pixels(page), await text(page, "#error-note")];
  await page.waitForFunction((iteration) => document.getElementById("error-note").textContent !== iteration, iteration);
  assert.equal(await pixels(page), before, "it is paused");
  await page.keyboard.press("Enter");
  await page.waitForFunction((before) => document.getElementById("scatter").toDataURL() !== before, before);
}

async function readIteration(page) {
  await page.keyboard.press("Home");
  assert.match(await page.locator("#error-chart .unseen").textContent(), /^iteration 1: .+, 6,000 points moved$/);
  await page.keyboard.press("Escape");
}

/** A job that ends under the eyes of a browser: it keeps the last state. */
async function ends(url) {
  for (const size of SIZES) {
    if (size !== SIZES[0]) break;
    const opened = await open(url, { size, tolerates: /ERR_|Failed to load resource/ });
    const { page } = opened;
    await page.waitForFunction(() => document.getElementById("state").textContent === "done");
    await page.waitForFunction(() => !document.getElementById("banner").hidden);
    assert.match(await text(page, "#banner"), /The job is over/);
    assert.match(await text(page, "#phases"), /Map\s*3 of 3 tasks/);
    assert.match(await text(page, "#output-note"), /output\.txt, /);
    assert.match(await text(page, "#output"), /^w0\t\d+/);
    assert.equal(await page.evaluate(() => document.body.classList.contains("stale")), false);
    await screenshot(page, "job-done-1440");
    await close(opened);
  }
}

/** A worker and then the master are killed. */
async function dies(url) {
  const opened = await open(url, { size: SIZES[1], colorScheme: "dark", tolerates: /ERR_|Failed to load resource/ });
  const { page } = opened;
  await page.waitForFunction(() => document.querySelectorAll("#workers tbody tr").length === 5);
  process.stdout.write("kill a mapper\n");
  await page.waitForFunction(() => document.getElementById("events").textContent.includes("FAILURE: its worker is gone"));
  await page.waitForFunction(() => document.getElementById("tasks").textContent.includes("its worker is gone"));
  assert.match(await text(page, "#tiles"), /1 failed/);
  await screenshot(page, "job-failure-390-dark");
  process.stdout.write("kill the master\n");
  await page.waitForFunction(() => document.body.classList.contains("stale"));
  assert.match(await text(page, "#banner"), /The master does not answer/);
  assert.equal(await text(page, "#state"), "not connected");
  await screenshot(page, "job-gone-390-dark");
  await close(opened);
}

/** Names of files, errors of commands and results that are markup are shown as they are. */
async function markup(url) {
  const opened = await open(url);
  const { page } = opened;
  await page.waitForFunction(() => document.getElementById("state").textContent === "done");
  assert.equal(await text(page, "#name"), "word count of <img src=x onerror=boom()>.txt");
  assert.match(await text(page, "#output"), /<script>boom\(\)<\/script>/);
  assert.equal(await page.locator("main img, main script").count(), 0);
  await close(opened);
}

await run({ looks, keyboard, ends, dies, markup });
