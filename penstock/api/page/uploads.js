/** Uploads files by the tus protocol (`/uploads`): what broke off goes on where it stopped, also after a reload. */

import { Away, authorization, call, envelopeOf, patiently, Refusal } from "./api.js";
import { recall, recallAll, remember } from "./session.js";

const PART_BYTES = 32 * 2 ** 20;
const TUS = { "Tus-Resumable": "1.0.0" };
const KEPT = "upload.";
// A response to HEAD has no body that says what is wrong.
const BODILESS = { 401: "token_invalid", 404: "file_not_found" };

/** @typedef {{id: string, name: string, size: number, sent: number, of: string}} Known an upload that this tab has begun */

/**
 * Sends a file, or the rest of it.
 * @param {File} file @param {{path: string, progress: (sent: number) => void, signal: AbortSignal}} options
 *   `path`: below the folder that was dropped. Files of one folder may share name, size and time: copies, frames, takes.
 * @returns {Promise<string>} the id of the File that it became
 * @throws {Refusal} and an AbortError
 */
export async function upload(file, { path, progress, signal }) {
  const of = [path, file.size, file.lastModified].join("|");
  const known = recall(KEPT + of);
  let at = known ? await offsetOf(known.id, signal) : null;
  const id = at === null ? await begin(file, signal) : known.id;
  at ??= 0;
  const note = () => remember(KEPT + of, { id, name: file.name, size: file.size, sent: at, of });
  note();
  while (at < file.size) {
    progress(at);
    let from = at; // known at the first try; after a broken one the service is asked
    const sendNext = () => {
      const part = sendPart(id, file, from, { progress, signal });
      from = null;
      return part;
    };
    at = await patiently(sendNext, signal).catch((error) => raiseForgotten(of, error));
    note();
  }
  progress(file.size);
  return id;
}

/** Uploads of this tab that are not whole, with how much of them the service has. @returns {Promise<Known[]>} */
export async function unfinished(signal) {
  const half = recallAll(KEPT).filter((one) => one.sent < one.size);
  const offsets = await Promise.all(half.map((one) => offsetOf(one.id, signal)));
  return half.map((one, index) => ({ ...one, sent: offsets[index] })).filter((one) => one.sent !== null && one.sent < one.size);
}

/** Deletes what has come of uploads. @param {Known[]} uploads */
export async function discard(uploads, signal) {
  await Promise.all(uploads.map(({ id }) => send("DELETE", `uploads/${id}`, {}, signal).catch(() => null)));
  for (const known of uploads) remember(KEPT + known.of, null);
}

/** Stores the file at an address. @returns {Promise<string>} the id of the File; it is fetched in the background */
export async function importAddress(url, signal) {
  return (await call("POST", "files", { body: { url }, signal })).data.id;
}

/** A refused upload is over. One whose key was revoked, or that met a fault of the service, goes on later. */
function raiseForgotten(of, error) {
  if (error instanceof Refusal && error.status !== 401 && error.status < 500) remember(KEPT + of, null);
  throw error;
}

async function begin(file, signal) {
  const metadata = [`filename ${base64(file.name)}`, ...(file.type ? [`filetype ${base64(file.type)}`] : [])].join(",");
  const headers = { "Upload-Length": String(file.size), "Upload-Metadata": metadata };
  const answer = await patiently(() => send("POST", "uploads", headers, signal), signal);
  return answer.headers.get("Location").split("/").pop();
}

/** How many bytes have come; null if the upload is unknown by now. */
async function offsetOf(id, signal) {
  const answer = await patiently(() => send("HEAD", `uploads/${id}`, {}, signal), signal).catch((error) => {
    if (error instanceof Refusal && error.status === 404) return null;
    throw error;
  });
  return answer && Number(answer.headers.get("Upload-Offset"));
}

/** A request without a body. */
async function send(method, path, headers, signal) {
  const options = { method, headers: { ...authorization(), ...TUS, ...headers }, signal, cache: "no-store" };
  const answer = await fetch(path, options).catch(() => {
    signal.throwIfAborted();
    throw new Away("");
  });
  if (answer.status === 423) throw new Away("", Number(answer.headers.get("Retry-After")) || 1);
  const code = method === "HEAD" && BODILESS[answer.status];
  const text = code ? JSON.stringify({ error: { code, message: "" } }) : await answer.text();
  await envelopeOf(answer.status, answer.headers.get("Retry-After"), text);
  return answer;
}

/** Sends one part, from where the service is if `from` is null. @returns {Promise<number>} how many bytes have come then */
async function sendPart(id, file, from, { progress, signal }) {
  const at = from ?? (await offsetOf(id, signal));
  if (at === null) throw new Refusal(404, { code: "file_not_found", message: "" });
  if (at >= file.size) return at;
  return await patch(`uploads/${id}`, file.slice(at, at + PART_BYTES), at, { progress, signal });
}

/** `fetch` tells nothing of what it has sent, so that this is an XMLHttpRequest. */
function patch(path, part, at, { progress, signal }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const stop = () => request.abort();
    request.open("PATCH", path);
    const headers = { ...authorization(), ...TUS, "Upload-Offset": at, "Content-Type": "application/offset+octet-stream" };
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => progress(at + event.loaded);
    request.onerror = async () => reject(await whyBroken(part));
    request.onabort = () => reject(signal.reason);
    request.onload = () =>
      envelopeOf(request.status, request.getResponseHeader("Retry-After"), request.responseText)
        .then(() => resolve(Number(request.getResponseHeader("Upload-Offset"))), (error) => reject(orBusy(error)))
        .finally(() => signal.removeEventListener("abort", stop));
    signal.addEventListener("abort", stop, { once: true });
    request.send(part);
  });
}

/** The browser reads no file that has changed since it was chosen, and calls that an error of the connection. */
async function whyBroken(part) {
  const isReadable = await part.slice(0, 1).arrayBuffer().then(() => true, () => false);
  return isReadable ? new Away("") : new Refusal(0, { code: "input_changed", message: "" });
}

/** After a broken connection the service may still write what came by it: then the next try asks where to go on. */
function orBusy(error) {
  return error.code === "file_in_use" ? new Away(error.message) : error;
}

function base64(text) {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}
