/** The view of one task: its progress, then before and after, or why it failed. */

import { call, read } from "./api.js";
import { comparison } from "./compare.js";
import { button, disable, el, refill, say, title } from "./dom.js";
import { downloadLink } from "./downloads.js";
import { ago, facts, moment, percentage, t } from "./language.js";
import { inputFile, inputName } from "./names.js";
import { planLines } from "./plan.js";
import { requestOf } from "./session.js";
import { faultBox, pill, saving, stateText } from "./words.js";

const LOOK_SECONDS = 1;
const UNSEEN_SECONDS = 10;

/** @param {HTMLElement} main @param {string[]} parts the task's id @param {AbortSignal} signal */
export async function showTask(main, [taskId], signal) {
  let task = await read(`tasks/${taskId}`, { signal });
  const name = await inputName(task.input, signal);
  const heading = title(el("bdi", {}, name), ` → ${task.format.toUpperCase()}`);
  const state = el("div", {});
  const fault = el("div", {});
  main.replaceChildren(heading, state, fault);
  const again = { signal, fault };
  if (task.status === "processing") {
    task = await followTask(task, state, again);
  }
  await showEnd(task, state, again);
}

/** Shows the progress until the task ends. @returns {Promise<Object>} the ended Task */
async function followTask(task, place, again) {
  const card = progressCard(task, again);
  refill(place, card.node);
  while (task.status === "processing") {
    card.update(task);
    if (document.hidden) await untilSeen();
    task = await read(`tasks/${task.id}?wait=${LOOK_SECONDS}`, { signal: again.signal, wait: LOOK_SECONDS });
  }
  say(t(`status.${task.status}`));
  return task;
}

/** A browser opens six connections to a host: tabs that nobody sees leave them to the one that is seen. */
function untilSeen() {
  return new Promise((resolve) => {
    setTimeout(resolve, UNSEEN_SECONDS * 1000);
    document.addEventListener("visibilitychange", resolve, { once: true, signal: AbortSignal.timeout(UNSEEN_SECONDS * 1000) });
  });
}

function progressCard(task, again) {
  const bar = el("progress", { max: 100, "aria-label": t("task.progress") });
  const state = el("strong", { "aria-live": "polite" });
  const percent = el("span", { class: "figures" });
  const plan = el("div", {});
  const cancel = button(t("task.cancel"), () => act(again, cancel, `tasks/${task.id}/cancel`));
  const node = el("section", { class: "card" }, el("p", { class: "headline" }, state, percent), bar, plan,
    el("div", { class: "actions" }, cancel), details(task));
  const update = (now) => {
    if (state.textContent !== stateText(now.state)) state.textContent = stateText(now.state);
    percent.textContent = now.progress ? percentage(now.progress) : "";
    if (now.progress) bar.value = now.progress;
    else bar.removeAttribute("value"); // a new attempt begins anew
    if (now.plan && !plan.hasChildNodes()) plan.replaceChildren(planLines(now.plan));
    cancel.disabled = now.state === "cancelling";
    if (now.run && !task.run) node.lastElementChild.replaceWith(details((task = now)));
  };
  return { node, update };
}

/** Sends a POST for a button, and says why it was refused. */
async function act({ fault, signal }, pressed, path, body = undefined) {
  disable(pressed);
  fault.replaceChildren();
  try {
    await call("POST", path, { body, signal });
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    if (error.code !== "task_ended") fault.replaceChildren(faultBox(error));
    pressed.disabled = false;
    return false;
  }
}

async function showEnd(task, place, again) {
  if (task.status === "completed" && task.output) {
    const before = await inputFile(task.input, again.signal);
    refill(place, resultCard(task, before));
    return;
  }
  const told = task.error ? faultBox(task.error) : el("p", {}, t(task.status === "completed" ? "task.deleted" : "task.stopped"));
  refill(place, el("section", { class: "card" }, el("p", { class: "headline" }, pill(task.status)),
    task.status === "cancelled" ? el("p", {}, t("task.stopped")) : told, el("div", { class: "actions" }, ...nextActions(task, again)), details(task)));
}

function resultCard(task, before) {
  const output = task.output;
  const link = output.url;
  const size = before?.filesize ? saving(before.filesize, output.filesize) : facts({ filesize: output.filesize });
  return el("section", { class: "card" },
    el("p", { class: "headline" }, pill(task.status), el("strong", {}, size), el("span", { class: "muted" }, facts({ ...output, filesize: null }))),
    link ? comparison(before, output) : el("p", { class: "muted" }, t("task.elsewhere")),
    el("div", { class: "actions" },
      link && downloadLink(output, t("task.download"), { class: "button primary" }),
      before && el("a", { class: "button", href: `#/files/${before.id}` }, t("task.another"))),
    task.plan && el("details", {}, el("summary", {}, t("task.plan")), planLines(task.plan)),
    details(task));
}

/** The same request again is another attempt of the same task; only the tab that sent it knows all of it. */
function nextActions(task, again) {
  const request = requestOf(task.id);
  const retry = request && button(t("task.retry"), async () => {
    if (await act(again, retry, "tasks", request)) window.dispatchEvent(new Event("hashchange")); // opens the view anew
  }, { class: "primary" });
  const change = task.input.startsWith("file_") && el("a", { class: "button", href: `#/files/${task.input}` }, t("task.change"));
  return [retry, change].filter(Boolean);
}

function details(task) {
  const rows = [
    [t("task.id"), task.id],
    [t("task.created"), el("time", { datetime: task.created, title: moment(task.created) }, ago(task.created))],
    task.attempt > 1 && [t("task.attempt"), String(task.attempt)],
    task.batch && [t("task.batch"), el("a", { href: `#/batches/${task.batch}` }, task.batch)],
    task.run?.url?.startsWith("http") && [t("task.run"), el("a", { href: task.run.url, target: "_blank", rel: "noreferrer noopener" }, t("task.run.open"))],
  ].filter(Boolean);
  return el("dl", { class: "details" }, ...rows.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
}
