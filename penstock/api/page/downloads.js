/** Saves files: links of which each is valid for an hour, and all outputs of a batch one after the other. */

import { call, ownLink, read } from "./api.js";
import { disable, el } from "./dom.js";
import { t } from "./language.js";
import { showFault } from "./words.js";

const FRESH_MILLISECONDS = 10 * 60 * 1000;
const LARGEST_PAGE = 100;
// Chromium drops downloads that begin faster than about ten a second.
const BETWEEN_DOWNLOADS_MILLISECONDS = 150;

/**
 * A link that saves a file. A store that serves its links itself (`PENSTOCK_LINKS=redirect`) has the browser show it,
 * in spite of `download`: then in a tab of its own.
 * @param {Object} file a File with a link @param {Object} [attributes] @returns {HTMLElement}
 */
export function downloadLink(file, text, attributes = {}) {
  const opens = areLinksOurs() ? { download: file.name ?? "" } : { target: "_blank", rel: "noreferrer noopener" };
  const made = performance.now();
  const renew = (event) => {
    if (performance.now() - made < FRESH_MILLISECONDS) return;
    event.preventDefault();
    download(file.id);
  };
  return el("a", { href: ownLink(file.url), ...opens, ...attributes, on: { click: renew } }, text);
}

/** Whether the service itself serves its links. */
export function areLinksOurs() {
  return document.documentElement.dataset.links === "api";
}

/** A button for a file whose link is asked for when it is needed. @param {string} name of the file, for screen readers */
export function downloadButton(fileId, name) {
  return el("button", {
    type: "button", class: "quiet", "aria-label": t("row.download", { name }), on: { click: () => download(fileId) },
  }, t("task.download"));
}

async function download(fileId) {
  try {
    downloadLink(await read(`files/${fileId}`), "").click();
  } catch (error) {
    showFault(error);
  }
}

/** The browser asks once whether the page may save several files. @param {HTMLElement} pressed the button for it */
export async function downloadAll(batchId, pressed) {
  disable(pressed);
  try {
    for (let page = 1, pages = 1; page <= pages; page += 1) {
      const lines = await call("GET", `batches/${batchId}/items?limit=${LARGEST_PAGE}&page=${page}`);
      pages = lines.meta.pages;
      await saveEach(lines.data.map((line) => line.output).filter((output) => output?.startsWith("file_")));
    }
  } catch (error) {
    showFault(error);
  }
  pressed.disabled = false;
}

/** One that was deleted is told, and does not stop the others. */
async function saveEach(fileIds) {
  for (const id of fileIds) {
    await download(id);
    await new Promise((resolve) => setTimeout(resolve, BETWEEN_DOWNLOADS_MILLISECONDS));
  }
}
