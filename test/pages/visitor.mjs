// What visits to pages have in common: a browser, what it complains about, and who can read what it shows.
//
// The arguments are MODULES SCENARIO SCREENSHOTS URL; MODULES has playwright-core.

import assert from "node:assert/strict";
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const [modules, scenario, folder, url] = process.argv.slice(2);
const { chromium } = createRequire(path.join(modules, "/"))("playwright-core");
export const SIZES = [{ width: 1440, height: 1000 }, { width: 390, height: 844 }];
const LONG_MS = 40_000;
let browser = null;

/** Runs the scenario that is asked for, and ends the process. */
export async function run(scenarios) {
  browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
  let failure = null;
  try {
    await scenarios[scenario](url);
  } catch (error) {
    failure = error;
  } finally {
    await browser.close();
  }
  if (failure) console.error(failure);
  process.exit(failure ? 1 : 0);
}

/** Does something in a browser of its own, with these flags. */
export async function visit(flags, act) {
  const own = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", ...flags] });
  try {
    await act(await own.newContext());
  } finally {
    await own.close();
  }
}

/** A page, and everything that a browser complains about. */
export async function open(at, { size = SIZES[0], colorScheme = "light", reducedMotion = "reduce", tolerates = null, clientCertificates = [] } = {}) {
  const context = await browser.newContext({ viewport: size, colorScheme, reducedMotion, ignoreHTTPSErrors: true, clientCertificates });
  await context.addInitScript(() => {
    window.violations = [];
    document.addEventListener("securitypolicyviolation", (event) => window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
  });
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (message) => {
    const text = `${message.type()}: ${message.text()}`;
    if (["error", "warning"].includes(message.type()) && !tolerates?.test(text)) complaints.push(text);
  });
  page.on("pageerror", (error) => complaints.push(`${error.message} ${error.stack}`));
  page.on("request", (request) => {
    if (new URL(request.url()).origin !== new URL(at).origin) complaints.push(`a request elsewhere: ${request.url()}`);
  });
  page.setDefaultTimeout(LONG_MS);
  await page.goto(at);
  return { page, complaints, context };
}

export async function close({ page, complaints, context }) {
  complaints.push(...(await page.evaluate(() => window.violations)));
  assert.deepEqual(complaints, []);
  await context.close();
}

export const text = (page, selector) => page.locator(selector).innerText();

export async function screenshot(page, name, fullPage = true) {
  fs.mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: path.join(folder, `${name}.png`), fullPage });
}

/** Texts with too little contrast to their ground (WCAG 2.2, 1.4.3); runs in the page. */
export function unreadable() {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgb = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const luminance = (color) => rgb(color).slice(0, 3).map((part) => part / 255)
    .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, place) => sum + part * [0.2126, 0.7152, 0.0722][place], 0);
  const groundOf = (element) => {
    for (let above = element; above; above = above.parentElement) {
      const color = getComputedStyle(above).backgroundColor;
      if (rgb(color)[3] === 255) return color;
    }
    return "white";
  };
  const bad = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim());
    if (!own || element.closest("svg, noscript, .unseen") || element.getClientRects().length === 0) continue;
    const [one, other] = [getComputedStyle(element).color, groundOf(element)].map(luminance).sort((a, b) => b - a);
    const ratio = (one + 0.05) / (other + 0.05);
    if (ratio < 4.5) bad.push(`${ratio.toFixed(1)}: ${element.textContent.trim()}`);
  }
  return bad;
}

/** The name of what has the focus; empty at the end of the page. */
export const focused = (page) => page.evaluate(() => {
  const element = document.activeElement;
  if (element === document.body) return "";
  const labels = (element.getAttribute("aria-labelledby") || "").split(" ").map((id) => document.getElementById(id)?.textContent).join("");
  return element.getAttribute("aria-label") || labels || element.textContent.trim();
});
