/** The view of files that were uploaded together: which format all of them become. */

import { call } from "./api.js";
import { formatChoice } from "./compose.js";
import { button, el, field, title } from "./dom.js";
import { allFormats, filesFor, firstChoice, kindOf, optionsFor, outputsForAny } from "./formats.js";
import { bytes, t } from "./language.js";
import { optionForm } from "./options.js";
import { recall, remember } from "./session.js";
import { faultBox } from "./words.js";

/** @typedef {{name: string|null, manifest?: string, files: Object[], refused: Array<{path: string, code: string}>}} Group */

export async function showBatchForm(main, _, signal) {
  /** @type {Group|null} */
  const group = recall("batch");
  if (!group) {
    location.replace("#/");
    return;
  }
  const table = await allFormats(signal);
  main.replaceChildren(title(group.name ?? t("batch.title")), summary(group), batchForm(group, table, signal));
}

function summary({ manifest, files, refused }) {
  if (manifest) return el("p", { class: "source" }, t("batch.manifest"));
  const size = files.reduce((sum, file) => sum + (file.filesize ?? 0), 0);
  const told = el("p", { class: "source" }, t("batch.uploaded", { count: files.length, size: bytes(size) }));
  if (!refused.length) return told;
  return el("div", {}, told, el("details", { class: "note box" }, el("summary", {}, t("batch.refused", { count: refused.length })),
    el("ul", {}, ...refused.map(({ path, code }) => el("li", { class: "name" }, `${path}: ${t(`code.${code}`)}`)))));
}

function batchForm(group, table, signal) {
  const groups = group.manifest ? everyOutput(table) : outputsForAny(table, group.files);
  const chosen = { format: firstChoice(groups, group.files[0]?.kind, group.files[0]?.format) };
  const name = el("input", { type: "text", value: group.name ?? "", maxlength: 120 });
  const options = optionForm({}, () => null);
  const left = el("p", { class: "muted", "aria-live": "polite" });
  const fault = el("div", {});
  const submit = el("button", { class: "primary large" }, t("batch.start"));
  const choose = (format) => {
    chosen.format = format;
    const usual = kindOf(table, format);
    options.apply(optionsFor(usual, usual, format));
    const others = group.files.length - filesFor(table, group.files, format).length;
    left.textContent = others ? t("batch.others", { count: others }) : "";
  };
  const body = () => ({ name: name.value || null, defaults: { format: chosen.format, ...options.values() }, ...linesOf(group, table, chosen.format) });
  const form = el("form", { class: "card compose" }, field(t("batch.name"), name), formatChoice(groups, chosen.format, choose), options.node, left, fault,
    el("div", { class: "actions" }, submit, button(t("batch.forget"), forget, { class: "quiet" })));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(body(), { submit, fault, signal });
  });
  choose(chosen.format);
  return form;
}

/** The others are left out: the form says how many. */
function linesOf({ manifest, files }, table, format) {
  if (manifest) return { manifest };
  return { items: filesFor(table, files, format).map((file) => ({ file_id: file.id })) };
}

function everyOutput(table) {
  return ["video", "audio", "image"].map((kind) => ({
    kind, outputs: table.formats.filter((one) => one.kind === kind).map((one) => ({ ...one, allowed: true, reason: null })),
  }));
}

async function send(body, { submit, fault, signal }) {
  submit.disabled = true;
  try {
    const { data } = await call("POST", "batches", { body, signal });
    remember("batch", null);
    location.hash = `#/batches/${data.id}`;
  } catch (error) {
    if (signal.aborted) return;
    fault.replaceChildren(faultBox(error));
    submit.disabled = false;
    submit.focus();
  }
}

function forget() {
  remember("batch", null);
  location.hash = "#/";
}
