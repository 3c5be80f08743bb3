/** Sentences, figures and times in the language of the reader. A language is a module with a table like en.js. */

import de from "./de.js";
import en from "./en.js";

const TABLES = { en, de };
const KEPT = "penstock.language";

let language = localStorage.getItem(KEPT) ?? navigator.languages.map((name) => name.slice(0, 2)).find((name) => name in TABLES) ?? "en";
if (!(language in TABLES)) language = "en";

/** @returns {Array<[string, string]>} the codes of the languages with their own names */
export function languages() {
  return Object.entries(TABLES).map(([code, table]) => [code, table["language.name"]]);
}

/** @returns {string} */
export function currentLanguage() {
  return language;
}

/** @param {string} code */
export function setLanguage(code) {
  language = code;
  localStorage.setItem(KEPT, code);
}

/**
 * A sentence. `{name}` in it is replaced by the value; a pair of sentences is chosen by `count`.
 * @param {string} key @param {Object<string, string|number>} [values]
 */
export function t(key, values = {}) {
  const found = TABLES[language][key];
  if (found === undefined) throw new Error(`There is no sentence ${key}.`);
  const sentence = typeof found === "string" ? found : found[plural(values.count)];
  return sentence.replace(/\{(\w+)\}/g, (_, name) => shown(values[name]));
}

/** Whether the table has this sentence: of codes and states that a newer service may add. */
export function knows(key) {
  return key in TABLES[language];
}

function plural(count) {
  return new Intl.PluralRules(language).select(count) === "one" ? "one" : "other";
}

/** The reader's own variant of the language, such as en-GB, for figures and times. */
function region() {
  return navigator.languages.find((name) => name.slice(0, 2) === language) ?? language;
}

function shown(value) {
  return typeof value === "number" ? number(value) : value;
}

/** @param {number} value @param {number} [digits] after the point, at most */
export function number(value, digits = 0) {
  return new Intl.NumberFormat(region(), { maximumFractionDigits: digits }).format(value);
}

/** @param {number} value of a hundred @returns {string} such as 59%, or 59 % in German */
export function percentage(value) {
  return new Intl.NumberFormat(region(), { style: "percent" }).format(value / 100);
}

/** @param {number} bytes @returns {string} such as 4.1 MB; decimal units, as file managers and the commands show them */
export function bytes(value) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, value)) / 3)));
  return `${number(value / 1000 ** power, power && value / 1000 ** power < 100 ? 1 : 0)} ${units[power]}`;
}

/** @param {number} before bytes @param {number} after bytes @returns {string} such as −59 % */
export function change(before, after) {
  const share = (after - before) / Math.max(1, before);
  return new Intl.NumberFormat(region(), { style: "percent", signDisplay: "exceptZero" }).format(share).replace("-", "−");
}

/** @param {number} seconds @returns {string} such as 1:04:09, or 0.4 s below ten seconds */
export function duration(seconds) {
  if (seconds < 10) return `${number(seconds, 1)} s`;
  const whole = Math.round(seconds);
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const [first, ...others] = parts[0] ? parts : parts.slice(1);
  return [first, ...others.map((part) => String(part).padStart(2, "0"))].join(":");
}

/** @param {string} time of the API @returns {string} such as 5 minutes ago; the date after a day */
export function ago(time) {
  const seconds = Math.min(0, Math.round((new Date(time) - Date.now()) / 1000));
  const relative = new Intl.RelativeTimeFormat(region(), { numeric: "auto" });
  if (seconds > -60) return t("time.now");
  if (seconds > -3600) return relative.format(Math.round(seconds / 60), "minute");
  if (seconds > -86400) return relative.format(Math.round(seconds / 3600), "hour");
  return moment(time);
}

/** @param {string} time of the API @returns {string} date and time of day here */
export function moment(time) {
  return new Intl.DateTimeFormat(region(), { dateStyle: "medium", timeStyle: "short" }).format(new Date(time));
}

/** What is known of a file or an input, in a line. @param {Object} file a File or the `source` of a plan */
export function facts(file) {
  const size = file.width && file.height ? `${file.width} × ${file.height}` : null;
  const length = file.duration ? duration(file.duration) : null;
  const codecs = file.codecs ? file.codecs.replaceAll(",", " + ") : null;
  const told = [file.format?.toUpperCase(), size, length, codecs, file.filesize ? bytes(file.filesize) : null];
  return told.filter(Boolean).join(" · ");
}
