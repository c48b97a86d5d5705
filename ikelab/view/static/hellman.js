// Diffie-Hellman: this run's own numbers, what a listener has of them, and a group small enough to search.

import { badge, classes, fill, h, icon, octetsOf } from "./dom.js";
import { GROUPS } from "./facts.js";
import { SIDES, other } from "./sides.js";
import { Toy } from "./toy.js";

export function Hellman(film, set, uid, level) {
  const deals = dealsOf(film);
  const choices = [...deals.map((deal, k) => ({ id: String(k), title: deal.title })), { id: "toy", title: "A toy group" }];
  const buttons = choices.map(({ id, title }) => h("button", { type: "button", class: "choice", "aria-pressed": "false", onclick: () => set({ deal: id }) }, title));
  const pages = deals.map((deal) => Deal(film, deal, set, level)), toy = Toy(uid, level);
  const stage = h("div", { class: "deal-stage", tabindex: 0, role: "group", "aria-label": "Diffie-Hellman" });
  const node = h("div", { class: "hellman" }, h("div", { class: "head" }, h(`h${level}`, { class: "spoken" }, "Diffie-Hellman"), h("div", { class: "choices", role: "group", "aria-label": "Which exchange" }, buttons)), stage);
  let shown = null;
  return {
    node,
    draw(state) {
      const reached = deals.filter((deal) => Math.min(...deal.values.map((value) => value.step ?? Infinity)) <= Math.max(1, state.step)).length;
      const id = state.deal ?? (deals.length ? String(Math.max(0, reached - 1)) : "toy");
      buttons.forEach((button, k) => button.setAttribute("aria-pressed", String(choices[k].id === id)));
      const page = id === "toy" ? toy : pages[Number(id)] ?? toy;
      if (shown !== page) fill(stage, page.node);
      shown = page;
      page.draw(state);
      return false;
    },
    reveal() {},
  };
}

/** Every exchange of public values in a trace: the values by their role in it, and the group where a message names one. */
function dealsOf(film) {
  const found = new Map();
  for (const secret of film.secrets) {
    const [, fresh, part] = /^g(\(qm\))?\^(x[iry])$/.exec(secret.label) ?? /^x(\(qm\))?(_[ir])$/.exec(secret.label) ?? [];
    if (!part) continue;
    const where = secret.name.slice(secret.label.length).replace("(responder)", "").trim(), key = `${fresh ?? ""} ${where}`;
    if (!found.has(key)) found.set(key, { fresh: Boolean(fresh), message_id: where, values: [], parts: {} });
    const deal = found.get(key), twin = secret.name.includes("(responder)") ? `${part} responder` : part;
    deal.values.push(secret);
    deal.parts[twin] = secret;
  }
  return [...found.values()].filter(({ parts }) => parts.xi || parts.xr).map((deal) => {
    const group = groupOf(film, deal);
    return { ...deal, group, title: deal.fresh ? `Quick Mode ${deal.message_id}` : "Phase 1" };
  });
}

/** The group of an exchange, as the last message of it that names one says. */
function groupOf(film, { fresh, message_id }) {
  const own = film.messages.filter((message) => (fresh ? message.message_id === message_id : /^0*$/.test(message.message_id)));
  const named = own.flatMap((message) => message.sheets.flatMap((sheet) => sheet.fields.filter((field) => field.name === "Group Description" && /\(\d+\)/.test(field.text))));
  const number = Number(/\((\d+)\)/.exec(named.at(-1)?.text ?? "")?.[1]);
  return number ? { number, ...GROUPS[number] } : null;
}

