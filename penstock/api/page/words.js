/** Errors, states and figures in words, and the pieces that show them. */

import { el } from "./dom.js";
import { bytes, change, knows, t } from "./language.js";

/**
 * Why something failed: a heading by its code in the reader's language, and the service's own sentence.
 * @param {{code?: string, message: string}} error of the API, or any other @returns {HTMLElement}
 */
export function faultBox(error) {
  return el("div", { class: "fault box", role: "alert" },
    el("strong", {}, heading(error)), sentence(error));
}

function heading(error) {
  return error.code && knows(`code.${error.code}`) ? t(`code.${error.code}`) : t("fault.unknown");
}

function sentence(error) {
  const violations = error.violations?.length > 1 ? error.violations : null;
  if (!violations) return el("p", { lang: "en" }, error.message);
  return el("ul", { lang: "en" }, ...violations.map((one) => el("li", {}, one.message)));
}

/** The refusal's heading in one line. @returns {string} */
export function shortFault(error) {
  return heading(error);
}

/** @param {"processing"|"completed"|"failed"|"cancelled"} status also of batches and lines @returns {HTMLElement} */
export function pill(status, text = t(`status.${status}`)) {
  return el("span", { class: `pill ${status}` }, text);
}

/** @param {string} state of a Task @returns {string} */
export function stateText(state) {
  return knows(`state.${state}`) ? t(`state.${state}`) : state;
}

/** Sizes before and after. @param {number} before bytes @param {number} after bytes @returns {string} */
export function saving(before, after) {
  return `${bytes(before)} → ${bytes(after)} (${change(before, after)})`;
}

/** Says below the view's heading why something that was pressed did not work. */
export function showFault(error) {
  document.querySelector("#main > .fault.box")?.remove();
  document.querySelector("#main h1")?.after(faultBox(error));
}
