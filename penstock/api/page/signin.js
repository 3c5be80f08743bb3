/** The form that asks for the API key. */

import { read, Refusal } from "./api.js";
import { el, field, title } from "./dom.js";
import { t } from "./language.js";
import { forgetKey, signIn } from "./session.js";

/**
 * @param {HTMLElement} main @param {{message: string|null, entered: () => void}} options `message`: what was wrong
 */
export function showSignIn(main, { message, entered }) {
  const fault = el("p", { class: "fault", role: "alert", id: "key-fault" }, message ?? "");
  // Without a name, the key cannot get into an address even if the form were sent by the browser itself.
  const key = el("input", { type: "password", id: "key", required: true, autocomplete: "off", spellcheck: "false", "aria-describedby": "key-fault" });
  const submit = el("button", { class: "primary" }, t("signin.enter"));
  const form = el("form", { class: "card narrow" },
    title(t("signin.title")), el("p", { class: "muted" }, t("signin.text")),
    field(t("signin.key"), key, t("signin.hint")), fault, submit);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    submit.disabled = true;
    fault.textContent = (await refusalOf(key.value.trim())) ?? "";
    submit.disabled = false;
    if (fault.textContent) key.select();
    else entered();
  });
  main.replaceChildren(form);
  key.focus();
}

/** Why the key does not work; null if it does, and then it is kept. */
async function refusalOf(key) {
  if (!/^[\x21-\x7e]+$/.test(key)) return t("signin.malformed");
  signIn(key);
  try {
    await read("tasks?limit=1");
    return null;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    forgetKey();
    return error.status === 401 ? t("signin.wrong") : error.message;
  }
}
