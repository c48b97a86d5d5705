// Where every secret comes from: what was given, drawn or received, what is computed from it, what it is used for.

import { Title, badge, classes, copy, describe, fill, h, octetsOf, titled } from "./dom.js";
import { waysOf } from "./film.js";
import { SIDES } from "./sides.js";

const COLUMNS = ["given or received", "computed", "used for"];

export function Secrets(film, set, uid, level) {
  const graph = Graph(film, (name) => set({ secret: name, trail: [] }));
  const recipe = h("div", { class: "recipe", tabindex: 0, role: "group", "aria-label": "How it is made" });
  const node = h("div", { class: "secrets" }, h("div", { class: "head" }, h(`h${level}`, {}, "Where each secret comes from"), h("span", { class: "quiet legend" }, h("i", { class: "made" }), "made from", h("i", { class: "used" }), "goes into")), graph.node, recipe);
  return {
    node,
    draw(state) {
      graph.draw(state);
      const secret = film.byName.get(state.secret);
      fill(recipe, secret ? Recipe(film, secret, state, set) : h("p", { class: "quiet" }, "This trace holds no secrets: no key was given with it."));
      return true;
    },
    reveal: () => graph.reveal(),
  };
}

/** Three columns, one section for each exchange; only the lines of the chosen secret are drawn. */
function Graph(film, choose) {
  const lines = h("svg:svg", { class: "links", "aria-hidden": "true" });
  const nodes = new Map(film.secrets.map((secret) => [secret.name, SecretNode(film, secret, choose)]));
  const column = new Map(film.secrets.map((secret) => [secret.name, !secret.inputs.length ? 0 : film.uses(secret.name).length ? 1 : 2]));
  const sections = sectionsOf(film).map(({ title, secrets }) =>
    h("div", { class: "section", role: "group", "aria-label": title }, h("div", { class: "section-title" }, h("span", {}, title)),
      COLUMNS.map((_, k) => h("div", { class: "column" }, secrets.filter((secret) => column.get(secret.name) === k).map((secret) => nodes.get(secret.name).node)))));
  const plot = h("div", { class: "plot" }, lines, h("div", { class: "section columns", "aria-hidden": "true" }, COLUMNS.map((title) => h("span", {}, title))), sections);
  const node = h("div", { class: "graph", tabindex: 0, role: "group", "aria-label": "Derivation graph" }, plot);
  let chosen = null;

  function connect() {
    const frame = plot.getBoundingClientRect();
    if (!frame.width || !chosen) return fill(lines);
    lines.setAttribute("viewBox", `0 0 ${frame.width} ${frame.height}`);
    const box = (name) => {
      const rect = nodes.get(name).node.getBoundingClientRect();
      return { left: rect.left - frame.left, right: rect.right - frame.left, y: rect.top - frame.top + rect.height / 2 };
    };
    const curve = (from, to, kind) => {
      if (!nodes.has(from) || !nodes.has(to)) return null;
      const a = box(from), b = box(to), sideways = column.get(from) === column.get(to);
      const bend = sideways ? a.left - 14 : (a.right + b.left) / 2;
      const d = sideways ? `M${a.left} ${a.y}C${bend} ${a.y} ${bend} ${b.y} ${b.left} ${b.y}` : `M${a.right} ${a.y}C${bend} ${a.y} ${bend} ${b.y} ${b.left} ${b.y}`;
      return h("svg:path", { class: kind, d });
    };
    const roots = film.roots(chosen);
    const farther = [...roots].flatMap((name) => waysOf(film.byName.get(name)).flatMap(({ inputs }) => inputs.map((input) => curve(input, name, "farther"))));
    const otherwise = (film.byName.get(chosen).also ?? []).flatMap(({ inputs }) => inputs.map((input) => curve(input, chosen, "farther")));
    fill(lines, farther, otherwise, film.uses(chosen).map((name) => curve(chosen, name, "used")), film.byName.get(chosen).inputs.map((input) => curve(input, chosen, "made")));
  }
  /** Bring the chosen secret into sight and draw its lines to where the others now stand. */
  function reveal() {
    const at = nodes.get(chosen)?.node;
    if (at && node.clientHeight && (at.offsetTop < node.scrollTop || at.offsetTop + 28 > node.scrollTop + node.clientHeight)) node.scrollTop = at.offsetTop - node.clientHeight / 2;
    connect();
  }
  return {
    node, reveal,
    draw(state) {
      chosen = film.byName.has(state.secret) ? state.secret : null;
      const inputs = new Set(film.byName.get(chosen)?.inputs), roots = chosen ? film.roots(chosen) : new Set(), uses = new Set(chosen ? film.uses(chosen) : []);
      nodes.forEach((each, name) => each.draw(state, { chosen: name === chosen, made: inputs.has(name), root: roots.has(name), used: uses.has(name) }));
    },
  };
}

function SecretNode(film, secret, choose) {
  const holders = h("span", { class: "holders" });
  const node = h("button", { type: "button", class: classes("secret-node", secret.secret && "is-secret"), title: titled(secret), onclick: () => choose(secret.name) }, h("span", {}, Title(secret)), holders);
  let drawn = "";
  return {
    node,
    draw(state, relation) {
      const known = film.isKnown(secret, state.step), learned = film.learnedAt.get(secret.name) ?? {};
      const who = SIDES.filter((side) => learned[side] <= state.step);
      const look = [known, known && secret.step === state.step, who.join(), ...Object.values(relation)].join();
      if (look === drawn) return;
      drawn = look;
      node.classList.toggle("known", known);
      node.classList.toggle("fresh", known && secret.step === state.step && state.step > 0);
      for (const [name, yes] of Object.entries(relation)) node.classList.toggle(name, yes);
      node.setAttribute("aria-pressed", String(relation.chosen));
      describe(node, "aria-label", `${titled(secret)}${known ? "" : ", not known yet"}${who.length ? `, known to the ${who.join(" and the ")}` : ""}`);
      fill(holders, film.sidesDiffer && who.map(badge));
    },
  };
}

