/** What this tab keeps until it is closed: the API key and what was uploaded. Nothing of it is in an address. */

const PREFIX = "penstock.";
const KEY = `${PREFIX}key`;

/** @returns {string|null} */
export function apiKey() {
  return sessionStorage.getItem(KEY);
}

/** @param {string} key */
export function signIn(key) {
  sessionStorage.setItem(KEY, key);
}

export function signOut() {
  sessionStorage.clear();
}

/** Forgets a key that is wrong; what was uploaded stays. */
export function forgetKey() {
  sessionStorage.removeItem(KEY);
}

/**
 * Keeps something until the tab is closed. A browser has room for about five million characters: what does not fit is
 * missing after a reload, and nothing else.
 * @param {string} name @param {any} value JSON; null forgets it
 */
export function remember(name, value) {
  sessionStorage.removeItem(PREFIX + name);
  if (value === null) return;
  try {
    sessionStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch (error) {
    if (error.name !== "QuotaExceededError") throw error;
  }
}

/** What is kept under names with this beginning. @returns {any[]} */
export function recallAll(beginning) {
  const names = Object.keys(sessionStorage).filter((name) => name.startsWith(PREFIX + beginning));
  return names.map((name) => JSON.parse(sessionStorage.getItem(name)));
}

/** @param {string} name @returns {any} null if nothing is kept */
export function recall(name) {
  return JSON.parse(sessionStorage.getItem(PREFIX + name) ?? "null");
}

/** Notes the request of a task: only this tab knows all of its options, so that it can be sent again. */
export function rememberRequest(taskId, request) {
  remember(`request.${taskId}`, request);
}

/** @returns {Object|null} */
export function requestOf(taskId) {
  return recall(`request.${taskId}`);
}
