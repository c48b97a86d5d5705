// The ladder: two lifelines with the states on them, the messages between. Built once; a step only toggles classes.

import { badge, classes, h, icon, keepInView } from "./dom.js";
import { Mark } from "./mark.js";
import { Message } from "./message.js";
import { SIDES } from "./sides.js";

const MANY = 40;   // more messages than this: exchanges other than the current one start folded

export function Spine(film, set) {
  const marks = film.marks.map((mark) => ({ ...mark, drawn: Mark(film, mark, set) }));
  const opening = film.live ? Opening(film, set) : null;
  const exchanges = film.exchanges.map((exchange) => Exchange(film, exchange, marks, set));
  const rows = exchanges.flatMap((exchange) => exchange.rows.filter((row) => row.message));
  const rungs = [...(opening ? [opening] : []), ...exchanges.flatMap((exchange) => [exchange.heading, ...exchange.rows])];
  const everyMark = [...(opening?.marks ?? []), ...marks.map((mark) => mark.drawn)];
  const end = (side) => h("div", { class: "end", "data-side": side }, h("b", {}, film.peers[side].label), h("span", {}, film.peers[side].address));
  const node = h("div", { class: classes("spine", film.live && "live"), role: "group", "aria-label": "Messages" },
    h("div", { class: "ends" }, SIDES.map(badge), h("div", { class: "names" }, SIDES.map(end))),
    opening?.node, exchanges.map((exchange) => exchange.node));
  const stops = () => [...node.querySelectorAll("button")].filter((button) => button.offsetParent);
  rove(node, stops);
  let shown = null, current = null;
  if (film.messages.length > MANY) exchanges.forEach((exchange) => exchange.fold(true));

  /** How far each life has come, and the stretch of it that the step itself is. */
  function drawRails(step, actor) {
    for (const side of SIDES) {
      const until = rungs.findLastIndex((rung) => rung.steps[side].some((each) => each <= step));
      const before = rungs.findLastIndex((rung) => rung.steps[side].some((each) => each < step));
      const thick = film.live && actor === side && until > before;
      rungs.forEach(({ node: rung }, k) => {
        rung.classList.toggle(`${side}-lived`, k <= until);
        rung.classList.toggle(`${side}-fired`, thick && k > before && k <= until);
      });
    }
  }
  function drawMarks(step) {
    const newest = Object.fromEntries(SIDES.map((side) => [side, Math.max(-1, ...everyMark.filter((mark) => mark.side === side && mark.step <= step).map((mark) => mark.step))]));
    for (const mark of everyMark) mark.draw(mark.step > step ? "later" : mark.step === step && step > 0 ? "fired" : mark.step === newest[mark.side] ? "now" : "past");
  }

  return {
    node,
    draw(state) {
      const feeding = state.view === "secrets" ? [state.secret, ...(film.byName.get(state.secret)?.inputs ?? [])] : [];
      rows.forEach((row) => row.draw(state, feeding));
      const key = `${state.step} ${state.message}`;
      if (key === shown) return false;
      shown = key;
      drawRails(state.step, film.frame(state.step).actor);
      drawMarks(state.step);
      const row = current = rungs.find((rung) => rung.silent === state.step) ?? rows.find((each) => each.message.n === state.message);
      if (!row) return false;
      exchanges.find((exchange) => exchange.rows.includes(row)).fold(false);
      node.querySelectorAll("button[tabindex='0']").forEach((button) => { button.tabIndex = -1; });
      row.button.tabIndex = 0;
      return true;
    },
    reveal() { keepInView(node, current?.node, 72); },
  };
}

/** Both sides before anything is said. */
function Opening(film, set) {
  const marks = SIDES.map((side) => Mark(film, { step: 0, side, kind: "went", how: "alone", name: film.beginning(side), did: "", waits: "", timer: null }, set));
  const [left, right] = marks.map((mark) => h("div", { class: "gutter", "data-side": mark.side }, mark.node));
  return { node: h("div", { class: "row rails opening" }, left, h("span", {}), right), marks, steps: { initiator: [0], responder: [0] } };
}

function Exchange(film, exchange, marks, set) {
  const rows = exchange.messages.flatMap((message) => [Rung(film, message, marks.filter((mark) => mark.at === message.n), set), ...film.silentAfter(message.n).map((step) => Silent(film, marks[step - 1], set))]);
  rows.forEach((row, k) => row.node.classList.toggle("roomy", crowded(rows[k - 1], row)));
  const many = `${exchange.messages.length} ${exchange.messages.length === 1 ? "message" : "messages"}`;
  const title = h("button", { type: "button", class: "exchange-title", tabindex: -1, "aria-expanded": "true", onclick: () => fold(!node.classList.contains("folded")) },
    h("span", {}, exchange.title, h("span", { class: "folded-count" }, ` · ${many}`), icon("down")));
  const heading = h("div", { class: "heading rails" }, title);
  const node = h("div", { class: "exchange", role: "group", "aria-label": exchange.title }, heading, rows.map((row) => row.node));
  function fold(yes) {
    node.classList.toggle("folded", yes);
    title.setAttribute("aria-expanded", String(!yes));
  }
  const begins = film.live ? [] : [film.saidAt.get(exchange.messages[0].n)];
  return { node, rows, fold, heading: { node: heading, steps: { initiator: begins, responder: begins } } };
}

/** A message with the states that its two ends are in because of it. */
function Rung(film, message, marks, set) {
  const cells = Object.fromEntries(SIDES.map((side) => [side, marks.filter((mark) => mark.side === side).map((mark) => mark.drawn.node)]));
  const drawn = Message(film, message, cells, set), said = [film.saidAt.get(message.n)];
  const steps = film.live ? Object.fromEntries(SIDES.map((side) => [side, marks.filter((mark) => mark.side === side).map((mark) => mark.step)])) : { initiator: said, responder: said };
  return { ...drawn, steps, marks };
}

/** A step in which nobody heard or said anything. */
function Silent(film, mark, set) {
  const button = h("button", { type: "button", class: "silence", tabindex: -1, onclick: () => set({ step: mark.step }) }, film.caption(mark.step).what);
  const gutter = (side) => h("div", { class: "gutter", "data-side": side }, mark.side === side && mark.drawn.node);
  const steps = { initiator: [], responder: [], [mark.side]: [mark.step] };
  return { node: h("div", { class: "row rails silent" }, gutter("initiator"), button, gutter("responder")), button, silent: mark.step, steps, marks: [mark] };
}

/** Does a side that has a state, or news, beside one arrow begin the next message by itself? Then the two need more room. */
const crowded = (above, below) => below.marks.some((next) => next.how === "begins" && above?.marks.some((mark) => mark.side === next.side && (mark.how !== "begins" || mark.frame.learned?.[mark.side]?.length)));

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
