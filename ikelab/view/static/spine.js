// The ladder: two lifelines, the messages between them, what each side learned. Built once; a step only toggles classes.

import { badge, classes, describe, fill, h, icon, keepInView, octetsOf } from "./dom.js";
import { SIDES, other } from "./film.js";

const MANY = 40;   // more messages than this: exchanges other than the current one start folded

export function Spine(film, set) {
  const exchanges = film.exchanges.map((exchange) => Exchange(film, exchange, set));
  const rows = exchanges.flatMap((exchange) => exchange.rows);
  const end = (side) => h("div", { class: "end", "data-side": side }, h("b", {}, film.peers[side].label), h("span", {}, film.peers[side].address));
  const node = h("div", { class: "spine", role: "group", "aria-label": "Messages" },
    h("div", { class: "ends" }, SIDES.map(badge), h("div", { class: "names" }, SIDES.map(end))),
    exchanges.map((exchange) => exchange.node));
  const stops = () => [...node.querySelectorAll("button")].filter((button) => button.offsetParent);
  rove(node, stops);
  let shown = null, current = null;
  if (film.messages.length > MANY) exchanges.forEach((exchange) => exchange.fold(true));
  return {
    node,
    draw(state) {
      const feeding = state.view === "secrets" ? [state.secret, ...(film.byName.get(state.secret)?.inputs ?? [])] : [];
      rows.forEach((row) => row.draw(state, feeding));
      exchanges.forEach((exchange) => exchange.draw(state));
      const key = `${state.step} ${state.message}`;
      if (key === shown) return false;
      shown = key;
      const row = current = rows.find((each) => each.message.n === state.message);
      if (!row) return false;
      exchanges.find((exchange) => exchange.rows.includes(row)).fold(false);
      node.querySelectorAll("button[tabindex='0']").forEach((button) => { button.tabIndex = -1; });
      row.button.tabIndex = 0;
      return true;
    },
    reveal() { keepInView(node, current?.node, 72); },
  };
}

function Exchange(film, exchange, set) {
  const rows = exchange.messages.map((message) => Row(film, message, set));
  const many = `${exchange.messages.length} ${exchange.messages.length === 1 ? "message" : "messages"}`;
  const title = h("button", { type: "button", class: "exchange-title", tabindex: -1, "aria-expanded": "true", onclick: () => fold(!node.classList.contains("folded")) },
    h("span", {}, exchange.title, h("span", { class: "folded-count" }, ` · ${many}`), icon("down")));
  const node = h("div", { class: "exchange", role: "group", "aria-label": exchange.title }, h("div", { class: "heading rails" }, title), rows.map((row) => row.node));
  function fold(yes) {
    node.classList.toggle("folded", yes);
    title.setAttribute("aria-expanded", String(!yes));
  }
  return { node, rows, fold, draw(state) { node.classList.toggle("later", state.step < film.saidAt.get(exchange.messages[0].n)); } };
}

function Row(film, message, set) {
  const at = film.saidAt.get(message.n), open = message.sheets.length > 1, from = message.from;
  const chips = film.chips(message).map((group) => Chip(film, message, group));
  const size = message.sheets[0].octets.length / 2;
  const lock = h("span", { class: "lock", title: open ? "encrypted, opened with the keys of this trace" : "encrypted, no key" }, icon(open ? "open" : "closed"));
  const within = chips.length ? chips.map((chip) => chip.node) : h("span", { class: "chip" }, message.encrypted ? octetsOf(size - 28) : message.summary);
  const button = h("button", { type: "button", class: "message", tabindex: -1, onclick: () => set({ view: "octets", message: message.n, field: null, ...(now < at ? { step: at } : {}) }) },
    h("span", { class: "chips" }, message.encrypted ? h("span", { class: "tray" }, lock, within) : within),
    h("span", { class: "wire" }), h("span", { class: "number" }, message.n), tag(message));
  let now = 0, drawn = "";
  const learned = SIDES.map((side) => Learned(film, side, at, set));
  const node = h("div", { class: "row rails", "data-from": from }, learned[0], button, learned[1]);
  if (message.retransmission_of != null) node.classList.add("repeat");
  if (message.error || message.verified?.some((verdict) => verdict.ok === false)) node.classList.add("refused");
  return {
    message, node, button,
    draw(state, feeding) {
      now = state.step;
      const mode = now < at ? "later" : now === at ? "now" : "past";
      const picked = state.view === "octets" && state.message === message.n;
      const sealed = chips.map((chip) => chip.draw(now, feeding)), whole = message.encrypted && chips.length > 0 && sealed.every(Boolean);
      const look = [mode, picked, ...sealed].join();
      if (look === drawn) return;
      drawn = look;
      for (const name of ["later", "now", "past"]) node.classList.toggle(name, name === mode);
      node.classList.toggle("picked", picked);
      node.classList.toggle("whole", whole);
      fill(lock, icon(open ? "open" : "closed"), whole && icon("tick"));
      button.setAttribute("aria-current", String(picked));
      const payloads = chips.map((chip, k) => `${chip.said}${sealed[k] ? " authenticated" : ""}`).join(", ");
      describe(button, "aria-label", `Message ${message.n} from ${from} to ${other(from)}, ${octetsOf(size)}${message.encrypted ? ", encrypted" : ""}: ${payloads || message.summary}${mode === "later" ? "; not sent yet" : verdicts(message)}`);
    },
  };
}

