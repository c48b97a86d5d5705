// A state on a side's rail, with what the side did to get there and which secrets it has since.

import { classes, describe, fill, h } from "./dom.js";

const SHOWN = 3;   // names of new secrets beside a state that has just fired

const WORDS = { refused: "refused", timer: "timer" };

/** One mark. `relation` of a step to it: later, now (the state a side is in), fired (the step itself) or past. */
export function Mark(film, mark, set) {
  const over = mark.ended && `${mark.ended.script} is over; the ISAKMP SA stays ${mark.ended.stays}`;
  const awaited = mark.waits && (mark.awaits == null ? "waits" : `awaits ${mark.awaits}`);
  const state = h("button", { type: "button", class: "state", tabindex: -1, onclick: () => set({ step: mark.step }) }, mark.ended ? `${initials(mark.ended.script)} ${mark.name}` : mark.name);
  const blind = mark.name === "?", did = h("span", { class: "did" }), keys = h("span", { class: "learned" });
  const node = h("div", { class: classes("mark", mark.kind, mark.how, blind && "blind"), "data-side": mark.side }, h("span", { class: "dot" }), state, did, keys);
  const secrets = newSecrets(film, mark.side, mark.step);
  let drawn = null;
  return {
    node, step: mark.step, side: mark.side,
    draw(relation) {
      if (relation === drawn) return;
      drawn = relation;
      for (const name of ["later", "past", "now", "fired"]) node.classList.toggle(name, name === relation);
      fill(did, blind ? "" : relation === "fired" ? [mark.did, over && h("span", { class: "over" }, `ISAKMP SA stays ${mark.ended.stays}`)] : relation === "now" && awaited ? [awaited, mark.timer != null && h("span", { class: "timer" }, `${mark.timer < 9.5 ? mark.timer.toFixed(1) : Math.round(mark.timer)} s`)] : "");
      describe(did, "title", over || (relation === "now" ? mark.waits : ""));
      fill(keys, relation !== "later" && Keys(film, secrets, relation === "fired" && !mark.tight ? SHOWN : 1, set));
      state.setAttribute("aria-current", relation === "fired" ? "step" : "false");
      describe(state, "aria-label", `${film.peers[mark.side].label}, step ${mark.step}: ${[mark.step > 0 && mark.did, WORDS[mark.kind], `state ${mark.name}`, over, relation === "later" && "still to come"].filter(Boolean).join("; ")}`);
    },
  };
}

/** "QM" for Quick Mode, as the names of its states begin. */
const initials = (script) => script.replace(/[^A-Z]/g, "");

/** The secrets one side has since a step: those that it computed first. */
export function newSecrets(film, side, step) {
  const known = (film.frame(step).learned?.[side] ?? []).map((name) => film.byName.get(name)).filter((secret) => secret?.secret);
  return [...known.filter((secret) => secret.inputs.length), ...known.filter((secret) => !secret.inputs.length)];
}

/** The first of them by name, the rest as a count; each a way to where it comes from. On a phone only one has a name. */
export function Keys(film, secrets, most, set) {
  if (!secrets.length) return null;
  const shown = secrets.slice(0, most), rest = secrets.slice(most), all = secrets.map((secret) => secret.label).join(", ");
  const key = (secret, when, text) => h("button", { type: "button", class: classes("key", when), tabindex: -1, title: `${all}: where they come from`, onclick: () => set({ view: "secrets", secret: secret.name, trail: [] }) }, text);
  const [first, ...others] = shown, counted = (count, when) => h("span", { class: when }, `+${count}`);
  return [
    key(first, null, first.label.split(",")[0]), others.map((secret) => key(secret, "if-wide", secret.label.split(",")[0])),
    secrets.length > 1 && key(secrets.at(-1), rest.length ? null : "if-narrow", [rest.length > 0 && counted(rest.length, "if-wide"), counted(secrets.length - 1, "if-narrow")]),
  ];
}
