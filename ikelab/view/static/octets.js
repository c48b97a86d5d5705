// One message laid open: its octets, sheet by sheet, beside the fields they are, linked both ways.

import { Title, badge, classes, fill, h, icon, keepInView, octetsOf, pairs, shortened } from "./dom.js";
import { Explanation } from "./explain.js";
import { childrenOf, onlyWraps, pathTo, saysItAll } from "./film.js";
import { NEVER, fateInWords, isAnswered } from "./message.js";
import { other } from "./sides.js";

const FOLD = 96, HEAD = 48, ROW = 8, KEPT = 32;   // a value longer than FOLD octets shows its first HEAD and its last few
const ROLES = new Set(["plumbing", "choice", "public", "identity", "proof", "secret", "number", "cipher"]);
const KINDS = new Set(["header", "payload", "field", "group", "padding", "ciphertext", "error"]);

export function Octets(film, set, uid, level) {
  const head = h("div", { class: "head" });
  const sheets = h("div", { class: "sheets", tabindex: 0, role: "group" });
  const list = h("div", { class: "fields", tabindex: 0, role: "listbox" });
  const explanation = Explanation(film, set);
  const node = h("div", { class: "octets" }, head, sheets, list, explanation.node);
  const readings = new Map();   // what has been built, the longest unused first
  let reading = null, built = "", chosen = null;

  const choose = (place) => place && set({ field: place });
  const placeOf = (event) => event.target.closest("[data-field]")?.dataset.field.split(".").map(Number) ?? null;
  node.addEventListener("pointerover", (event) => hover(placeOf(event)));
  node.addEventListener("pointerleave", () => hover(null));
  node.addEventListener("click", (event) => choose(placeOf(event)));
  walk(list, () => reading.listed());
  walk(sheets, () => reading.leaves());

  function walk(box, places) {
    box.addEventListener("keydown", (event) => {
      const far = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity }[event.key];
      if (!far) return;
      const all = places(), here = reading.indexIn(all);
      choose(all[Math.max(0, Math.min(all.length - 1, here + far))]);
      event.preventDefault();
      event.stopPropagation();
    });
  }

  function hover(place) {
    node.querySelectorAll(".hot").forEach((element) => element.classList.remove("hot"));
    if (place) reading.elements(place).forEach((element) => element.classList.add("hot"));
    explanation.preview(place);
  }

  /** The next step's message is built while nobody waits for it. */
  function aheadOf(message, state) {
    globalThis.requestIdleCallback?.(() => { if (message && node.isConnected && !readings.has(keyOf(message, state))) readingOf(message, state); }, { timeout: 2000 });
  }

  /** A message laid open: built once, and kept while it is among the last that were looked at. */
  function readingOf(message, state) {
    const key = keyOf(message, state), kept = readings.get(key) ?? { notes: notes(message), ...Reading(message, state, uid, (name) => set({ view: "secrets", secret: name, trail: [] }), () => set({ unfolded: true }), film) };
    readings.delete(key);
    readings.set(key, kept);
    if (readings.size > KEPT) readings.delete(readings.keys().next().value);
    return kept;
  }

  /** Bring the chosen field into sight, in the list and among the octets. */
  function reveal() {
    if (!chosen) return;
    keepInView(list, reading.row(chosen));
    keepInView(sheets, reading.elements(chosen).find((element) => element.classList.contains("octet")), 40);
  }

  return {
    node,
    draw(state) {
      const message = film.asRead(film.byNumber.get(state.message), state.step);
      node.hidden = !message || !state.field;
      if (node.hidden) return false;
      const key = keyOf(message, state);
      if (key !== built) {
        built = key;
        reading = readingOf(message, state);
        sheets.setAttribute("aria-label", `Octets of message ${message.n}`);
        list.setAttribute("aria-label", `Fields of message ${message.n}`);
        node.dataset.from = message.from;
        fill(sheets, reading.notes, reading.sheets);
        fill(list, reading.rows);
        aheadOf(film.asRead(film.newest(state.step + 1), state.step + 1), { plumbing: state.plumbing, unfolded: false });
      }
      fill(head, Head(film, message, state, set, level));
      reading.light(state.field);
      explanation.draw(message, state.field, state.step);
      list.setAttribute("aria-activedescendant", reading.rowId(state.field) ?? "");
      chosen = state.field;
      return true;
    },
    reveal,
  };
}

const keyOf = (message, { plumbing, unfolded }) => `${message.n} ${message.sheets.length} ${plumbing} ${unfolded}`;