function Recipe(film, secret, state, set) {
  const known = film.isKnown(secret, state.step), learned = film.learnedAt.get(secret.name) ?? {};
  const walk = (name) => set({ secret: name, trail: [...state.trail, secret.name] });
  const since = film.sidesDiffer ? SIDES.filter((side) => learned[side] <= state.step).map((side) => `${film.peers[side].label} since step ${learned[side]}`).join(", ") : "";
  const when = known ? since || `known since step ${secret.step}` : secret.step == null ? "never known in this trace" : `not known before step ${secret.step}`;
  const origin = (each) => Origin(film, each, set);
  const result = h("span", {}, Value(film, secret, state)), inputs = [...new Set(waysOf(secret).flatMap((way) => way.inputs))];
  return [
    state.trail.length > 0 && h("div", { class: "path", role: "group", "aria-label": "The way here" }, state.trail.map((name, k) => h("button", { type: "button", onclick: () => set({ secret: name, trail: state.trail.slice(0, k) }) }, film.byName.has(name) ? Title(film.byName.get(name)) : name)), h("b", {}, Title(secret))),
    h("div", { class: "formula" }, h("b", {}, Title(secret)), secret.inputs.length ? " = " : secret.formula && ": ", Formula(film, secret, walk)),
    (secret.also ?? []).map((way) => h("div", { class: "other-way" }, h("span", {}, `the ${way.by}'s way: `), Formula(film, way, walk))),
    h("p", {}, secret.explain, " ", h("span", { class: "cite" }, [secret.rfc, !secret.inputs.length && secret.origin?.message == null && secret.origin?.text, known && secret.value && octetsOf(secret.value.length / 2), when].filter(Boolean).join(", "))),
    h("div", { class: "values" },
      inputs.map((name) => film.byName.get(name)).filter(Boolean).map((input) => [
        h("button", { type: "button", class: classes("input", input.secret && "is-secret"), onclick: () => walk(input.name) }, Title(input)), h("span", { class: "hex" }, Value(film, input, state)), h("span", { class: "from", title: input.origin?.text }, origin(input))]),
      h("b", { class: "sum" }, Title(secret)), h("span", { class: "hex sum whole" }, result),
      h("span", { class: "from sum" }, secret.origin?.message != null && h("div", {}, origin(secret)), known && secret.value && h("button", { type: "button", class: "act", onclick: (event) => copy(event.target, secret.value, result) }, "copy"))),
  ];
}

/** The formula as the RFC prints it, its inputs turned into ways to walk back. */
function Formula(film, secret, walk) {
  const inputs = secret.inputs.map((name) => film.byName.get(name)).filter(Boolean);
  const words = inputs.flatMap((input) => [input.label, input.name].map((text) => ({ text, input }))).sort((a, b) => b.text.length - a.text.length);
  const parts = [], formula = secret.formula ?? "";
  for (let at = 0; at < formula.length;) {
    const found = words.find(({ text }) => text && formula.startsWith(text, at) && !/[\w^]/.test(formula[at - 1] ?? " ") && !/[\w]/.test(formula[at + text.length] ?? " "));
    if (found) parts.push(h("button", { type: "button", class: classes("input", found.input.secret && "is-secret"), onclick: () => walk(found.input.name) }, found.text));
    else parts.push(formula[at]);
    at += found?.text.length ?? 1;
  }
  return parts;
}

function Value(film, secret, state) {
  if (!film.isKnown(secret, state.step)) return h("i", {}, "not known yet");
  if (secret.value == null) return h("i", {}, "not recorded");
  const typed = secret.origin?.kind === "given" ? asText(secret.value) : null;
  return typed ? [`"${typed}" `, h("code", {}, secret.value)] : secret.value;
}

/** The text that these octets spell, if all of them are plain printable characters. */
function asText(hex) {
  const text = hex.replace(/../g, (pair) => String.fromCharCode(parseInt(pair, 16)));
  return /^[ -~]{4,}$/.test(text) ? text : null;
}

function Origin(film, secret, set) {
  const { message, sheet, field, text, kind } = secret.origin ?? {};
  if (message == null || !film.byNumber.has(message)) return secret.inputs.length && secret.step != null ? `step ${secret.step}` : text ?? kind ?? "";
  const place = film.byNumber.get(message).sheets[sheet]?.fields[field] ? [sheet, field] : null;
  return h("button", { type: "button", class: "link", title: "show the octets", onclick: () => set({ view: "octets", message, field: place }) }, `message ${message}`);
}

/** Secrets by the exchange in which they came to be. */
function sectionsOf(film) {
  const sections = film.exchanges.map((exchange) => ({ title: exchange.title, exchange, secrets: [] }));
  for (const secret of film.secrets) {
    const n = secret.origin?.message ?? film.newest(Math.max(1, secret.step ?? 1))?.n;
    (sections.find((section) => section.exchange === film.exchangeOf.get(n)) ?? sections[0])?.secrets.push(secret);
  }
  return sections.filter((section) => section.secrets.length);
}
