/** The first view: where files are dropped, how far their upload is, and the latest tasks. */

import { readChosen } from "./dropping.js";
import { button, el, field, icon, refill, say, title } from "./dom.js";
import { bytes, percentage, t } from "./language.js";
import { showLatest } from "./lists.js";
import { recall, remember } from "./session.js";
import { runningTransfer, startImport, startUpload } from "./transfers.js";
import { discard, unfinished } from "./uploads.js";
import { faultBox, shortFault } from "./words.js";

const SHOWN_LINES = 200;

/** @param {HTMLElement} main @param {AbortSignal} signal */
export async function showHome(main, _, signal) {
  const place = el("div", {});
  const latest = el("section", { class: "latest" });
  main.replaceChildren(title(t("home.title")), place, latest);
  if (runningTransfer()) follow(place, runningTransfer(), signal);
  else offer(place, signal);
  await showLatest(latest, signal);
}

/** The place for files. @param {HTMLElement|null} fault why the last ones were not taken */
function offer(place, signal, fault = null) {
  const begin = (drop) => {
    if (drop.files.length) follow(place, startUpload(drop), signal);
    else offer(place, signal, el("p", { class: "fault", role: "alert" }, t("home.empty")));
  };
  const notes = el("div", { class: "bare", role: "status" }, readyNote());
  refill(place, fault, notes, dropZone(begin), addressForm(place, signal));
  showHalfUploads(notes, signal);
}

function dropZone(begin) {
  const files = chooser(t("home.files"), { multiple: true }, begin);
  const folder = "webkitdirectory" in HTMLInputElement.prototype ? chooser(t("home.folder"), { webkitdirectory: true }, begin) : [];
  const zone = el("div", { class: "drop" },
    icon("drop"), el("p", { class: "large" }, t("home.drop")), el("p", { class: "muted" }, t("home.kinds")),
    el("div", { class: "actions" }, ...files, ...folder));
  const over = (is) => () => zone.classList.toggle("over", is);
  for (const event of ["dragenter", "dragover"]) zone.addEventListener(event, over(true));
  for (const event of ["dragleave", "drop"]) zone.addEventListener(event, over(false));
  return zone;
}

/** A button that opens the browser's own dialog, and the input behind it. */
function chooser(text, attributes, begin) {
  const input = el("input", { type: "file", class: "behind", tabindex: "-1", "aria-hidden": "true", ...attributes });
  input.addEventListener("change", () => begin(readChosen(input.files)));
  return [button(text, () => input.click(), { class: attributes.multiple ? "primary" : "" }), input];
}

function addressForm(place, signal) {
  const address = el("input", { type: "url", required: true, placeholder: "https://", autocomplete: "off", spellcheck: "false" });
  const form = el("form", { class: "address" }, field(t("home.address"), address), el("button", {}, t("home.fetch")));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    follow(place, startImport(address.value.trim()), signal);
  });
  return form;
}

/** What was uploaded while another view was open. */
function readyNote() {
  const ready = recall("ready") ?? (recall("batch") && { name: recall("batch").name ?? t("batch.title"), hash: "#/batch" });
  const open = ready && el("a", { class: "button", href: ready.hash, on: { click: () => remember("ready", null) } }, t("ready.open"));
  return open && el("div", { class: "note box" }, el("p", {}, t("ready.sentence", { name: ready.name })), open);
}

/** A reload loses the file itself: the browser must be given it again. */
async function showHalfUploads(place, signal) {
  const half = await unfinished(signal).catch(() => []);
  if (!half.length) return;
  const [{ name, sent, size }] = half;
  const told = half.length === 1
    ? t("half.one", { name, sent: bytes(sent), size: bytes(size) })
    : t("half.many", { count: half.length });
  const forget = async () => {
    await discard(half, signal);
    note.remove();
  };
  const note = el("div", { class: "note box" }, el("p", {}, told), button(t("half.forget"), forget, { class: "quiet" }));
  place.append(note);
}

/** Shows how far a transfer is, and where it ends. */
function follow(place, transfer, signal) {
  const shown = transferCard(transfer);
  refill(place, shown.card);
  say(t("upload.begun"));
  transfer.changed.addEventListener("progress", shown.update, { signal });
  transfer.changed.addEventListener("busy", shown.tellBusy, { signal });
  transfer.changed.addEventListener("end", ({ detail }) => {
    if (detail.hash) openReady(detail.hash);
    else offer(place, signal, detail.stopped ? null : transferFaults(transfer));
  }, { signal });
  shown.update();
}

function openReady(hash) {
  remember("ready", null);
  location.hash = hash;
}

function transferCard(transfer) {
  const isImport = !transfer.lines[0].file;
  const name = transfer.name ?? (transfer.lines.length === 1 ? transfer.lines[0].path : t("upload.files", { count: transfer.lines.length }));
  const bar = el("progress", { max: 100, "aria-label": t("upload.progress") });
  const figures = el("p", { class: "muted figures" }, isImport ? t("upload.fetching") : "");
  const busy = el("p", { hidden: true }, t("upload.busy"));
  const lines = transfer.lines.length > 1 ? lineList(transfer.lines) : null;
  const card = el("section", { class: "card" }, el("h2", { class: "name" }, name), bar, figures, busy,
    lines?.list, el("div", { class: "actions" }, button(t("upload.stop"), transfer.stop)));
  const update = () => {
    if (isImport) return;
    const [sent, size] = ["sent", "size"].map((key) => transfer.lines.reduce((sum, line) => sum + line[key], 0));
    bar.value = size ? (100 * sent) / size : 0;
    const isWhole = sent >= size;
    figures.textContent = isWhole ? t("upload.checking") : t("upload.figures", { sent: bytes(sent), size: bytes(size), percent: percentage(bar.value) });
    lines?.update();
  };
  const tellBusy = () => {
    busy.hidden = false;
    say(t("upload.busy"));
  };
  return { card, update, tellBusy };
}

function lineList(lines) {
  const shown = lines.slice(0, SHOWN_LINES).map((line) => ({ line, state: el("span", { class: "muted" }) }));
  // It scrolls: not every browser lets the keyboard do that without a tabindex.
  const list = el("ul", { class: "lines", tabindex: "0", "aria-label": t("upload.files", { count: lines.length }) }, ...shown.map(({ line, state }) => el("li", {}, el("span", { class: "name" }, line.path), state)));
  const update = () => shown.forEach(({ line, state }) => (state.textContent = lineText(line)));
  return { list, update };
}

function lineText(line) {
  if (line.error) return shortFault(line.error);
  if (line.id) return t("upload.done");
  return line.sent ? percentage((100 * line.sent) / Math.max(1, line.size)) : t("upload.waiting");
}

function transferFaults(transfer) {
  const failed = transfer.lines.filter((line) => line.error);
  const boxes = failed.slice(0, 5).map((line) => el("div", {}, el("p", { class: "name" }, line.path), faultBox(line.error)));
  return el("div", { class: "faults" }, ...boxes);
}
