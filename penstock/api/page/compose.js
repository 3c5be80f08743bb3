/** The view of an uploaded file: what it may become, the plan for it, and the button that converts it. */

import { call, read, Refusal } from "./api.js";
import { player } from "./compare.js";
import { el, icon, title } from "./dom.js";
import { allFormats, firstChoice, kindOf, optionsFor, outputsFor } from "./formats.js";
import { facts, t } from "./language.js";
import { optionForm } from "./options.js";
import { planCard } from "./plan.js";
import { remember, rememberRequest } from "./session.js";
import { faultBox } from "./words.js";

/** @param {HTMLElement} main @param {string[]} parts the file's id @param {AbortSignal} signal */
export async function showCompose(main, [fileId], signal) {
  const [file, table] = await Promise.all([read(`files/${fileId}`, { signal }), allFormats(signal)]);
  if (file.kind === "manifest") return openBatchForm(file);
  if (file.status === "failed") throw new Refusal(422, file.error);
  const groups = outputsFor(table, file);
  const form = conversionForm(file, table, groups, signal);
  main.replaceChildren(title(file.name ?? file.id), sourceLine(file), preview(file), form);
}

/** A manifest lists many inputs: they become a batch. */
function openBatchForm(file) {
  remember("batch", { name: file.name, manifest: file.id, files: [], refused: [] });
  location.replace("#/batch");
}

function preview(file) {
  const figure = el("figure", { class: `preview ${file.kind}` });
  figure.append(player(file, figure));
  return figure;
}

/** What the file is, by its bytes. @returns {HTMLElement} */
export function sourceLine(file) {
  return el("p", { class: "source" }, icon(file.kind), el("span", {}, facts(file)));
}

function conversionForm(file, table, groups, signal) {
  const chosen = { format: firstChoice(groups, file.kind, file.format) };
  const plan = planCard(signal, (isPossible) => (submit.disabled = !isPossible));
  const request = () => ({ file_id: file.id, kind: kindOf(table, chosen.format), format: chosen.format, ...options.values() });
  const changed = () => plan.ask(request());
  const options = optionForm(file, changed);
  const submit = el("button", { class: "primary large" }, t("compose.convert"));
  const choose = (format) => {
    chosen.format = format;
    options.apply(optionsFor(file.kind, kindOf(table, format), format));
    changed();
  };
  const fault = el("div", {});
  const form = el("form", { class: "card compose" }, formatChoice(groups, chosen.format, choose), options.node, plan.node, fault,
    el("div", { class: "actions" }, submit));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    convert(request(), { submit, fault, signal });
  });
  choose(chosen.format);
  return form;
}

/** Whoever leaves the view while the service is away has changed their mind. */
async function convert(request, { submit, fault, signal }) {
  submit.disabled = true;
  fault.replaceChildren();
  try {
    const { data } = await call("POST", "tasks", { body: request, signal });
    rememberRequest(data.id, request);
    location.hash = `#/tasks/${data.id}`;
  } catch (error) {
    if (signal.aborted) return;
    fault.replaceChildren(faultBox(error));
    submit.disabled = false;
    submit.focus();
  }
}

/**
 * One radio button a format, in groups by kind; those that are refused say why.
 * @param {(format: string) => void} choose @returns {HTMLElement}
 */
export function formatChoice(groups, chosen, choose) {
  const sets = groups.map(({ kind, outputs }) =>
    el("fieldset", { class: "formats" }, el("legend", {}, icon(kind), t(`become.${kind}`)),
      el("div", { class: "chips" }, ...outputs.map((output) => formatChip(output, chosen, choose))),
      ...outputs.filter((output) => !output.allowed).map((output) => el("p", { class: "hint", id: `why-${output.format}`, lang: "en" }, output.reason))));
  return el("div", { class: "sets" }, ...sets);
}

function formatChip(output, chosen, choose) {
  const radio = el("input", {
    type: "radio", name: "format", value: output.format, checked: output.format === chosen, disabled: !output.allowed,
    "aria-describedby": output.allowed ? null : `why-${output.format}`,
    on: { change: () => choose(output.format) },
  });
  return el("label", { class: "chip" }, radio, el("span", {}, output.format.toUpperCase()));
}
