// Calls of this server by the Connect protocol, in JSON. https://connectrpc.com/docs/protocol

/** Why a call failed: the code of its status, and the reason in words. */
export class CallError extends Error {
  constructor(code, message) {
    super(message || code);
    this.code = code;
  }
}

const HEADERS = { "connect-protocol-version": "1" };
const END_OF_STREAM = 2;
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

/** Calls a unary method. */
export async function call(path, message, signal) {
  const headers = { ...HEADERS, "content-type": "application/json" };
  const response = await post(path, headers, JSON.stringify(message), signal);
  return response.json().catch(lost);
}

/** Calls a method that streams, and yields its responses. */
export async function* stream(path, message, signal) {
  const content = new TextEncoder().encode(JSON.stringify(message));
  const body = new Uint8Array(5 + content.length);
  new DataView(body.buffer).setUint32(1, content.length);
  body.set(content, 5);
  const headers = { ...HEADERS, "content-type": "application/connect+json" };
  const response = await post(path, headers, body, signal);
  const reader = response.body.getReader();
  try {
    for await (const { flags, text } of envelopes(reader)) {
      const value = parsed(text);
      if (!(flags & END_OF_STREAM)) {
        yield value;
        continue;
      }
      if (value.error) throw new CallError(value.error.code, value.error.message);
      return;
    }
    throw new CallError("unavailable", "the connection ended");
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** A message; what no server of ours sends counts as a connection that failed. */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    throw new CallError("unavailable", "the answer is not a message");
  }
}

/** The error of a connection that broke off. */
function lost(error) {
  throw error.name === "AbortError" ? error : new CallError("unavailable", "the connection was lost");
}

async function post(path, headers, body, signal) {
  let response;
  try {
    response = await fetch(path, { method: "POST", headers, body, signal, cache: "no-store" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new CallError("unavailable", "nothing answers at its address");
  }
  if (response.ok) return response;
  let failure = {};
  try {
    failure = await response.json();
  } catch {
    // Something between the browser and the server answered.
  }
  throw new CallError(failure.code || `http ${response.status}`, failure.message || response.statusText);
}

async function* envelopes(reader) {
  let held = new Uint8Array(0);
  for (;;) {
    while (held.length >= 5) {
      const length = new DataView(held.buffer, held.byteOffset).getUint32(1);
      if (length > MAX_MESSAGE_BYTES) throw new CallError("internal", "a message is too long");
      if (held.length < 5 + length) break;
      yield { flags: held[0], text: new TextDecoder().decode(held.subarray(5, 5 + length)) };
      held = held.slice(5 + length);
    }
    const { done, value } = await reader.read().catch(lost);
    if (done) return;
    const joined = new Uint8Array(held.length + value.length);
    joined.set(held);
    joined.set(value, held.length);
    held = joined;
  }
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 4000;
const POLL_MS = 1000;
/** How often it is asked before a stream is tried again, at first and at last. */
const FIRST_POLLS = 4;
const MOST_POLLS = 60;
/** A stream that is silent for so long is taken for dead: the server sends twice a second. */
const SILENCE_MS = 6000;

/**
 * Follows a state for as long as somebody looks at the page: by the method `watch`, or, where streams do not
 * arrive, by asking with the method `poll`. `request(path)` is the message of each call. `show(response)`
 * gets each response; if it returns true, that was the last one. `tell(state, error)` gets one of `live`,
 * `polling`, `gone`, `refused` and, behind the last response, `over`.
 */
export async function follow({ watch, poll, request, show, tell }) {
  let pause = FIRST_PAUSE_MS;
  let polls = FIRST_POLLS;
  let isOver = false;
  const take = (state) => (response) => {
    pause = FIRST_PAUSE_MS;
    if (state === "live") polls = FIRST_POLLS;
    tell(state);
    isOver = show(response) === true;
    return isOver;
  };
  for (;;) {
    await untilVisible();
    let failure = await watchOnce(watch, request, take("live"));
    if (isOver) return tell("over");
    if (document.hidden) continue;
    if (!isRefusal(failure)) {
      failure = await pollSometimes(poll, request, polls, take("polling"));
      if (isOver) return tell("over");
      polls = Math.min(polls * 2, MOST_POLLS);
      if (!failure || document.hidden) continue;
    }
    tell(isRefusal(failure) ? "refused" : "gone", failure);
    // Pages that lost the same server do not all come back at the same moment.
    await sleep(pause * (0.75 + Math.random() / 2));
    pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
  }
}

function isRefusal(error) {
  return error.code === "unauthenticated" || error.code === "permission_denied";
}

/** Takes responses until the stream ends or nobody looks any more, and returns why it ended. */
async function watchOnce(path, request, take) {
  const control = new AbortController();
  let timer;
  const wait = () => {
    clearTimeout(timer);
    timer = setTimeout(() => control.abort(), SILENCE_MS);
  };
  const endUnseen = () => document.hidden && control.abort();
  document.addEventListener("visibilitychange", endUnseen);
  try {
    wait();
    for await (const response of stream(path, request(path), control.signal)) {
      wait();
      if (take(response)) return null;
    }
    return new CallError("unavailable", "the stream ended");
  } catch (error) {
    return failureOf(error);
  } finally {
    document.removeEventListener("visibilitychange", endUnseen);
    clearTimeout(timer);
    control.abort();
  }
}

/** Asks so many times while somebody looks, and returns why that failed if it did. */
async function pollSometimes(path, request, times, take) {
  for (let round = 0; round < times && !document.hidden; round += 1) {
    const control = new AbortController();
    const timer = setTimeout(() => control.abort(), SILENCE_MS);
    try {
      if (take(await call(path, request(path), control.signal))) return null;
    } catch (error) {
      return failureOf(error);
    } finally {
      clearTimeout(timer);
    }
    await sleep(POLL_MS);
  }
  return null;
}

function untilVisible() {
  if (!document.hidden) return null;
  return new Promise((wake) => {
    const look = () => {
      if (document.hidden) return;
      document.removeEventListener("visibilitychange", look);
      wake();
    };
    document.addEventListener("visibilitychange", look);
  });
}

/** The failure of a call. A mistake of the page is none. */
function failureOf(error) {
  if (error instanceof CallError) return error;
  if (error.name === "AbortError") return new CallError("unavailable", "it is silent");
  throw error;
}

function sleep(ms) {
  return new Promise((wake) => setTimeout(wake, ms));
}
