// Both state machines, folded: the engine's own tables, laid out beforehand, coloured by what has happened.

import { badge, classes, describe, fill, h, keepInView } from "./dom.js";
import { MACHINES } from "./facts.js";
import { lifeIn } from "./life.js";
import { SIDES } from "./sides.js";

const LINE = 12;   // between the lines of a label
const CHARACTER = 6.8;   // the width of a capital

export function Machines(film, set, uid, level) {
  const names = Object.keys(MACHINES);
  const choice = names.map((name) => h("button", { type: "button", class: "choice", "aria-pressed": "false", onclick: () => set({ machine: name, edge: null }) }, name));
  const pair = h("div", { class: "pair", tabindex: 0, role: "group", "aria-label": "State machines" });
  const detail = h("div", { class: "detail", tabindex: 0, role: "group", "aria-label": "What makes it go on" });
  const node = h("div", { class: "machines" }, h("div", { class: "head" }, h(`h${level}`, { class: "spoken" }, "State machines"), h("div", { class: "choices", role: "group", "aria-label": "Exchange" }, choice)), pair, detail);
  const drawn = new Map();
  let acting = null;

  const machine = (side, script, role) => {
    const key = `${side} ${script} ${role}`;
    if (!drawn.has(key)) drawn.set(key, Machine(film, side, script, role, level, (edge) => set({ machine: script, edge: { side, id: edge } })));
    return drawn.get(key);
  };

  return {
    node,
    draw(state) {
      const mark = film.marks[state.step - 1], script = state.machine ?? mark?.exchange.script ?? (names.includes(film.phase1) ? film.phase1 : names[0]);
      choice.forEach((button, k) => button.setAttribute("aria-pressed", String(names[k] === script)));
      const own = mark?.exchange.script === script ? mark.side : null;
      const shown = SIDES.map((side) => {
        const life = lifeIn(film, side, state.step, script), drawing = machine(side, script, life.role);
        drawing.draw(life, state.step, own === side);
        return { side, life, drawing };
      });
      if (pair.firstChild !== shown[0].drawing.node || pair.lastChild !== shown[1].drawing.node) fill(pair, shown.map(({ drawing }) => drawing.node));
      const chosen = shown.find(({ side }) => side === (state.edge?.side ?? own ?? "initiator"));
      const fired = chosen.life.fired.at(-1)?.step === state.step ? chosen.drawing.edgeOf(chosen.life.fired.at(-1)) : null;
      const edge = chosen.drawing.edges.find((each) => each.id === state.edge?.id) ?? fired ?? chosen.drawing.waiting(chosen.life.state);
      shown.forEach(({ drawing }) => drawing.pick(drawing === chosen.drawing ? edge : null));
      fill(detail, Detail(film, script, chosen, edge, set));
      acting = own && shown.find(({ side }) => side === own).drawing.node;
      return true;
    },
    reveal() {
      keepInView(pair, acting, 0);
      keepInView(detail, detail.querySelector("[aria-pressed='true']"), 8);
    },
  };
}

/** The machine of one side in one exchange. */
function Machine(film, side, script, role, level, choose) {
  const { width, height, states, edges } = MACHINES[script][role];
  const label = h("b", {}), ways = edges.map((edge) => Way(edge, choose)), boxes = states.map((state) => Box(state, role));
  const picture = h("svg:svg", { class: "machine", role: "img", viewBox: `0 0 ${width} ${height}`, style: { width: `${width}px`, height: `${height}px` } }, ways.map((way) => way.node), boxes.map((box) => box.node));
  const node = h("div", { class: "role", "data-side": side }, h(`h${level + 1}`, {}, badge(side), label, role !== side && h("span", { class: "quiet" }, `as its ${role}`)), picture);
  const edgeOf = ({ before, row, rule }) => ways.find(({ edge }) => (row ? edge.fires.some((each) => each.row === row) : edge.before === before && edge.fires.some((each) => each.rule === rule)))?.edge;
  return {
    node, edges, edgeOf,
    /** What a state goes on by: its row, else whatever leads out of it. */
    waiting: (state) => edges.find((edge) => edge.before === state) ?? edges.at(-1),
    draw({ state, fired }, step, acting) {
      const been = new Set(["START", ...fired.map(({ after }) => after)]), last = acting && fired.at(-1)?.step === step ? fired.at(-1) : null;
      const taken = new Set(fired.map((one) => edgeOf(one)?.id)), just = last && edgeOf(last)?.id, known = film.live && state !== "?";
      for (const box of boxes) box.draw({ been: known && been.has(box.name), now: known && box.name === state, fired: Boolean(last) && box.name === state, refused: last?.rule === "REFUSE" && box.name === state });
      for (const way of ways) way.draw({ taken: taken.has(way.edge.id), just: way.edge.id === just, rule: way.edge.id === just ? last.rule : null, rules: new Set(fired.filter((one) => edgeOf(one)?.id === way.edge.id).map((one) => one.rule)) });
      fill(label, known ? state : "not recorded");
      const told = last ? ways.find(({ edge }) => edge.id === just)?.edge.lines.join(", ") : "";
      describe(picture, "aria-label", `${script}, ${role}: ${known ? `now in ${state}, has been in ${[...been].join(", ")}` : "its states are not recorded"}${told ? `; just fired: ${last.rule ?? told}` : ""}`);
    },
    pick(edge) { ways.forEach((way) => way.node.classList.toggle("picked", way.edge === edge)); },
  };
}

