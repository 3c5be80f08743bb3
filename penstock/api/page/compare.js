/** Before and after: two pictures under a slider, everything else side by side. */

import { ownLink } from "./api.js";
import { button, el } from "./dom.js";
import { facts, t } from "./language.js";

// Pictures of other proportions do not lie on each other.
const EQUAL_RATIO = 0.02;

/**
 * @param {Object|null} before the input's File; null if there is none to show @param {Object} after the output's
 * @returns {HTMLElement}
 */
export function comparison(before, after) {
  const place = el("div", { class: "comparison" });
  const isPair = before?.kind === "image" && after.kind === "image";
  if (isPair) comparePictures(before, after, place);
  else place.append(sideBySide(before, after));
  return place;
}

/** Whether a slider helps is known once both pictures are there. */
function comparePictures(before, after, place) {
  const pictures = [before, after].map((file) => el("img", { src: ownLink(file.url), alt: "" }));
  place.replaceChildren(el("p", { class: "muted" }, t("compare.loading")));
  Promise.all(pictures.map((picture) => picture.decode())).then(
    () => place.replaceChildren(areAlike(...pictures) ? slider(pictures, before, after) : sideBySide(before, after)),
    () => place.replaceChildren(sideBySide(before, after)),
  );
}

function areAlike(one, other) {
  const [first, second] = [one, other].map((picture) => picture.naturalWidth / picture.naturalHeight);
  return Math.abs(first / second - 1) < EQUAL_RATIO;
}

function slider([first, second], before, after) {
  const range = el("input", { type: "range", min: 0, max: 100, value: 50, "aria-label": t("compare.slider") });
  const stage = el("div", { class: "slider" }, first, second, el("span", { class: "handle", "aria-hidden": "true" }), range);
  first.classList.add("before");
  second.classList.add("after");
  first.alt = t("compare.before");
  second.alt = t("compare.after");
  stage.style.setProperty("--ratio", `${second.naturalWidth} / ${second.naturalHeight}`);
  stage.style.setProperty("--width", `${Math.max(first.naturalWidth, second.naturalWidth)}px`);
  const move = () => stage.style.setProperty("--at", `${range.value}%`);
  range.addEventListener("input", move);
  move();
  return el("figure", {}, stage, el("figcaption", { class: "captions" }, caption("compare.before", before), caption("compare.after", after)));
}

function sideBySide(before, after) {
  const shown = [before && part("compare.before", before), part("compare.after", after)].filter(Boolean);
  const players = shown.map((figure) => figure.querySelector("video, audio")).filter(Boolean);
  const both = players.length === 2 && button(t("compare.both"), () => playBoth(players));
  return el("div", {}, el("div", { class: "pair" }, ...shown), both);
}

/** From the same place, with the sound of the second. */
function playBoth([first, second]) {
  const isPlaying = !first.paused || !second.paused;
  if (isPlaying) return [first, second].forEach((player) => player.pause());
  first.currentTime = second.currentTime;
  first.muted = true;
  second.muted = false;
  [first, second].forEach((player) => player.play());
}

function part(name, file) {
  const figure = el("figure", {}, el("figcaption", {}, caption(name, file)));
  figure.prepend(player(file, figure));
  return figure;
}

function caption(name, file) {
  return el("span", {}, el("strong", {}, t(name)), ` ${facts(file)}`);
}

/**
 * The file as the browser shows it; what it cannot show is said in its place.
 * @param {HTMLElement} figure whose first child the player is @returns {HTMLElement}
 */
export function player(file, figure) {
  const fail = () => figure.firstElementChild.replaceWith(el("p", { class: "unplayable" }, t("compare.unplayable", { format: file.format.toUpperCase() })));
  const attributes = { src: ownLink(file.url), on: { error: fail } };
  if (file.kind === "image") return el("img", { ...attributes, alt: file.name ?? "" });
  return el(file.kind, { ...attributes, controls: true, preload: "metadata", playsinline: true, "aria-label": file.name ?? t(`become.${file.kind}`) });
}
