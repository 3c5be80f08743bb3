/** What this tab keeps until it is closed: the API key and what was uploaded. Nothing of it is in an address. */

const KEY = "penstock.key";

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

/** @param {string} name @param {any} value JSON; null forgets it */
export function remember(name, value) {
  if (value === null) sessionStorage.removeItem(`penstock.${name}`);
  else sessionStorage.setItem(`penstock.${name}`, JSON.stringify(value));
}

/** @param {string} name @returns {any} null if nothing is kept */
export function recall(name) {
  return JSON.parse(sessionStorage.getItem(`penstock.${name}`) ?? "null");
}

/** Notes the request of a task: only this tab knows all of its options, so that it can be sent again. */
export function rememberRequest(taskId, request) {
  remember("requests", { ...recall("requests"), [taskId]: request });
}

/** @returns {Object|null} */
export function requestOf(taskId) {
  return recall("requests")?.[taskId] ?? null;
}