function Box({ name, x, y, width, height, done }, role) {
  const round = role === "initiator" ? height / 2 : 3;
  const box = (by) => h("svg:rect", { x: x - width / 2 + by, y: y - height / 2 + by, width: width - 2 * by, height: height - 2 * by, rx: Math.max(1, round - by) });
  const node = h("svg:g", { class: "node" }, h("svg:title", {}, name), box(0), done && h("svg:g", { class: "inner" }, box(3)), h("svg:text", { x, y: y + 4 }, name));
  return { name, node, draw: (looks) => Object.entries(looks).forEach(([look, yes]) => node.classList.toggle(look, yes)) };
}

function Way(edge, choose) {
  const { points, tip, label, lines } = edge, [start, ...rest] = points, d = `M${start}C${rest.join(" ")}`;
  const out = label.anchor === "end", said = lines.length > 1 || !edge.fires[0].row ? edge.fires.map((fires) => fires.rule) : lines;
  const top = label.y + 3.5 - (said.length - 1) * (out ? LINE : LINE / 2), wide = CHARACTER * Math.max(...said.map(({ length }) => length));
  const texts = said.map((words, k) => h("svg:text", { x: label.x, y: top + k * LINE, "text-anchor": label.anchor }, words));
  const veil = out && h("svg:rect", { class: "veil", x: label.x - wide - 2, y: top - 9, width: wide + 4, height: said.length * LINE - 1 });   // no other way is seen through the words
  const node = h("svg:g", { class: classes("way", !edge.fires[0].row && "shared"), onclick: () => choose(edge.id) },
    h("svg:path", { class: "reach", d }), h("svg:path", { class: "line", d }), h("svg:path", { class: "tip", d: arrowhead(points.at(-1), tip) }), veil, texts);
  return {
    edge, node,
    draw({ taken, just, rule, rules }) {
      node.classList.toggle("taken", taken);
      node.classList.toggle("just", just);
      node.classList.toggle("bad", rule === "REFUSE");
      texts.forEach((text) => {
        const name = text.textContent;
        text.classList.toggle("spoken-for", edge.fires[0].row ? taken : rules.has(name));
        text.classList.toggle("said", edge.fires[0].row ? just : just && rule === name);
      });
    },
  };
}

function arrowhead([x, y], [tipX, tipY]) {
  const along = [tipX - x, tipY - y], length = Math.hypot(...along) || 1, [ux, uy] = along.map((each) => each / length), half = 3.6;
  return `M${tipX} ${tipY}L${x - uy * half} ${y + ux * half}L${x + uy * half} ${y - ux * half}z`;
}

/** All edges of a machine as a list to choose from, and the chosen one in words. */
function Detail(film, script, { side, life, drawing }, edge, set) {
  const fired = new Map(life.fired.map((one) => [drawing.edgeOf(one)?.id, one.step]));
  const list = drawing.edges.map((each) => h("button", { type: "button", class: "edge", "aria-pressed": String(each === edge), onclick: () => set({ machine: script, edge: { side, id: each.id } }) },
    h("span", { class: "from-to" }, each.before === each.after ? `${each.before} again` : `${each.before} → ${each.after}`), h("span", { class: "quiet" }, fired.has(each.id) && `step ${fired.get(each.id)}`)));
  return [
    h("div", { class: "edges", role: "group", "aria-label": `Rows of the ${life.role}` }, list),
    h("div", { class: "edge-words" },
      !film.live && h("p", { class: "quiet" }, "A recording has messages and no thoughts: nobody wrote down in which state the two were. These are the machines that ikelab itself runs."),
      edge?.fires.map((fires) => (fires.row ? Row(fires) : Rule(fires, fires.rule === life.fired.at(-1)?.rule && fired.get(edge.id) === life.fired.at(-1).step)))),
  ];
}

const Row = ({ hears, checks, says, builds, rfc }) => h("dl", { class: "fires" },
  h("dt", {}, "hears"), h("dd", {}, hears ? h("code", {}, hears) : "nothing: it begins by itself"),
  checks.length > 0 && [h("dt", {}, "checks"), h("dd", {}, checks.map((words) => h("div", {}, words)))],
  h("dt", {}, "says"), h("dd", {}, says ? h("code", {}, says) : "nothing"),
  builds.length > 0 && [h("dt", {}, "builds"), h("dd", {}, builds.map((words) => h("div", {}, words)))],
  h("dt", {}, "clause"), h("dd", { class: "cite" }, rfc));

const Rule = ({ rule, when, does, rfc }, just) => h("p", { class: classes("rule", just && "fired-rule") }, h("code", {}, rule), `: ${when}? ${does}. `, h("span", { class: "cite" }, rfc));
