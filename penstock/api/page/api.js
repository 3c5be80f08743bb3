/** Calls the API with the key of this tab. While the service is away it tries again, after growing pauses. */

import { apiKey } from "./session.js";

/** What `service` says: `away` with `{seconds, message}` before each pause, `back`, and `refused` for a wrong key. */
export const service = new EventTarget();

const FIRST_PAUSE_SECONDS = 1;
const LONGEST_PAUSE_SECONDS = 30;
const ANSWER_SECONDS = 30;
const AWAY = [502, 503, 504];

/** A refusal of the API: `code` of docs/errors.md, `message` for people. */
export class Refusal extends Error {
  /** @param {number} status @param {{code: string, message: string, field?: string, violations?: Array}} error */
  constructor(status, error) {
    super(error.message);
    this.status = status;
    this.code = error.code;
    this.field = error.field ?? null;
    this.violations = error.violations ?? [];
  }
}

/** The service cannot be reached, or cannot work for now. `seconds`: when to try again, null if it does not say. */
export class Away extends Error {
  constructor(message, seconds = null) {
    super(message);
    this.seconds = seconds;
  }
}

/**
 * The answer's envelope. Every call of ours may be repeated: the same request is the same Task.
 * @param {string} method @param {string} path relative, without a leading slash
 * @param {{body?: Object, signal?: AbortSignal, wait?: number}} [options] `wait`: seconds that the answer may take longer
 * @throws {Refusal} and an AbortError
 */
export async function call(method, path, options = {}) {
  return await patiently(() => once(method, path, options), options.signal);
}

/** The `data` of the answer. */
export async function read(path, options) {
  return (await call("GET", path, options)).data;
}

/**
 * Tries again while the service is away.
 * @template T @param {() => Promise<T>} attempt @param {AbortSignal} [signal] @returns {Promise<T>}
 */
export async function patiently(attempt, signal) {
  for (let pause = FIRST_PAUSE_SECONDS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_SECONDS)) {
    try {
      const answer = await attempt();
      service.dispatchEvent(new Event("back"));
      return answer;
    } catch (error) {
      if (!(error instanceof Away)) throw error;
      const seconds = error.seconds ?? pause;
      service.dispatchEvent(new CustomEvent("away", { detail: { seconds, message: error.message } }));
      await pauseFor(seconds, signal);
    }
  }
}

/** Waits, or until `service` is asked to try `now`. */
function pauseFor(seconds, signal) {
  return new Promise((resolve, reject) => {
    const stop = new AbortController();
    const end = (finish) => (event) => {
      clearTimeout(timer);
      stop.abort();
      finish(event);
    };
    const timer = setTimeout(end(resolve), seconds * 1000);
    service.addEventListener("now", end(resolve), { signal: stop.signal });
    signal?.addEventListener("abort", end(() => reject(signal.reason)), { signal: stop.signal });
  });
}

async function once(method, path, { body, signal, wait = 0 }) {
  const answer = await fetch(path, {
    method,
    headers: { ...authorization(), ...(body ? { "Content-Type": "application/json" } : {}) },
    body: body ? JSON.stringify(body) : undefined,
    signal: withDeadline(signal, ANSWER_SECONDS + wait),
    cache: "no-store",
  }).catch((error) => raiseUnreachable(error, signal));
  return await envelopeOf(answer.status, answer.headers.get("Retry-After"), await answer.text());
}

function withDeadline(signal, seconds) {
  const deadline = AbortSignal.timeout(seconds * 1000);
  return signal ? AbortSignal.any([signal, deadline]) : deadline;
}

function raiseUnreachable(error, signal) {
  if (signal?.aborted) throw signal.reason;
  throw new Away("");
}

/** @returns {Object<string, string>} the header with the key */
export function authorization() {
  return { Authorization: `Bearer ${apiKey()}` };
}

/**
 * Reads an answer.
 * @param {number} status @param {string|null} retryAfter seconds @param {string} text
 * @throws {Refusal} @throws {Away}
 */
export async function envelopeOf(status, retryAfter, text) {
  const envelope = parsed(text);
  if (status < 400 && (envelope || !text)) return envelope;
  if (!envelope?.error) throw new Away("");
  const error = envelope.error;
  if (AWAY.includes(status) || error.code === "rate_limited") throw new Away(error.message, Number(retryAfter) || null);
  if (status === 401) service.dispatchEvent(new CustomEvent("refused", { detail: error }));
  throw new Refusal(status, error);
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/**
 * A link to a file's bytes, as one of this origin: the page may be open under another name than the links have.
 * @param {string|null} link @returns {string|null}
 */
export function ownLink(link) {
  return link && link.slice(link.lastIndexOf("/files/") + 1);
}
