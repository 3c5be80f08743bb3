/** The options of a conversion as a form. Empty ones are left out of the request. */

import { el, field, select } from "./dom.js";
import { percentage, t } from "./language.js";

const FITS = ["contain", "cover", "fill", "pad"];
const USUAL_QUALITY = 80;

/**
 * @param {{width?: number, height?: number, duration?: number}} file the input's facts, shown as what is usual
 * @param {() => void} changed
 * @returns {{node: HTMLElement, apply: (applicable: Set<string>) => void, values: () => Object}}
 *   `values`: the fields of the request that are set and apply
 */
export function optionForm(file, changed) {
  const parts = {
    size: sizePart(file, changed), background: backgroundPart(changed), quality: qualityPart(changed),
    cut: cutPart(file, changed), at: momentPart(changed),
  };
  const node = el("details", { class: "options" }, el("summary", {}, t("options.more")),
    el("div", { class: "grid" }, ...Object.values(parts).map((part) => part.node)));
  node.addEventListener("invalid", () => (node.open = true), { capture: true });
  let applicable = new Set();
  const apply = (names) => {
    applicable = names;
    for (const [name, part] of Object.entries(parts)) {
      part.node.hidden = !names.has(name);
      // What is hidden cannot be corrected, and must not stop the form.
      for (const input of part.node.querySelectorAll("input, select")) input.disabled = part.node.hidden;
    }
  };
  const values = () => Object.assign({}, ...Object.entries(parts).map(([name, part]) => (applicable.has(name) ? part.values() : {})));
  return { node, apply, values };
}

function numeric(changed, attributes) {
  return el("input", { type: "number", inputmode: "decimal", ...attributes, on: { input: changed } });
}

/** A typed number; undefined, which JSON leaves out, for an empty field. */
function entered(input) {
  return input.value === "" ? undefined : Number(input.value);
}

function sizePart(file, changed) {
  const width = numeric(changed, { min: 1, step: 1, placeholder: file.width ?? "" });
  const height = numeric(changed, { min: 1, step: 1, placeholder: file.height ?? "" });
  const fit = select(FITS.map((name) => [name, t(`fit.${name}`)]), "contain", changed);
  const clamp = el("input", { type: "checkbox", on: { change: changed } });
  const node = el("fieldset", { class: "wide" }, el("legend", {}, t("options.size")),
    el("div", { class: "grid" }, field(t("options.width"), width), field(t("options.height"), height), field(t("options.fit"), fit)),
    el("label", { class: "check" }, clamp, t("options.clamp")));
  const values = () => ({
    width: entered(width), height: entered(height),
    fit: fit.value === "contain" ? undefined : fit.value,
    on_upscale: clamp.checked ? "clamp" : undefined,
  });
  return { node, values };
}

function backgroundPart(changed) {
  const color = el("input", { type: "color", value: "#ffffff", on: { change: changed } });
  const node = field(t("options.background"), color, t("options.background.hint"));
  return { node, values: () => ({ background: color.value === "#ffffff" ? undefined : color.value }) };
}

function qualityPart(changed) {
  const shown = el("output", {});
  const range = el("input", { type: "range", min: 0, max: 100, step: 5, value: USUAL_QUALITY });
  const tell = () => (shown.textContent = percentage(Number(range.value)));
  range.addEventListener("input", tell);
  range.addEventListener("change", changed);
  tell();
  const node = el("label", { class: "field" }, el("span", { class: "label" }, t("options.quality"), " ", shown), range);
  return { node, values: () => ({ quality: Number(range.value) === USUAL_QUALITY ? undefined : Number(range.value) / 100 }) };
}

function cutPart(file, changed) {
  const start = numeric(changed, { min: 0, step: "any", placeholder: 0 });
  const end = numeric(changed, { min: 0, step: "any", placeholder: file.duration ? Math.round(file.duration * 10) / 10 : "" });
  const node = el("fieldset", {}, el("legend", {}, t("options.cut")),
    el("div", { class: "grid" }, field(t("options.start"), start), field(t("options.end"), end)));
  return { node, values: () => ({ start: entered(start), end: entered(end) }) };
}

function momentPart(changed) {
  const at = numeric(changed, { min: 0, step: "any", placeholder: t("options.at.auto") });
  return { node: field(t("options.at"), at, t("options.at.hint")), values: () => ({ at: entered(at) }) };
}
