/** The view of one batch: how many lines have ended, what can be done with it, and its lines. */

import { call, read } from "./api.js";
import { button, disable, el, refill, select, title } from "./dom.js";
import { areLinksOurs, downloadAll, downloadButton, downloadLink } from "./downloads.js";
import { bytes, duration, t } from "./language.js";
import { inputNames } from "./names.js";
import { pager } from "./pager.js";
import { faultBox, pill, saving, shortFault } from "./words.js";

const LOOK_SECONDS = 2;
const LINE_STATUSES = ["queued", "processing", "completed", "skipped", "failed", "cancelled"];

/** Shows it now, and again while it runs; what its buttons do is shown at once. */
export async function showBatch(main, [batchId, query], signal) {
  const asked = new URLSearchParams(query ?? "");
  const [head, fault, list] = [el("div"), el("div"), el("div")];
  const again = { fault, wake: () => null };
  let batch = await read(`batches/${batchId}`, { signal });
  main.replaceChildren(title(batch.name ?? t("batch.title")), head, fault, lineFilter(batchId, asked), list);
  for (let shown = null; ; ) {
    const state = JSON.stringify([batch.status, batch.counts]);
    if (state !== shown) await showNow(batch, { head, list, asked, again, signal });
    shown = state;
    await pause(again, ["processing", "paused"].includes(batch.status));
    signal.throwIfAborted();
    batch = await read(`batches/${batchId}`, { signal });
  }
}

/** Until a button is pressed, or a moment if the batch changes by itself. */
function pause(again, isLive) {
  return new Promise((resolve) => {
    again.wake = resolve;
    if (isLive) setTimeout(resolve, LOOK_SECONDS * 1000);
  });
}

async function showNow(batch, { head, list, asked, again, signal }) {
  refill(head, batchCard(batch, again));
  const lines = await call("GET", `batches/${batch.id}/items?${asked}`, { signal });
  refill(list, await lineRows(lines.data, signal), pager(`#/batches/${batch.id}`, asked, lines.meta));
}

function batchCard(batch, again) {
  const { counts } = batch;
  const done = counts.total - counts.queued - counts.processing;
  return el("section", { class: "card" },
    el("p", { class: "headline" }, pill(batch.status), el("strong", {}, t("batch.count", { done, count: counts.total })), batchFigures(batch)),
    el("progress", { max: Math.max(1, counts.total), value: done, "aria-label": t("batch.progress") }),
    el("p", { class: "muted" }, countsText(counts)),
    batch.error && faultBox(batch.error),
    el("div", { class: "actions" }, ...batchActions(batch, again)));
}

function batchFigures(batch) {
  const size = batch.bytes_in ? saving(batch.bytes_in, batch.bytes_out) : null;
  const left = batch.eta === null ? null : t("batch.left", { time: duration(batch.eta) });
  return el("span", { class: "muted" }, [size, left].filter(Boolean).join(" · "));
}

function countsText(counts) {
  return LINE_STATUSES.filter((status) => counts[status]).map((status) => `${t(`status.${status}`)}: ${counts[status]}`).join(" · ");
}

function batchActions(batch, again) {
  const does = (name, body, style = {}) => {
    const pressed = button(t(`batch.${name}`), () => act(batch, name, body, pressed, again), style);
    return pressed;
  };
  const { run, manifest } = batch;
  const page = run?.url?.startsWith("http") &&
    el("a", { class: "button quiet", href: run.url, target: "_blank", rel: "noreferrer noopener" }, t("task.run.open"));
  const report = manifest?.url && downloadLink(manifest, t("batch.report"), { class: "button" });
  const all = areLinksOurs() && batch.counts.completed > 1 && button(t("batch.all"), () => downloadAll(batch.id, all), { class: "primary" });
  const offered = {
    processing: () => [does("pause"), does("cancel")],
    paused: () => [does("resume", undefined, { class: "primary" }), does("cancel")],
  }[batch.status]?.() ?? [all, batch.counts.failed + batch.counts.cancelled > 0 && does("rerun", { only: "failed" }), report];
  return [...offered, page].filter(Boolean);
}

async function act(batch, name, body, pressed, again) {
  disable(pressed);
  again.fault.replaceChildren();
  try {
    await call("POST", `batches/${batch.id}/${name}`, { body });
    again.wake();
  } catch (error) {
    again.fault.replaceChildren(faultBox(error));
    pressed.disabled = false;
  }
}

function lineFilter(batchId, asked) {
  const choices = [["", t("filter.all")], ...LINE_STATUSES.map((status) => [status, t(`status.${status}`)])];
  const input = select(choices, asked.get("status") ?? "", (status) => (location.hash = `#/batches/${batchId}?${status ? `status=${status}` : ""}`));
  return el("div", { class: "filters" }, el("label", { class: "choice" }, el("span", {}, t("filter.status")), " ", input));
}

async function lineRows(lines, signal) {
  if (!lines.length) return el("p", { class: "empty" }, t("empty.lines"));
  const names = await inputNames(lines.map((line) => line.input), signal);
  return el("ul", { class: "rows" }, ...lines.map((line) => lineRow(line, names.get(line.input))));
}

function lineRow(line, name) {
  const shown = line.task ? el("a", { href: `#/tasks/${line.task}`, class: "name" }, name) : el("span", { class: "name" }, name);
  return el("li", {}, el("span", { class: "number" }, String(line.number)),
    el("div", { class: "what" }, shown, lineNote(line)),
    pill(line.status), line.output?.startsWith("file_") ? downloadButton(line.output, name) : el("span", {}));
}

function lineNote(line) {
  if (line.error) return el("span", { class: "muted" }, shortFault(line.error), el("span", { lang: "en" }, `: ${line.error.message}`));
  if (line.bytes_in && line.bytes_out) return el("span", { class: "muted" }, saving(line.bytes_in, line.bytes_out));
  if (line.reason) return el("span", { class: "muted", lang: "en" }, line.reason);
  return el("span", { class: "muted" }, line.bytes_in ? bytes(line.bytes_in) : "");
}
