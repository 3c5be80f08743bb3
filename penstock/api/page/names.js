/** What people call an input or an output. */

import { read, Refusal } from "./api.js";

const known = new Map();

/**
 * The name of a task's or a line's input: of the file, or the last part of its address.
 * @param {string} input `file_…` or an address @returns {Promise<string>}
 */
export async function inputName(input, signal) {
  if (!input.startsWith("file_")) return lastPart(input);
  if (!known.has(input)) known.set(input, await fileName(input, signal));
  return known.get(input);
}

/** The names of many inputs, each asked for once. @returns {Promise<Map<string, string>>} */
export async function inputNames(inputs, signal) {
  const different = [...new Set(inputs)];
  const names = await Promise.all(different.map((input) => inputName(input, signal)));
  return new Map(different.map((input, index) => [input, names[index]]));
}

/** The input's File; null if it is an address or was deleted. */
export async function inputFile(input, signal) {
  if (!input.startsWith("file_")) return null;
  return await read(`files/${input}`, { signal }).catch((error) => {
    if (error instanceof Refusal && error.status === 404) return null;
    throw error;
  });
}

async function fileName(id, signal) {
  return (await inputFile(id, signal))?.name ?? id;
}

function lastPart(address) {
  const path = address.split(/[?#]/)[0].replace(/\/+$/, "");
  return path.slice(path.lastIndexOf("/") + 1) || address;
}
