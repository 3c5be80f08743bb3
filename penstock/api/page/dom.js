/** Makes elements. Text becomes text nodes only, so that names and messages of others can hold no markup. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * @param {string} tag
 * @param {Object<string, any>} [attributes] `on` has listeners by event; false, null and undefined leave one out
 * @param {...(Node|string|null|false)} children
 * @returns {HTMLElement}
 */
export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) assign(made, name, value);
  made.append(...children.filter((child) => child !== null && child !== false && child !== undefined));
  return made;
}

function assign(made, name, value) {
  if (value === false || value === null || value === undefined) return;
  if (name === "on") {
    for (const [event, listener] of Object.entries(value)) made.addEventListener(event, listener);
  } else if (["value", "checked", "disabled", "hidden", "max"].includes(name)) {
    made[name] = value;
  } else {
    made.setAttribute(name, value === true ? "" : value);
  }
}

/** @returns {HTMLElement} a button that submits nothing */
export function button(text, listener, attributes = {}) {
  return el("button", { type: "button", ...attributes, on: { click: listener } }, text);
}

/** A field with its label and, below it, what it means. @returns {HTMLElement} */
export function field(label, input, hint = null) {
  if (!hint) return el("label", { class: "field" }, el("span", { class: "label" }, label), input);
  const id = `hint-${(counted += 1)}`;
  input.setAttribute("aria-describedby", id);
  const named = el("label", { class: "field" }, el("span", { class: "label" }, label), input);
  return el("div", { class: "hinted" }, named, el("p", { class: "hint", id }, hint));
}

let counted = 0;

/** @param {Array<[string, string]>} choices values with their names @returns {HTMLSelectElement} */
export function select(choices, chosen, listener, attributes = {}) {
  const options = choices.map(([value, name]) => el("option", { value, selected: value === chosen }, name));
  return el("select", { ...attributes, on: { change: (event) => listener(event.target.value) } }, ...options);
}

const ICONS = {
  video: "M3 6.5A1.5 1.5 0 0 1 4.500 5h9A1.500 1.500 0 0 1 15 6.500v11a1.500 1.500 0 0 1-1.500 1.500h-9A1.500 1.500 0 0 1 3 17.500zM15 10l6-3.500v11L15 14",
  audio: "M9 18V6l11-2v12M9 18a3 3 0 1 1-6 0 3 3 0 0 1 6 0m11-2a3 3 0 1 1-6 0 3 3 0 0 1 6 0",
  image: "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15.500 9.500h.01",
  batch: "M4 8h16v12H4zM6 8V5h12v3M9 13h6",
  drop: "M12 16V4m0 0 4.500 4.500M12 4 7.500 8.500M4 15v4a1 1 0 0 0 1 1h14a1 1 0 0 0 1-1v-4",
};

/** A picture beside text that says the same. @returns {SVGElement} */
export function icon(name) {
  const drawn = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  for (const [key, value] of [["viewBox", "0 0 24 24"], ["class", "icon"], ["aria-hidden", "true"]]) drawn.setAttribute(key, value);
  path.setAttribute("d", ICONS[name] ?? ICONS.batch);
  drawn.append(path);
  return drawn;
}

/**
 * Fills a place anew. A focus in it goes to the same link or button of the new content, or to the view's heading, and
 * not to the start of the window.
 */
export function refill(place, ...children) {
  const focused = document.activeElement;
  const name = place.contains(focused) ? nameOf(focused) : null;
  place.replaceChildren(...children.filter(Boolean));
  if (name === null) return;
  const same = [...place.querySelectorAll("a, button, summary")].find((one) => nameOf(one) === name && !one.disabled);
  (same ?? document.querySelector("#main h1"))?.focus({ preventScroll: true });
}

function nameOf(element) {
  return element.getAttribute("aria-label") ?? element.textContent;
}

/** A button that waits for an answer. A disabled one cannot keep the focus, which would go to the start of the window. */
export function disable(pressed) {
  if (document.activeElement === pressed) document.querySelector("#main h1")?.focus({ preventScroll: true });
  pressed.disabled = true;
}

/** Says it to screen readers, without showing it. @param {string} text */
export function say(text) {
  document.getElementById("spoken").textContent = text;
}

/** A heading that takes the focus when its view is opened. @returns {HTMLElement} */
export function title(...text) {
  return el("h1", { tabindex: "-1" }, ...text);
}