function Chip(film, message, { label, members }) {
  const seal = h("span", { class: "seal" });
  const node = h("span", { class: "chip" }, label, members.length > 1 && h("small", {}, `×${members.length}`), seal);
  let drawn = null;
  return {
    node,
    said: members.length > 1 ? `${label} ${members.length} times` : label,
    draw(step, feeding) {
      const seals = film.sealed(message, members, step);
      node.classList.toggle("feeds", feeding.length > 0 && members.some((k) => film.feeds(message, message.chips[k], feeding)));
      const by = seals.map((each) => each.name).join(", ");
      if (by !== drawn) {
        drawn = by;
        node.classList.toggle("sealed", seals.length > 0);
        describe(node, "title", seals.length ? `authenticated: covered by ${by}` : "not authenticated");
        fill(seal, seals.length > 0 && icon("tick"));
      }
      return seals.length > 0;
    },
  };
}

/** The secrets one side has since this step: one by name, the rest as a count. */
function Learned(film, side, step, set) {
  const names = (film.frame(step).learned?.[side] ?? []).filter((name) => film.byName.get(name)?.secret);
  const made = names.filter((name) => film.byName.get(name).inputs.length), shown = made[0] ?? names[0];
  const key = (name, text) => h("button", { type: "button", class: "key", tabindex: -1, title: `${names.map((each) => film.byName.get(each).label).join(", ")}: where they come from`, onclick: () => set({ view: "secrets", secret: name, trail: [] }) }, text);
  return h("div", { class: "learned", "data-side": side }, shown && key(shown, film.byName.get(shown).label), names.length > 1 && key(made.at(-1) ?? names.at(-1), `+${names.length - 1}`));
}

const verdicts = (message) => (message.verified ?? []).map((verdict) => `; ${verdict.name} ${word(verdict)}`).join("");
const word = (verdict) => (verdict.ok === true ? "verified" : verdict.ok === false ? "does not verify" : "noted");

/** What happened to the message, in words on its line. */
function tag(message) {
  const failed = message.verified?.find((verdict) => verdict.ok === false);
  const passed = message.verified?.find((verdict) => verdict.ok === true);
  if (message.retransmission_of != null) return h("span", { class: "tag" }, icon("again"), "same octets again");
  if (failed) return h("span", { class: "tag bad", title: failed.text }, icon("cross"), failed.name);
  if (message.error) return h("span", { class: "tag bad", title: message.error }, icon("cross"), "unreadable");
  if (message.decrypted === false) return h("span", { class: "tag bad", title: (message.remarks ?? []).join(" ") }, icon("cross"), "does not open");
  if (passed) return h("span", { class: "tag", title: passed.text }, icon("tick"), passed.name);
  const noted = message.verified?.[0];
  return noted ? h("span", { class: "tag", title: noted.text }, icon("note"), noted.name) : null;
}

/** One stop for the Tab key; Up and Down walk the rest. */
function rove(node, stops) {
  node.addEventListener("focusin", (event) => {
    node.querySelectorAll("button[tabindex='0']").forEach((button) => { button.tabIndex = -1; });
    event.target.tabIndex = 0;
  });
  node.addEventListener("keydown", (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!by) return;
    const all = stops(), to = all[all.indexOf(event.target) + by];
    to?.focus({ preventScroll: true });
    keepInView(node, to, 72);
    event.preventDefault();
    event.stopPropagation();
  });
}
