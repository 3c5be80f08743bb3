/** Pages of a list: the address with other values, and the links to the pages beside this one. */

import { el } from "./dom.js";
import { t } from "./language.js";

/** @param {URLSearchParams} asked @param {Object<string, string>} values empty ones are removed @returns {URLSearchParams} */
export function changed(asked, values) {
  const next = new URLSearchParams(asked);
  for (const [key, value] of Object.entries(values)) {
    if (value) next.set(key, value);
    else next.delete(key);
  }
  return next;
}

/** @param {string} address such as `#/tasks` @param {{page: number, pages: number}} meta of the list @returns {HTMLElement|string} */
export function pager(address, asked, { page, pages }) {
  if (pages < 2) return "";
  const link = (to, text) => el("a", { class: "button", href: `${address}?${changed(asked, { page: String(to) })}` }, text);
  return el("nav", { class: "pager", "aria-label": t("pager.label") },
    page > 1 ? link(page - 1, t("pager.previous")) : el("span"),
    el("span", {}, t("pager.page", { page, pages })),
    page < pages ? link(page + 1, t("pager.next")) : el("span"));
}
