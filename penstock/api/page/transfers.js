/** The upload that runs: one file or a folder. It goes on while other views are open, and ends with the tab. */

import { read, Refusal } from "./api.js";
import { isNoMedia } from "./dropping.js";
import { remember } from "./session.js";
import { importAddress, upload } from "./uploads.js";

const AT_ONCE = 3;
const LOOK_SECONDS = 1;

/**
 * @typedef {{path: string, file: File|null, size: number, sent: number, id: string|null, error: Error|null, facts?: Object}} Line `facts`: the File
 * @typedef {{name: string|null, lines: Line[], changed: EventTarget, stop: () => void}} Transfer
 *   `changed` says `progress`, `busy` when more files came meanwhile, and `end` once: with where to go on
 */

/** @type {Transfer|null} */
let running = null;

/** @returns {Transfer|null} */
export function runningTransfer() {
  return running;
}

/** Uploads what was dropped. @param {import("./dropping.js").Drop} drop @returns {Transfer} */
export function startUpload(drop) {
  const lines = drop.files.map(({ file, path }) => ({ path, file, size: file.size, sent: 0, id: null, error: null }));
  return start(drop.name, lines, async (transfer, signal) => {
    await inTurn(lines, (line) => sendLine(line, transfer, signal));
    return lines.length === 1 && lines[0].id ? `#/files/${lines[0].id}` : batchOf(transfer);
  });
}

/** Has the service fetch an address. @param {string} url @returns {Transfer} */
export function startImport(url) {
  const line = { path: url, file: null, size: 0, sent: 0, id: null, error: null };
  return start(null, [line], async (_, signal) => {
    line.id = await importAddress(url, signal);
    await whenFetched(line.id, signal);
    return `#/files/${line.id}`;
  });
}

function start(name, lines, work) {
  const controller = new AbortController();
  const transfer = { name, lines, changed: new EventTarget(), stop: () => controller.abort() };
  running = transfer;
  window.addEventListener("beforeunload", warn, { signal: controller.signal });
  work(transfer, controller.signal)
    .catch((error) => fail(transfer, controller.signal, error))
    .then((hash) => end(transfer, controller, hash));
  return transfer;
}

/** One refused line of many is told in its place; of a single one it is the end of the transfer. */
function fail(transfer, signal, error) {
  if (!signal.aborted) transfer.lines[0].error = error;
  return null;
}

function end(transfer, controller, hash) {
  const stopped = controller.signal.aborted;
  controller.abort();
  running = null;
  if (hash) remember("ready", { name: transfer.name ?? transfer.lines[0].path, hash });
  transfer.changed.dispatchEvent(new CustomEvent("end", { detail: { hash, stopped } }));
}

function warn(event) {
  event.preventDefault();
}

/** A few lines at once. */
async function inTurn(lines, work) {
  const waiting = [...lines];
  const one = async () => {
    for (let line = waiting.shift(); line; line = waiting.shift()) await work(line);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
}

async function sendLine(line, transfer, signal) {
  const tell = () => transfer.changed.dispatchEvent(new Event("progress"));
  try {
    if (isNoMedia(line.file) && transfer.lines.length > 1) throw new Refusal(0, { code: "input_unreadable", message: "" });
    if (!line.size) throw new Refusal(0, { code: "input_unreadable", message: "" });
    const id = await upload(line.file, { path: line.path, signal, progress: (sent) => ((line.sent = sent), tell()) });
    line.facts = await read(`files/${id}`, { signal });
    line.id = id;
  } catch (error) {
    if (!(error instanceof Refusal) || error.status === 401) throw error; // all others would be refused too
    line.error = error;
  }
  tell();
}

/** Notes what may become a batch, so that a reload keeps it; null if nothing of it can. */
function batchOf(transfer) {
  const sent = transfer.lines.filter((line) => line.id);
  if (!sent.length) return null;
  const refused = transfer.lines.filter((line) => line.error).map((line) => ({ path: line.path, code: line.error.code }));
  const files = sent.map(({ facts: { id, kind, format, filesize } }) => ({ id, kind, format, filesize }));
  remember("batch", { name: transfer.name, files, refused });
  return "#/batch";
}

/** Waits for an import. @throws {Refusal} with why it failed */
async function whenFetched(id, signal) {
  for (;;) {
    const file = await read(`files/${id}`, { signal });
    if (file.status === "ready") return;
    if (file.status === "failed") throw new Refusal(422, file.error);
    await new Promise((resolve) => setTimeout(resolve, LOOK_SECONDS * 1000));
  }
}
