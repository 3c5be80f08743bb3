/** The page's start: its language and colors, who is signed in, and which view an address shows. */

import { service } from "./api.js";
import { watchService } from "./banner.js";
import { showBatch } from "./batch.js";
import { showBatchForm } from "./batchform.js";
import { showCompose } from "./compose.js";
import { el, title } from "./dom.js";
import { readChosen, readDrop } from "./dropping.js";
import { showHome } from "./home.js";
import { currentLanguage, languages, setLanguage, t } from "./language.js";
import { showBatches, showTasks } from "./lists.js";
import { apiKey, forgetKey, signOut } from "./session.js";
import { showSignIn } from "./signin.js";
import { showTask } from "./task.js";
import { runningTransfer, startUpload } from "./transfers.js";
import { faultBox } from "./words.js";

/** The views by their addresses. A view gets `main`, the parts of the address, and a signal that ends with it. */
const VIEWS = [
  [/^#\/tasks\/(tsk_\w+)$/, showTask],
  [/^#\/tasks(?:\?(.*))?$/, showTasks],
  [/^#\/batches\/(bat_\w+)(?:\?(.*))?$/, showBatch],
  [/^#\/batches(?:\?(.*))?$/, showBatches],
  [/^#\/files\/(file_\w+)$/, showCompose],
  [/^#\/batch$/, showBatchForm],
  [/^/, showHome],
];

const main = document.getElementById("main");
let opened = new AbortController();

function open() {
  opened.abort();
  opened = new AbortController();
  document.getElementById("navigation").hidden = document.getElementById("leave").hidden = !apiKey();
  if (!apiKey()) {
    showSignIn(main, { message: null, entered: open });
    return;
  }
  const [pattern, view] = VIEWS.find(([each]) => each.test(location.hash));
  markCurrent();
  show(view, location.hash.match(pattern).slice(1), opened.signal);
}

async function show(view, parts, signal) {
  try {
    await view(main, parts, signal);
  } catch (error) {
    if (!signal.aborted) main.replaceChildren(title(t("fault.unknown")), faultBox(error));
  }
}

/** The view's heading names the window, and takes the focus, so that it is read aloud. */
function nameView() {
  const heading = main.querySelector("h1");
  document.title = heading ? `${heading.textContent} · Penstock` : "Penstock";
  if (!main.contains(document.activeElement)) heading?.focus({ preventScroll: true });
}

function markCurrent() {
  for (const link of document.querySelectorAll("#navigation a")) {
    const [, section] = link.getAttribute("href").split("/");
    const here = location.hash.split(/[/?]/)[1] ?? "";
    if (section === here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

/** What index.html has in English. */
function translateShell() {
  document.documentElement.lang = currentLanguage();
  for (const each of document.querySelectorAll("[data-text]")) each.textContent = t(each.dataset.text);
  for (const each of document.querySelectorAll("[data-label]")) each.setAttribute("aria-label", t(each.dataset.label));
  const options = (values) => values.map(([value, name]) => el("option", { value }, name));
  document.getElementById("language").replaceChildren(...options(languages()));
  document.getElementById("theme").replaceChildren(...options(["auto", "light", "dark"].map((name) => [name, t(`theme.${name}`)])));
  document.getElementById("language").value = currentLanguage();
  document.getElementById("theme").value = localStorage.getItem("penstock.theme") ?? "auto";
}

function chooseTheme(name) {
  localStorage.setItem("penstock.theme", name);
  document.documentElement.dataset.theme = name;
}

function start() {
  chooseTheme(localStorage.getItem("penstock.theme") ?? "auto");
  translateShell();
  watchService();
  document.getElementById("theme").addEventListener("change", (event) => chooseTheme(event.target.value));
  document.getElementById("language").addEventListener("change", (event) => {
    setLanguage(event.target.value);
    translateShell();
    open();
  });
  document.getElementById("leave").addEventListener("click", () => {
    runningTransfer()?.stop();
    signOut();
    open();
  });
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault();
    main.focus();
  });
  service.addEventListener("refused", refuse);
  window.addEventListener("dragover", (event) => event.preventDefault());
  window.addEventListener("drop", takeDrop);
  window.addEventListener("paste", takePasted);
  window.addEventListener("hashchange", open);
  new MutationObserver(nameView).observe(main, { childList: true });
  open();
}

/** Files may be dropped on every view. The browser would show them in place of the page. */
async function takeDrop(event) {
  event.preventDefault();
  if (apiKey()) begin(await readDrop(event.dataTransfer));
}

/** A picture of the screen, or files that were copied. */
function takePasted(event) {
  if (apiKey() && event.clipboardData.files.length) begin(readChosen(event.clipboardData.files));
}

function begin(drop) {
  if (!drop.files.length) return;
  const running = runningTransfer();
  if (!running) startUpload(drop);
  if (!/^(#\/)?$/.test(location.hash)) location.hash = "#/";
  else if (running) running.changed.dispatchEvent(new Event("busy"));
  else open();
}

/** The key was revoked while the page was open. The form that is open says so itself. */
function refuse() {
  if (document.getElementById("key")) return;
  forgetKey();
  open();
  showSignIn(main, { message: t("signin.wrong"), entered: open });
}

start();
