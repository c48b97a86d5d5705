// Who knows what: every value, and the step since which each side and a listener on the wire can have it.

import { Title, badge, classes, describe, fill, h, icon, titled } from "./dom.js";
import { knowledgeOf } from "./knowledge.js";
import { SIDES } from "./sides.js";

const PEOPLE = [...SIDES, "listener"];

export function People(film, set, uid, level) {
  const whole = film.whole ?? film, blind = (person) => film.viewpoint && person !== film.viewpoint && person !== "listener";
  const word = (name) => h("span", { class: "word" }, name);
  const heads = { initiator: [badge("initiator"), word("Initiator")], responder: [badge("responder"), word("Responder")], listener: [icon("eye"), word("Listener")] };
  const summary = h("p", { class: "summary" });
  const leakable = whole.secrets.filter((secret) => secret.secret && secret.step != null);
  const leak = h("select", { id: `${uid}-leak`, onchange: () => set({ leaked: leak.value || null }) }, h("option", { value: "" }, "nothing"), leakable.map((secret) => h("option", { value: secret.name }, titled(secret))));
  const rows = whole.secrets.map((secret) => Person(secret, set, film.byName.has(secret.name)));
  const table = h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, h("span", { class: "what-since" }, "value", h("small", {}, "known since step"))), PEOPLE.map((person) => h("th", { scope: "col", class: person }, h("span", {}, heads[person]))))), h("tbody", {}, rows.map((row) => row.node)));
  const node = h("div", { class: "people" },
    h("div", { class: "head" }, h(`h${level}`, {}, "Who knows what"), h("label", { class: "leak", for: leak.id }, "if the listener also had ", leak)),
    h("div", { class: "table", tabindex: 0, role: "group", "aria-label": "Who knows what since which step" }, table), summary);
  let drawn = null, known = null;
  return {
    node,
    draw(state) {
      const key = `${state.leaked}`;
      if (key !== drawn) known = knowledgeOf(whole, state.leaked);
      drawn = key;
      leak.value = state.leaked ?? "";
      const honest = state.leaked ? knowledgeOf(whole) : known;
      rows.forEach((row) => row.draw(known.get(row.name), honest.get(row.name), state.step, blind));
      const has = whole.secrets.filter(({ name }) => known.get(name).listener <= state.step), deep = has.filter((secret) => secret.secret);
      const told = state.leaked && titled(whole.byName.get(state.leaked)), opened = deep.filter(({ name }) => name !== state.leaked).length;
      fill(summary, icon("eye"), h("span", {}, `At step ${state.step} somebody who hears every message has ${has.length} of these ${whole.secrets.length} values, `, deep.length > 0 && [h("b", {}, `${deep.length} of them secret`), told ? `: ${told}, which it was given, and ${opened || "no"} more that follow${opened === 1 ? "s" : ""} from it.` : "."], deep.length === 0 && "and none that is secret."));
      return false;
    },
    reveal() {},
  };
}

function Person(secret, set, named) {
  const cells = PEOPLE.map((person) => h("td", { class: person }));
  const node = h("tr", { class: classes(secret.secret && "is-secret") }, h("th", { scope: "row" }, h("button", { type: "button", title: named ? "where it comes from" : null, onclick: () => named && set({ view: "secrets", secret: secret.name, trail: [] }) }, Title(secret))), cells);
  let drawn = "";
  return {
    name: secret.name, node,
    draw(known, honest, step, blind) {
      const looks = PEOPLE.map((person) => (blind(person) ? "?" : known[person] <= step ? `${known[person]} ${known[person] === step && step > 0 ? "fresh" : ""} ${person === "listener" && !(honest[person] <= step) ? "leaked" : ""}` : ""));
      if (looks.join() === drawn) return;
      drawn = looks.join();
      cells.forEach((cell, k) => {
        const [since, ...marks] = looks[k].split(" ");
        fill(cell, since === "?" ? h("span", { class: "unseen" }, "?") : h("span", { class: classes("since", since && "known", ...marks) }, since || "–"));
        describe(cell, "aria-label", since === "?" ? "cannot be seen from here" : since ? `since step ${since}` : "not known");
      });
    },
  };
}
