/** The line above the page while the service is away: why, and when it is tried again. */

import { service } from "./api.js";
import { button, el, refill } from "./dom.js";
import { t } from "./language.js";

/** Shows and hides the banner from now on. */
export function watchService() {
  const banner = document.getElementById("banner");
  let countdown = null;
  service.addEventListener("away", ({ detail }) => {
    clearInterval(countdown);
    countdown = showAway(banner, detail);
  });
  service.addEventListener("back", () => {
    if (banner.hidden) return;
    clearInterval(countdown);
    refill(banner);
    banner.hidden = true;
  });
}

/** The seconds count down beside the sentence, so that only the sentence is read aloud. */
function showAway(banner, { seconds, message }) {
  const left = el("span", { "aria-hidden": "true" });
  const until = Date.now() + seconds * 1000;
  const tick = () => (left.textContent = t("away.next", { seconds: Math.max(0, Math.ceil((until - Date.now()) / 1000)) }));
  const reason = message ? el("span", { lang: "en" }, message) : el("span", {}, t("away.sentence"));
  refill(banner, reason, left, button(t("away.now"), () => service.dispatchEvent(new Event("now")), { class: "quiet" }));
  banner.hidden = false;
  tick();
  return setInterval(tick, 1000);
}