function Head(film, message, state, set, level) {
  const at = film.saidAt.get(message.n), to = other(message.from);
  const passed = (film.checkedAt(message) <= state.step ? message.verified ?? [] : []).map((verdict) =>
    h("span", { class: classes("verdict", verdict.ok === false && "bad"), title: verdict.text }, icon(verdict.ok === true ? "tick" : verdict.ok === false ? "cross" : "note"), verdict.name, verdict.ok === true ? " verified" : verdict.ok === false ? " does not verify" : ""));
  return [
    h(`h${level}`, {}, `Message ${message.n}`, badge(message.from), h("span", { "aria-hidden": "true" }, "→"), badge(to), h("span", { class: "spoken" }, `, ${message.from} to ${to}, `)),
    h("span", { class: "quiet" }, octetsOf(message.sheets[0].octets.length / 2), state.step < at && ", not sent yet"),
    passed,
    h("label", { class: "check", title: "The plumbing: next payload, reserved octets, lengths" }, h("input", { type: "checkbox", checked: state.plumbing, onchange: (event) => set({ plumbing: event.target.checked }) }), "lengths and reserved octets too"),
  ];
}

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
const notes = (message) => [
  message.error && h("p", { class: "remark bad" }, icon("cross"), h("span", {}, message.error)),
  message.fate === "altered" && h("p", { class: "remark spy" }, icon("pen"), h("span", {}, `${capital(fateInWords(message))}: ${(message.changed ?? []).slice(0, 4).map(({ at, size, was }) => (size > 0 ? `octet ${at} was ${shortened(was, 24)}` : `${-size} octets were cut off at ${at}`)).join("; ")}.`)),
  message.retransmission_of != null && h("p", { class: "remark" }, icon("again"), h("span", {}, `The same octets as message ${message.retransmission_of}.`)),
  message.chips.some(({ label }) => isAnswered(message, label)) && h("p", { class: "remark" }, icon("note"), h("span", {}, "SA: ", NEVER.replace("Not", "not"))),
  (message.remarks ?? []).map((remark) => h("p", { class: "remark" }, icon("note"), h("span", {}, remark))),
];

