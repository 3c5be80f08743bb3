/** What a conversion would do, from `POST /plans`: its output, what it costs, and why each stream is treated as it is. */

import { call, Refusal } from "./api.js";
import { el } from "./dom.js";
import { bytes, duration, facts, knows, t } from "./language.js";
import { faultBox } from "./words.js";

const PAUSE_MILLISECONDS = 350;
const STREAMS = ["video", "audio", "image"];

/**
 * @param {AbortSignal} signal @param {(isPossible: boolean) => void} decided whether the request would be accepted
 * @returns {{node: HTMLElement, ask: (request: Object) => void}}
 */
export function planCard(signal, decided) {
  const shown = el("div", { "aria-live": "polite" });
  const node = el("section", { class: "plan", "aria-label": t("plan.title") }, shown);
  let asked = new AbortController();
  const ask = (request) => {
    asked.abort();
    asked = new AbortController();
    node.classList.add("waiting");
    answer(request, AbortSignal.any([signal, asked.signal]), shown, decided)
      .then(() => node.classList.remove("waiting"), () => null); // a newer question has taken its place
  };
  return { node, ask };
}

/** Waits a moment first: while somebody types, only the last question is sent. */
async function answer(request, signal, shown, decided) {
  await new Promise((resolve) => setTimeout(resolve, PAUSE_MILLISECONDS));
  signal.throwIfAborted();
  try {
    const { data } = await call("POST", "plans", { body: request, signal });
    shown.replaceChildren(...planParts(data));
    decided(true);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    shown.replaceChildren(faultBox(error));
    decided(error.status === 429);
  }
}

function planParts(plan) {
  const output = facts({ ...plan, filesize: null });
  return [
    el("p", { class: "headline" }, el("strong", {}, output), el("span", {}, estimateText(plan))),
    el("ul", { class: "steps" }, ...plan.steps.map(stepLine)),
  ];
}

/** Four of five earlier conversions lay between the bounds. A reused output is known. */
function estimateText({ estimate, source }) {
  const { bytes: size, seconds } = estimate;
  if (!size && !seconds) return t("plan.unknown");
  const time = seconds?.expected >= 0.05 ? t("plan.seconds", { time: duration(seconds.expected) }) : null;
  return [size && sizeText(size, source), time].filter(Boolean).join(" · ");
}

function sizeText({ expected, low, high }, { filesize }) {
  const before = bytes(filesize);
  if (low === high) return t("plan.known", { size: bytes(expected), before });
  return t("plan.size", { size: bytes(expected), low: bytes(low), high: bytes(high), before });
}

function stepLine(step) {
  const action = knows(`action.${step.action}`) ? t(`action.${step.action}`, { codec: step.codec }) : step.action;
  return el("li", {}, el("strong", {}, t(`stream.${step.stream}`)), ` ${action}`, el("span", { class: "muted", lang: "en" }, ` ${step.because}`));
}

/**
 * The plan of a Task: sentences by stream.
 * @param {Object<string, string>} plan @returns {HTMLElement}
 */
export function planLines(plan) {
  const lines = Object.entries(plan).filter(([name, text]) => name !== "format" && typeof text === "string");
  lines.sort(([one], [other]) => STREAMS.indexOf(one) - STREAMS.indexOf(other));
  return el("ul", { class: "steps" }, ...lines.map(([name, text]) => el("li", {},
    el("strong", {}, knows(`stream.${name}`) ? t(`stream.${name}`) : name), el("span", { lang: "en" }, ` ${text}`))));
}
