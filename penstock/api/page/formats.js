/** What may become what: the table of `GET /formats`, and which options apply. Decides, and shows nothing. */

import { read } from "./api.js";

const KINDS = ["video", "audio", "image"];
// Fields of a request that mean nothing for an output, as docs/api.md has them.
const SIZED = ["video", "image"];

let known = null;

/** `GET /formats`, read once. */
export async function allFormats(signal) {
  known ??= await read("formats", { signal });
  return known;
}

/**
 * The outputs for a file, in groups by kind; `reason` says why one is refused.
 * @param {Object} table of `allFormats` @param {{kind: string, format: string}} file
 * @returns {Array<{kind: string, outputs: Array<{format: string, kind: string, allowed: boolean, reason: string|null}>}>}
 */
export function outputsFor(table, file) {
  const container = table.matrix.find((row) => row.container === file.format);
  const outputs = container?.inputs.find((input) => input.kind === file.kind)?.outputs ?? [];
  const groups = KINDS.map((kind) => ({ kind, outputs: outputs.filter((output) => output.kind === kind) }));
  return groups.filter((group) => group.outputs.some((output) => output.allowed));
}

/** Whether a file may become the format. */
export function mayBecome(table, file, format) {
  return outputsFor(table, file).some((group) => group.outputs.some((one) => one.format === format && one.allowed));
}

/** The outputs that at least one of the files may become, in groups by kind. */
export function outputsForAny(table, files) {
  const groups = KINDS.map((kind) => ({
    kind,
    outputs: table.formats
      .filter((output) => output.kind === kind && files.some((file) => mayBecome(table, file, output.format)))
      .map((output) => ({ ...output, allowed: true, reason: null })),
  }));
  return groups.filter((group) => group.outputs.length);
}

/** The files that are converted together: those of the format's own kind if there are any, as `penstock batch` does. */
export function filesFor(table, files, format) {
  const possible = files.filter((file) => mayBecome(table, file, format));
  const same = possible.filter((file) => file.kind === kindOf(table, format));
  return same.length ? same : possible;
}

/** The format that is chosen at first: another one than the input's, of its kind. */
export function firstChoice(groups, kind, format) {
  const outputs = groups.find((group) => group.kind === kind)?.outputs ?? groups[0]?.outputs ?? [];
  const usual = { video: "mp4", audio: "mp3", image: "webp" }[kind];
  const allowed = outputs.filter((output) => output.allowed).map((output) => output.format);
  const others = allowed.filter((name) => name !== format);
  return others.includes(usual) ? usual : others[0] ?? allowed[0] ?? null;
}

/** The kind of an output format. */
export function kindOf(table, format) {
  return table.formats.find((one) => one.format === format)?.kind;
}

/**
 * Which options apply.
 * @param {string} inputKind @param {string} kind of the output @param {string} format
 * @returns {Set<string>} of `size`, `quality`, `cut`, `at`, `background`
 */
export function optionsFor(inputKind, kind, format) {
  const found = new Set();
  if (SIZED.includes(kind)) found.add("size").add("background");
  if (!["wav", "flac"].includes(format)) found.add("quality");
  if (inputKind !== "image" && (kind !== "image" || format === "gif")) found.add("cut");
  if (inputKind === "video" && kind === "image" && format !== "gif") found.add("at");
  return found;
}
