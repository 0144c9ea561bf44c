// The state of a job as it arrives: numbers, points, and whether it still comes.

import { follow } from "/connect.js";
import { numeric } from "/dom.js";

const SERVICE = "/agora.mapreduce.v1.JobService";
const INTERVAL_MS = 250;

const decoded = (text) => Uint8Array.from(atob(text || ""), (letter) => letter.charCodeAt(0));

/** Pairs of floats of 4 bytes, as `[x, y]`. */
export function pairs(text) {
  const bytes = decoded(text);
  const view = new DataView(bytes.buffer);
  const read = [];
  for (let at = 0; at + 8 <= bytes.length; at += 8) {
    read.push([view.getFloat32(at, true), view.getFloat32(at + 4, true)]);
  }
  return read;
}

/** Numbers of 2 bytes. */
export function labels(text) {
  const bytes = decoded(text);
  const view = new DataView(bytes.buffer);
  const read = [];
  for (let at = 0; at + 2 <= bytes.length; at += 2) read.push(view.getUint16(at, true));
  return read;
}

export const isOver = (job) => job.state === "JOB_STATE_DONE" || job.state === "JOB_STATE_FAILED";

/**
 * Follows the job until it is over. `show(job)` gets each state, `tell(state, error)` how the page is
 * connected: see `follow`.
 */
export function followJob(show, tell) {
  const watch = `${SERVICE}/Watch`;
  return follow({
    watch,
    poll: `${SERVICE}/Describe`,
    request: (path) => path === watch ? { intervalMs: INTERVAL_MS } : {},
    show: (response) => {
      const job = response.job || {};
      show(job);
      return isOver(job);
    },
    tell,
  });
}

/** The numbers of a phase. */
export function phaseOf(phase = {}) {
  const [tasks, done] = [numeric(phase.tasks), numeric(phase.done)];
  return {
    tasks,
    done,
    running: numeric(phase.running),
    idle: numeric(phase.idle),
    failed: numeric(phase.failed),
    states: phase.states || "",
    perLetter: Math.max(1, numeric(phase.tasksPerLetter)),
    inputBytes: numeric(phase.inputBytes),
  };
}