function Deal(film, deal, set, level) {
  const { group } = deal, power = deal.fresh ? "g(qm)^" : "g^", exponent = deal.fresh ? "x(qm)" : "x";
  const prime = group?.prime ? Folded(group.prime) : null, open = new Set();
  const about = h("div", { class: "group" },
    h("p", {}, h("b", {}, group ? `Group ${group.number}: ${group.family ?? "not one that ikelab computes in"}` : "The group is named in a message that nobody opened"), group?.rfc && h("span", { class: "cite" }, ` ${group.rfc}`)),
    prime && h("p", {}, "g = ", h("code", {}, group.generator), `, p = `, prime.node, h("span", { class: "quiet" }, ` ${group.bits} bits; both are printed in the RFC`)),
    group && !group.prime && group.family && h("p", {}, "A curve: the generator is a point G, and instead of raising to a power, a side multiplies the point with its private value. What is said of exponents holds for these."));
  const lanes = Object.fromEntries(SIDES.map((side) => [side, h("div", { class: "lane", "data-side": side })]));
  const verdict = h("div", { class: "equal" }), listener = h("div", { class: "wiretap" });
  const result = h("span", { role: "status" });
  const node = h("div", { class: "deal" }, about, lanes.initiator, lanes.responder, verdict, listener);

  const number = (secret, owner, known, kind) => {
    if (!secret || secret.value == null) return h("i", { class: "quiet" }, kind === "exponent" ? "not in this trace: whoever draws it tells nobody" : "not recorded");
    if (!known) return h("i", { class: "quiet" }, "not yet");
    const whole = open.has(secret.name);
    return h("button", { type: "button", class: classes("number-shown", secret.secret && "is-secret"), "data-side": owner, "aria-expanded": String(whole), title: octetsOf(secret.value.length / 2), onclick: (event) => { open[whole ? "delete" : "add"](secret.name); redraw(); refocus(event.target); } }, secret.value);
  };
  const refocus = (button) => [...node.querySelectorAll(".number-shown")].find((each) => each.textContent === button.textContent && each.dataset.side === button.dataset.side)?.focus();
  const line = (words, value) => h("div", { class: "numbered" }, h("span", { class: "what-it-is" }, words), value);
  const knows = (secret, side, step) => (film.sidesDiffer ? film.learnedAt.get(secret?.name)?.[side] : secret?.step) <= step;

  let step = 0;
  function redraw() {
    for (const side of SIDES) {
      const [own, far] = side === "initiator" ? ["i", "r"] : ["r", "i"], parts = deal.parts;
      const x = parts[`_${own}`], sent = parts[`x${own}`], heard = parts[`x${far}`], both = side === "responder" && parts["xy responder"] ? parts["xy responder"] : parts.xy;
      const from = heard?.origin?.message ?? null;
      fill(lanes[side],
        h(`h${level + 1}`, {}, badge(side), film.peers[side].label),
        line([h("code", {}, `${exponent}_${own}`), " drawn, never sent", Size(x)], number(x, side, knows(x, side, step), "exponent")),
        line([h("code", {}, `${power}x${own}`), " said", Where(sent, set), Size(sent)], number(sent, side, knows(sent, side, step))),
        line([h("code", {}, `${power}x${far}`), " heard", from != null && Where(heard, set)], number(heard, other(side), knows(heard, side, step))),
        line([h("code", {}, `${power}xy`), " computed: ", h("code", {}, wayOf(both, side, group, power, exponent, own, far))], number(both, null, knows(both, side, step))));
    }
    const { xy, xi, xr } = deal.parts, two = deal.parts["xy responder"], ready = SIDES.every((side) => knows(side === "responder" && two ? two : xy, side, step));
    fill(verdict, ready && xy?.value ? (two && two.value !== xy.value ? [icon("cross"), h("span", {}, h("b", {}, "Two different secrets: "), "what one side said is not what the other heard.")] : [icon("tick"), h("span", {}, h("b", {}, "The same secret on both sides"), film.live ? ", though nobody sent it." : ", as the recording's facts tell it.")]) : h("span", { class: "quiet" }, "The secret that both will have: not yet."),
      ready && group?.prime && deal.parts._i?.value && deal.parts._r?.value && h("button", { type: "button", class: "act", onclick: () => fill(result, recomputed(deal)) }, "compute both here"), " ", result);
    const has = [group?.prime && "p", group?.prime && "g", xi?.step <= step && `${power}xi`, xr?.step <= step && `${power}xr`].filter(Boolean);
    const closed = deal.fresh ? " In a Quick Mode even the public values travel encrypted: without Ka the listener has none of them." : "";
    fill(listener, h(`h${level + 1}`, {}, icon("eye"), "A listener on the wire"),
      h("p", {}, closed ? "has the group at most." : ["has ", has.length ? has.flatMap((name, k) => [k > 0 && ", ", h("code", {}, name)]) : "nothing yet", "."], " It lacks ", h("code", {}, `${exponent}_i`), " and ", h("code", {}, `${exponent}_r`), `. One of them would do: from it and the other side's public value comes ${power}xy.`, closed),
      group?.strength && h("p", {}, `The best known ways to find one of them take about 2^${group.strength} steps in this group.`, group.strength < 80 && " That is within reach of somebody: do not use it."));
  }
  return { node, draw(state) { step = state.step; redraw(); } };
}

/** The formula by which a side computes the secret: its own entry, else what every side of its kind does. */
function wayOf(secret, side, group, power, exponent, own, far) {
  const told = [secret, ...(secret?.also ?? [])].find((way) => way?.formula && way.inputs?.some((name) => name.startsWith(`${exponent}_${own}`)));
  return told?.formula ?? (group?.prime ? `(${power}x${far}) ^ ${exponent}_${own} mod p` : `${exponent}_${own} with ${power}x${far}`);
}

const Size = (secret) => secret?.value && `, ${octetsOf(secret.value.length / 2)}`;
const Where = (secret, set) => secret?.origin?.message != null && [" ", h("button", { type: "button", class: "link", onclick: () => set({ view: "octets", message: secret.origin.message, field: secret.origin.field == null ? null : [secret.origin.sheet, secret.origin.field] }) }, `message ${secret.origin.message}`)];

function Folded(hex) {
  const node = h("button", { type: "button", class: "number-shown", "aria-expanded": "false", onclick: () => { const whole = node.classList.toggle("whole"); node.setAttribute("aria-expanded", String(whole)); fill(node, whole ? hex : `${hex.slice(0, 24)}…`); } }, `${hex.slice(0, 24)}…`);
  return { node };
}

/** Both powers, computed in this very browser from the numbers shown. */
function recomputed({ group, parts }) {
  const began = performance.now(), p = BigInt(`0x${group.prime}`), value = (part) => BigInt(`0x${parts[part].value}`);
  const one = power(value("xr"), value("_i"), p), two = power(value("xi"), value("_r"), p), right = one === two && one === value("xy");
  return [icon(right ? "tick" : "cross"), right ? ` both powers are ${parts.xy.label}; ` : ` they differ from ${parts.xy.label}; `, `${Math.max(1, Math.round(performance.now() - began))} ms`];
}

/** base ^ exponent mod p, by squaring. */
export function power(base, exponent, p) {
  let result = 1n;
  for (let square = base % p, left = exponent; left > 0n; left >>= 1n, square = (square * square) % p) if (left & 1n) result = (result * square) % p;
  return result;
}
