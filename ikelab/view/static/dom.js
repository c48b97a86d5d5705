// The only writer of the page. Data becomes text nodes and inert attributes: no string is ever read as markup or code.

const SVG = "http://www.w3.org/2000/svg";

/** An element. Attributes that are functions are listeners; `style` is an object of properties; null and false are left out. */
export function h(tag, attributes, ...children) {
  const element = tag.startsWith("svg:") ? document.createElementNS(SVG, tag.slice(4)) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value == null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") for (const [property, given] of Object.entries(value)) element.style.setProperty(property, given);
    else element.setAttribute(name, value === true ? "" : visible(value));
  }
  element.append(...nodes(children));
  return element;
}

/** Put these children, and no others, into the element. */
export function fill(element, ...children) {
  element.replaceChildren(...nodes(children));
  return element;
}

const nodes = (children) =>
  children.flat(9).filter((child) => child != null && child !== false).map((child) => (child instanceof Node ? child : visible(child)));

/** The text with every character that does not print written as its code: none can turn or hide what stands around it. */
const visible = (text) => String(text).replace(/[\p{Cc}\p{Cf}\p{Cn}\p{Co}\p{Cs}\u2028\u2029]/gu, (character) => `\\u{${character.codePointAt(0).toString(16)}}`);

/** Give the element an attribute whose text came from the trace. */
export const describe = (element, name, text) => element.setAttribute(name, visible(text));

/** The names whose condition holds, as one class attribute. */
export const classes = (...names) => names.filter(Boolean).join(" ");

/** Text for a screen reader alone. */
export const spoken = (...text) => h("span", { class: "spoken" }, text);

const PATHS = {
  first: "M18 6l-8 6 8 6zM6 6v12",
  back: "M15 6l-8 6 8 6z",
  next: "M9 6l8 6-8 6z",
  last: "M6 6l8 6-8 6zM18 6v12",
  closed: "M6 11h12v9H6zM9 11V8a3 3 0 0 1 6 0v3",
  open: "M6 11h12v9H6zM9 11V7.5a3 3 0 0 1 5.6-1.5",
  tick: "M5 13l4.5 4.5L19 7",
  cross: "M6 6l12 12M18 6L6 18",
  note: "M12 11v6.5M12 6.6v.2M2.5 12a9.5 9.5 0 1 0 19 0 9.5 9.5 0 1 0-19 0",
  again: "M18.5 12a6.5 6.5 0 1 1-2-4.7M18.7 3.5v4.3h-4.3",
  down: "M6 9l6 6 6-6",
  pen: "M4 20l1-4L16.5 4.5l3 3L8 19zM14 7l3 3",
  eye: "M2 12s3.6-6.5 10-6.5S22 12 22 12s-3.6 6.5-10 6.5S2 12 2 12zM12 9.2a2.8 2.8 0 1 0 .01 0",
};

export const icon = (name) =>
  h("svg:svg", { class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true" }, h("svg:path", { d: PATHS[name] }));

/** The round I or the square R. */
export const badge = (side) =>
  h("span", { class: "badge", "data-side": side, "aria-hidden": "true" }, side === "initiator" ? "I" : side === "responder" ? "R" : "");

/** What a value is called where several stand together: where two have the same label, also whose or of what it is. */
export const Title = ({ label, whose }) => [label, whose && h("small", { class: "whose" }, ` ${whose}`)];
export const titled = ({ label, whose }) => [label, whose].filter(Boolean).join(" ");

/** Scroll `box`, and nothing around it, until `element` is comfortably inside. */
export function keepInView(box, element, margin = 24) {
  if (!box || !element) return;
  const frame = box.getBoundingClientRect();
  const inside = element.getBoundingClientRect();
  if (inside.top < frame.top + margin) box.scrollTop += inside.top - frame.top - margin;
  else if (inside.bottom > frame.bottom - margin) box.scrollTop += Math.min(inside.bottom - frame.bottom + margin, inside.top - frame.top - margin);
}

/** Copy the text and say so on the button; where the browser forbids it, select the text so that the reader can. */
export async function copy(button, text, shown) {
  const label = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "copied";
  } catch {
    getSelection().selectAllChildren(shown);
    button.textContent = "selected";
  }
  setTimeout(() => { button.textContent = label; }, 1600);
}

export const pairs = (hex) => hex.match(/../g) ?? [];
export const octetsOf = (count) => `${count} ${count === 1 ? "octet" : "octets"}`;
export const shortened = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);
