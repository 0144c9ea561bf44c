// What pages of strangers can do to a server in a real browser.
//
//   node origins.mjs MODULES SCENARIO SCREENSHOTS URL
//
// MODULES has playwright-core. Exit status 0: everything was as it should be; else the reasons are on stderr.

import assert from "node:assert/strict";
import { run, visit } from "./visitor.mjs";

const SET = "/agora.kv.v1.KvService/Set";
const SCAN = "/agora.kv.v1.KvService/Scan";

/** Chromium itself asks people before a page of the internet calls loopback. Others do not, so it is told not to. */
const isPublic = (url) => `--ip-address-space-overrides=${new URL(url).host}=public`;

/** A page of a stranger at this address, which the browser takes from here instead of from a server. */
async function strangers(context, at) {
  await context.route(at, (route) => route.fulfill({ contentType: "text/html", body: "<title>a stranger</title>" }));
  const page = await context.newPage();
  await page.goto(at);
  assert.equal(await page.title(), "a stranger");
  return page;
}

/** What a page gets by a request: the status, or the word `blocked` if the browser shows it nothing. */
const fetched = (page, target, options = {}) => page.evaluate(async ([target, options]) => {
  try {
    const response = await fetch(target, options);
    const body = await response.text();
    return { status: response.status, body, names: [...response.headers.keys()] };
  } catch {
    return { status: "blocked", body: "", names: [] };
  }
}, [target, options]);

const json = (body, more = {}) => ({ method: "POST", headers: { "content-type": "application/json", ...more }, body: JSON.stringify(body) });

/**
 * The name of the page points to the server once the page is there. For the browser all is of one origin,
 * so that only the server can refuse.
 */
async function rebound(url) {
  const { hostname, port } = new URL(url);
  await visit([isPublic(url), `--host-resolver-rules=MAP evil.example ${hostname}`], async (context) => {
    const page = await strangers(context, `http://evil.example:${port}/page-of-a-stranger`);
    const disguised = { headers: { "user-agent": "curl/8.5.0", "accept-language": "" } };
    for (const target of ["/", "/metrics", "/version", `${SCAN}?encoding=json&message=%7B%7D`]) {
      for (const options of [{}, disguised, { mode: "no-cors" }, { credentials: "include" }]) {
        const { status, body } = await fetched(page, target, options);
        assert.equal(status, 403, `${target} ${JSON.stringify(options)}`);
        assert.match(body, /does not know the host/);
        assert.match(body, new RegExp(`--allow-origin http://evil\\.example:${port}`));
      }
    }
    assert.equal((await fetched(page, SET, json({ key: "ZXZpbA==", value: "dg==" }))).status, 403);
    assert.equal((await fetched(page, SCAN, json({}))).status, 403);
    await context.unroute("**/*");
    const response = await page.goto(`http://evil.example:${port}/`);
    assert.equal(response.status(), 403, "nor is it shown");
    assert.doesNotMatch((await fetchedAt(context, url, SCAN)).body, /ZXZpbA==/);
  });
}

/** A call by the server's own page. */
async function fetchedAt(context, url, target) {
  const page = await context.newPage();
  await page.goto(url);
  const answer = await fetched(page, target, json({}));
  assert.equal(answer.status, 200, answer.body);
  return answer;
}

/** Pages of two origins: the server permits the first, by `--allow-origin http://shop.example`. */
async function permitted(url) {
  const at = (path) => new URL(path, url).href;
  await visit([isPublic(url)], async (context) => {
    const shop = await strangers(context, "http://shop.example/");
    const evil = await strangers(context, "http://evil.example/");
    const pair = json({ key: "c2hvcA==", value: "dg==" }, { "connect-protocol-version": "1", "x-tenant": "a" });
    const set = await fetched(shop, at(SET), pair);
    assert.equal(set.status, 200, set.body);
    assert.ok(set.names.includes("x-content-type-options"), `every field can be read: ${set.names}`);
    assert.equal((await fetched(shop, at("/metrics"))).status, 200);
    const wrong = await fetched(shop, at(SET), json({ key: 7 }));
    assert.equal(wrong.status, 400, "and every error");
    assert.match(wrong.body, /invalid_argument/);
    assert.equal((await fetched(shop, at(SET), { ...pair, credentials: "include" })).status, "blocked");
    const theft = json({ key: "ZXZpbA==", value: "dg==" });
    assert.equal((await fetched(evil, at(SET), theft)).status, "blocked");
    assert.equal((await fetched(evil, at("/metrics"))).status, "blocked");
    const form = { method: "POST", mode: "no-cors", body: theft.body };
    assert.equal((await fetched(evil, at(SET), form)).status, 0, "it is sent, and refused");
    const { body } = await fetchedAt(context, url, SCAN);
    assert.match(body, /c2hvcA==/);
    assert.doesNotMatch(body, /ZXZpbA==/);
  });
}

/** No page shows this one in a frame, and none takes a response for a script. */
async function framed(url) {
  await visit([isPublic(url)], async (context) => {
    const page = await strangers(context, "http://evil.example/");
    const complaints = [];
    page.on("console", (message) => complaints.push(message.text()));
    await page.evaluate((url) => new Promise((wake) => {
      const frame = document.createElement("iframe");
      frame.onload = wake;
      frame.src = url;
      document.body.append(frame);
    }), url);
    assert.match(complaints.join("\n"), /frame-ancestors 'none'/);
    for (const target of ["/metrics", "/version", "/node.js", "/"]) {
      const loaded = await page.evaluate((target) => new Promise((wake) => {
        const script = document.createElement("script");
        script.onload = () => wake("loaded");
        script.onerror = () => wake("blocked");
        script.src = target;
        document.body.append(script);
      }), new URL(target, url).href);
      assert.equal(loaded, "blocked", target);
    }
  });
}

await run({ rebound, permitted, framed });
