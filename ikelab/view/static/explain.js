// What a field means, and the box the RFC draws for the structure it stands in, made from the same fields.

import { classes, copy, fill, h, icon, octetsOf, shortened } from "./dom.js";
import { childrenOf, pathTo, saysItAll } from "./film.js";

export function Explanation(film, set) {
  const path = h("div", { class: "path", role: "group", "aria-label": "Where this field is" }), acts = h("div", { class: "acts" });
  const words = h("div", { class: "words", "aria-live": "polite" });
  const picture = h("div", { class: "picture" });
  const node = h("div", { class: "explain", tabindex: 0, role: "group", "aria-label": "Explanation" }, h("div", { class: "place" }, path, acts), words, picture);
  let message = null, place = null, figure = "";

  const crumbs = ([s, index]) => {
    const fields = message.sheets[s].fields;
    return [message.sheets.length > 1 && h("span", {}, message.sheets[s].title), pathTo(fields, index).map((k) => (k === index ? h("b", {}, fields[k].name) : h("button", { type: "button", "data-field": `${s}.${k}` }, fields[k].name)))];
  };

  return {
    node,
    /** Name the field under the pointer without moving anything. */
    preview(hovered) {
      if (message) fill(path, crumbs(hovered ?? place));
    },
    draw(shown, at, step) {
      message = shown;
      place = at;
      const [s, index] = at, sheet = message.sheets[s], field = sheet.fields[index];
      fill(path, crumbs(at));
      fill(words, Words(message, at, film.checkedAt(message) <= step));
      fill(acts, Acts(film, message, at, set, words));
      const frame = frameOf(sheet.fields, index), key = `${message.n} ${s} ${frame}`;
      if (key !== figure) {
        figure = key;
        fill(picture, Figure(sheet.fields, frame, s));
      }
      picture.querySelectorAll(".cell").forEach((cell) => {
        const own = Number(cell.dataset.field.split(".")[1]);
        cell.classList.toggle("lit", own === index);
      });
    },
  };
}

function Words(message, [s, index], judged) {
  const sheet = message.sheets[s], field = sheet.fields[index], end = field.at + field.size - 1;
  const octets = sheet.octets.slice(2 * field.at, 2 * (end + 1));
  const where = field.size === 0 ? `no octets, at ${field.at}` : field.size === 1 ? `octet ${field.at}` : `octets ${field.at} to ${end}`;
  const same = field.text.replace(/[\s:]|^0x/g, "").toLowerCase() === octets;
  const proofs = field.role === "proof" && judged ? message.verified ?? [] : [];
  return [
    field.text !== "" && h("div", { class: "value" }, field.text),
    proofs.map((verdict) => h("p", { class: classes("judged", verdict.ok === false && "bad") }, icon(verdict.ok === true ? "tick" : verdict.ok === false ? "cross" : "note"), h("span", {}, verdict.text))),
    h("p", {}, field.explain),
    h("p", { class: "cite" }, [field.rfc, where + (s > 0 ? `, counted from where what was ${sheet.title.toLowerCase()} begins` : "")].filter(Boolean).join("; "),
      field.leaf && !same && field.size > 0 && [": ", h("code", {}, shortened(octets, 24))]),
  ];
}

/** The secrets whose octets these are, and the octets themselves to take away. */
function Acts(film, message, [s, index], set, words) {
  const field = message.sheets[s].fields[index], octets = message.sheets[s].octets.slice(2 * field.at, 2 * (field.at + field.size));
  return [
    film.secretsIn(message, s, index).map((secret) => h("button", { type: "button", class: "key", title: "what is made from it", onclick: () => set({ view: "secrets", secret: secret.name, trail: [] }) }, secret.label)),
    octets && h("button", { type: "button", class: "act", title: "copy these octets", onclick: (event) => copy(event.target, octets, words) }, "copy"),
  ];
}

/** The structure whose box is drawn for a field: itself if it holds others worth drawing, else what it stands in. */
const frameOf = (fields, index) => (childrenOf(fields, index).length && !saysItAll(fields, index) ? index : fields[index].parent);

/** 32 bits a row, as the RFC draws it; what is longer than a row says how long it is. */
function Figure(fields, frame, s) {
  const parts = childrenOf(fields, frame);
  if (frame < 0 || !parts.length) return null;
  const cells = parts.filter((k) => fields[k].size > 0).map((k) => {
    const part = fields[k], column = (part.at - fields[frame].at) % 4, width = Math.min(part.size, 4 - column), ragged = part.size > width;
    const detail = !part.leaf ? ` (${octetsOf(part.size)})` : part.size > 4 ? ` (${octetsOf(part.size)})` : "";
    return h("button", { type: "button", class: classes("cell", ragged && "ragged", width === 1 && "narrow"), "data-field": `${s}.${k}`, title: part.name, style: { "grid-column": `${column * 8 + 1} / span ${width * 8}` } }, part.name, detail);
  });
  return h("div", { class: "figure", role: "group", "aria-label": `${fields[frame].name}, as the RFC draws it` }, [0, 8, 16, 24].map((bit) => h("span", { class: "bit", "aria-hidden": "true" }, bit)), cells);
}
