/** The lists of tasks and batches, a page at a time, with filters that are part of the address. */

import { call } from "./api.js";
import { el, icon, refill, select, title } from "./dom.js";
import { downloadLink } from "./downloads.js";
import { ago, bytes, moment, percentage, t } from "./language.js";
import { inputNames } from "./names.js";
import { changed, pager } from "./pager.js";
import { pill, shortFault, stateText } from "./words.js";

const LATEST = 5;
const LOOK_SECONDS = 3;
const FILTERS = {
  tasks: { status: ["processing", "completed", "failed", "cancelled"], kind: ["video", "audio", "image"] },
  batches: { status: ["processing", "paused", "completed", "cancelled", "failed", "planned"] },
};

/** The latest tasks, below the place for files. */
export async function showLatest(place, signal) {
  await keepCurrent(`tasks?limit=${LATEST}`, signal, async ({ data }) => {
    const rows = await taskRows(data, signal);
    refill(place, el("h2", {}, t("latest.title")), data.length ? rows : el("p", { class: "muted" }, t("latest.none")));
  });
}

export async function showTasks(main, [query], signal) {
  await showList(main, "tasks", query, signal, taskRows);
}

export async function showBatches(main, [query], signal) {
  await showList(main, "batches", query, signal, batchRows);
}

async function showList(main, name, query, signal, rows) {
  const asked = new URLSearchParams(query ?? "");
  const list = el("div", {});
  const focused = document.activeElement.id;
  main.replaceChildren(title(t(`shell.${name}`)), filterBar(name, asked), list);
  if (focused.startsWith("filter-")) document.getElementById(focused)?.focus(); // another filter is another address
  await keepCurrent(`${name}?${asked}`, signal, async ({ data, meta }) => {
    refill(list, data.length ? await rows(data, signal) : empty(name, asked), pager(`#/${name}`, asked, meta));
  });
}

/** Shows it now, and again while something of it is processing. What has not changed is not drawn again. */
async function keepCurrent(path, signal, show) {
  let shown = null;
  for (;;) {
    const answer = await call("GET", path, { signal });
    const state = JSON.stringify(answer.data.map((one) => [one.id, one.status, one.state, one.progress, one.counts]));
    if (state !== shown) await show(answer);
    shown = state;
    if (!answer.data.some((one) => one.status === "processing")) return;
    await new Promise((resolve) => setTimeout(resolve, LOOK_SECONDS * 1000));
    signal.throwIfAborted();
  }
}

function filterBar(name, asked) {
  const filters = Object.entries(FILTERS[name]).map(([key, values]) => {
    const choices = [["", t("filter.all")], ...values.map((value) => [value, t(key === "kind" ? `become.${value}` : `status.${value}`)])];
    const input = select(choices, asked.get(key) ?? "", (value) => goTo(name, asked, key, value), { id: `filter-${key}` });
    return el("label", { class: "choice" }, el("span", {}, t(`filter.${key}`)), " ", input);
  });
  return el("div", { class: "filters", role: "search", "aria-label": t("filter.label") }, ...filters);
}

function goTo(name, asked, key, value) {
  location.hash = `#/${name}?${changed(asked, { [key]: value, page: "" })}`;
}

function empty(name, asked) {
  const isFiltered = Object.keys(FILTERS[name]).some((key) => asked.get(key));
  return el("div", { class: "empty" }, icon(name === "tasks" ? "image" : "batch"), el("p", {}, t(isFiltered ? "empty.filtered" : `empty.${name}`)),
    isFiltered ? el("a", { class: "button", href: `#/${name}` }, t("empty.reset")) : el("a", { class: "button primary", href: "#/" }, t("empty.begin")));
}

async function taskRows(tasks, signal) {
  const names = await inputNames(tasks.map((task) => task.input), signal);
  return el("ul", { class: "rows" }, ...tasks.map((task) => taskRow(task, names.get(task.input))));
}

function taskRow(task, name) {
  const isOpen = task.status === "processing";
  return el("li", {}, icon(task.kind),
    el("div", { class: "what" },
      el("a", { href: `#/tasks/${task.id}`, class: "name" }, el("bdi", {}, name), ` → ${task.format.toUpperCase()}`),
      el("span", { class: "muted" }, taskNote(task), " · ", when(task))),
    isOpen ? el("progress", { max: 100, value: task.progress, "aria-label": t("task.progress") }) : pill(task.status),
    task.output?.url ? rowDownload(task.output) : el("span"));
}

function rowDownload(output) {
  const label = t("row.download", { name: output.name ?? output.id });
  return downloadLink(output, t("task.download"), { class: "button quiet", "aria-label": label });
}

function taskNote(task) {
  if (task.error) return shortFault(task.error);
  if (task.output) return bytes(task.output.filesize);
  return task.status === "processing" ? `${stateText(task.state)}, ${percentage(task.progress)}` : t("task.deleted.short");
}

function when({ created }) {
  return el("time", { datetime: created, title: moment(created) }, ago(created));
}

async function batchRows(batches) {
  return el("ul", { class: "rows" }, ...batches.map((batch) => el("li", {}, icon("batch"),
    el("div", { class: "what" },
      el("a", { href: `#/batches/${batch.id}`, class: "name" }, batch.name ?? batch.id),
      el("span", { class: "muted" }, batchNote(batch), " · ", when(batch))),
    pill(batch.status), el("span", {}))));
}

function batchNote({ counts }) {
  const done = counts.total - counts.queued - counts.processing;
  return t("batch.count", { done, count: counts.total }) + (counts.failed ? `, ${t("batch.failures", { count: counts.failed })}` : "");
}