/** One message ready to be read: the drawn octets and rows, and the way from a field to each of them. */
function Reading(message, state, uid, openSecret, unfold, film) {
  const cells = message.sheets.map((sheet) => new Array(sheet.octets.length / 2));
  const rowOf = message.sheets.map((sheet) => new Array(sheet.fields.length));
  const listedPlaces = [];
  let lit = [], here = [0, 0];

  const sheets = message.sheets.map((sheet, s) => h("div", { class: "sheet" }, s > 0 && Lid(sheet, film, openSecret), blocksOf(sheet).map((block) => Block(sheet, s, block))));
  if (message.encrypted && message.sheets.length === 1) sheets.push(h("p", { class: "lid shut" }, icon("closed"), h("span", {}, "No key opens this here: decryption takes the cipher key of its SA and the IV of its exchange.")));
  for (const { at, size } of message.changed ?? []) cells[0].slice(at, at + Math.max(0, size)).forEach((cell) => { cell?.classList.add("changed"); });
  const rows = message.sheets.flatMap((sheet, s) => [s > 0 && h("div", { class: "field layer", role: "presentation" }, icon("open"), sheet.title), Rows(sheet, s)]);

  function Block(sheet, s, b) {
    const block = sheet.fields[b], all = pairs(sheet.octets), owner = ownersOf(sheet);
    const chip = message.chips.find((each) => each.sheet === s && each.field === b);
    const long = block.size > FOLD && !state.unfolded;
    const tail = block.size % ROW || ROW, skip = long ? Math.floor((block.size - HEAD - tail) / (2 * ROW)) * 2 * ROW : 0;
    const lines = [];
    for (let at = 0; at < block.size; at += ROW) {
      if (long && at === HEAD) {
        lines.push(h("button", { type: "button", class: "fold", onclick: unfold }, `${skip} octets folded`));
        at += skip;
      }
      const start = block.at + at, until = Math.min(start + ROW, block.at + block.size);
      lines.push(h("span", { class: "offset", "aria-hidden": "true" }, start.toString(16).padStart(3, "0")), h("span", { class: "line" }, all.slice(start, until).map((octet, k) => {
        const leaf = owner[start + k], role = sheet.fields[leaf]?.role;
        return (cells[s][start + k] = h("span", { class: classes("octet", ROLES.has(role) && `is-${role}`), "data-field": `${s}.${leaf ?? b}` }, octet));
      })));
    }
    return h("div", { class: "block" }, h("div", { class: "tip" }, chip && h("b", {}, chip.label), h("span", {}, block.name), h("span", { class: "size" }, block.size)), h("div", { class: "lines" }, lines));
  }

  function Rows(sheet, s) {
    return sheet.fields.map((field, index) => {
      if (!isListed(sheet.fields, index, state)) return null;
      const chip = message.chips.find((each) => each.sheet === s && each.field === index);
      const shown = field.text || (field.leaf ? "" : octetsOf(field.size));
      const row = h("div", {
        class: classes("field", KINDS.has(field.kind) && field.kind, ROLES.has(field.role) && `is-${field.role}`, !field.leaf && "whole", field.parent === -1 && "top"),
        role: "option", id: `${uid}-${s}-${index}`, "aria-selected": "false", "data-field": `${s}.${index}`, style: { "--depth": Math.min(5, pathTo(sheet.fields, field.parent).filter((k) => isListed(sheet.fields, k, state)).length) },
      }, h("span", { class: "name" }, chip && chip.label !== field.name && h("b", {}, chip.label), chip && chip.label !== field.name && " ", field.name), h("span", { class: "value" }, shortened(shown, 120)));
      rowOf[s][index] = row;
      listedPlaces.push([s, index]);
      return row;
    });
  }

  const row = ([s, index]) => pathTo(message.sheets[s].fields, index).reverse().map((k) => rowOf[s][k]).find(Boolean);
  const elements = ([s, index]) => {
    const field = message.sheets[s]?.fields[index];
    return field ? [...cells[s].slice(field.at, field.at + field.size).filter(Boolean), row([s, index])].filter(Boolean) : [];
  };
  const leaves = message.sheets.flatMap((sheet, s) => sheet.fields.flatMap((field, index) => (field.leaf && field.size ? [[s, index]] : [])));
  return {
    sheets, rows, row, elements,
    listed: () => listedPlaces,
    leaves: () => leaves,
    rowId: (place) => row(place)?.id,
    /** Where the lit field stands in a list of places; if it is not there, where the first one after it does. */
    indexIn(places) {
      const exact = places.findIndex(([s, index]) => s === here[0] && index === here[1]);
      if (exact >= 0) return exact;
      const listed = row(here)?.dataset.field, shown = places.findIndex(([s, index]) => `${s}.${index}` === listed);
      return shown >= 0 ? shown : Math.max(0, places.findIndex(([s, index]) => s > here[0] || (s === here[0] && index > here[1])));
    },
    light(place) {
      lit.forEach((element) => { element.classList.remove("lit"); if (element.role === "option") element.setAttribute("aria-selected", "false"); });
      lit = elements(place);
      here = place;
      lit.forEach((element) => { element.classList.add("lit"); if (element.role === "option") element.setAttribute("aria-selected", "true"); });
    },
  };
}

/** The golden lid between the octets that travelled and what they hide: which key, which IV, and where it came from. */
function Lid(sheet, film, openSecret) {
  const secret = film.byName.get(film.keyOf(sheet));
  return h("div", { class: "lid" }, icon("open"), h("div", {},
    "Opened with ", secret ? h("button", { type: "button", onclick: () => openSecret(secret.name) }, Title(secret)) : h("b", {}, sheet.key ?? "a key"), secret?.value && h("code", {}, ` ${shortened(secret.value, 13)}`),
    sheet.iv && [" and ", h("b", {}, "IV"), h("code", {}, ` ${shortened(sheet.iv, 13)}`)],
    sheet.iv_note && h("div", {}, "IV = ", sheet.iv_note)));
}

/** The structures that get a heading of their own: the outermost ones, or the ones inside a single wrapper. */
function blocksOf(sheet) {
  const roots = childrenOf(sheet.fields, -1);
  const wrapper = roots.length === 1 && !["header", "payload"].includes(sheet.fields[roots[0]].kind) ? childrenOf(sheet.fields, roots[0]) : [];
  return wrapper.length ? wrapper : roots;
}

/** For every octet of a sheet, the index of the leaf that it belongs to. */
function ownersOf(sheet) {
  const owner = new Array(sheet.octets.length / 2);
  sheet.fields.forEach((field, index) => { if (field.leaf) owner.fill(index, field.at, field.at + field.size); });
  return owner;
}

/** Plumbing is hidden until asked for; so are parts that their group's row repeats, and groups that only wrap one part. */
function isListed(fields, index, state) {
  const field = fields[index];
  if (state.plumbing) return true;
  if (!field.leaf) return !onlyWraps(fields, index);
  return (field.role !== "plumbing" || field.kind === "padding") && !saysItAll(fields, field.parent);
}
