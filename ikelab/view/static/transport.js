// The bar, the controls that move through time, and the words for where we are.

import { badge, classes, fill, h, icon } from "./dom.js";
import { kindOf } from "./life.js";
import { VIEWPOINTS } from "./viewpoint.js";

const CROWDED = 48;   // more steps than this: thin ticks

export function Bar(film, level, set) {
  const choices = VIEWPOINTS.map(({ id, title }) => h("button", { type: "button", role: "radio", class: classes("choice", id === "listener" && "spy"), "aria-checked": "false", tabindex: -1, onclick: () => set({ viewpoint: id }) }, id === "listener" && icon("eye"), title));
  const group = h("div", { class: "choices viewpoint", role: "radiogroup", "aria-label": "Point of view" }, choices);
  group.addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!by) return;
    const to = (choices.findIndex((choice) => choice.tabIndex === 0) + by + choices.length) % choices.length;
    set({ viewpoint: VIEWPOINTS[to].id });
    choices[to].focus();
    event.preventDefault();
    event.stopPropagation();
  });
  return {
    node: h("div", { class: "bar" }, h(`h${level}`, { class: "title" }, film.title), group),
    draw(state) {
      choices.forEach((choice, k) => {
        const chosen = VIEWPOINTS[k].id === state.viewpoint;
        choice.setAttribute("aria-checked", String(chosen));
        choice.tabIndex = chosen ? 0 : -1;
      });
    },
  };
}

export function Transport(film, go) {
  const button = (name, label, to) =>
    h("button", { type: "button", class: name === "next" ? "next" : null, title: label, "aria-label": name === "next" ? null : label, onclick: () => go(to()) }, name === "next" && "Next", icon(name));
  let at = 0;
  const first = button("first", "First step (Home)", () => 0);
  const back = button("back", "Back (left arrow)", () => at - 1);
  const next = button("next", "Next step (right arrow)", () => at + 1);
  const last = button("last", "Last step (End)", () => film.last);
  const slider = h("input", { type: "range", min: 0, max: film.last, value: 0, "aria-label": "Step", oninput: () => go(Number(slider.value)) });
  const place = (k) => ({ "--at": film.last ? k / film.last : 0 });
  const ticks = Array.from({ length: film.last + 1 }, (_, k) => {
    const frame = film.frame(k);
    return h("span", { class: classes("tick", k > 0 && kindOf(frame)), "data-side": frame.actor, style: place(k) });
  });
  const thumb = h("span", { class: "thumb" });
  const count = h("b", {}), clock = h("div", { class: "clock" });
  const node = h("div", { class: "drive" },
    h("div", { class: "keys" }, first, back, next, last),
    h("div", { class: classes("scrub", film.last > CROWDED && "crowded") }, h("div", { class: "ticks", "aria-hidden": "true" }, ticks, thumb), slider),
    h("div", { class: "count" }, h("span", { class: "word" }, "step "), count, ` of ${film.last}`, clock));
  return {
    node,
    draw(state) {
      at = state.step;
      ticks.forEach((tick, k) => tick.classList.toggle("done", k <= at));
      const frame = film.frame(at);
      thumb.className = classes("thumb", at > 0 && kindOf(frame));
      thumb.dataset.side = frame.actor ?? "";
      thumb.style.setProperty("--at", place(at)["--at"]);
      slider.value = at;
      slider.setAttribute("aria-valuetext", `${at} of ${film.last}`);
      count.textContent = at;
      clock.textContent = frame.time == null ? "" : `${frame.time.toFixed(3)} s`;
      for (const [control, idle] of [[first, at === 0], [back, at === 0], [next, at === film.last], [last, at === film.last]])
        control.toggleAttribute("data-idle", idle), control.setAttribute("aria-disabled", String(idle));
    },
  };
}

export function Caption(film) {
  const who = h("span", { class: "who" }), what = h("div", { class: "what" }), why = h("div", { class: "why" });
  const status = h("div", { class: "spoken", role: "status", "aria-live": "polite" });
  const more = h("button", { type: "button", class: "more", title: "Why it matters", "aria-label": "Why it matters", "aria-expanded": "false", onclick: () => more.setAttribute("aria-expanded", String(node.classList.toggle("told"))) }, icon("down"));
  const rooms = longestCaptions(film).map((words) => h("div", { class: "room", "aria-hidden": "true" }, h("div", { class: "what-room" }, words.what), h("div", { class: "why-room" }, words.why)));
  let drawn = -1;
  const node = h("div", { class: "caption" }, who, more, what, why, rooms, status);
  return {
    node,
    draw(state) {
      if (state.step === drawn) return;
      drawn = state.step;
      const frame = film.frame(drawn), words = film.caption(drawn);
      fill(who, frame.actor && badge(frame.actor));
      fill(what, words.what);
      fill(why, words.why);
      fill(status, `Step ${drawn} of ${film.last}. ${frame.said.map((n) => `Message ${n}, ${film.byNumber.get(n)?.exchange_name ?? ""}. `).join("")}${words.what} ${words.why}`);
    },
  };
}

const CANDIDATES = 5;   // one of the longest by their letters takes the most room, whatever the width

/** The captions that may take the most room: all others leave as much, so that nothing below them moves. */
function longestCaptions(film) {
  const captions = film.frames.map((_, k) => film.caption(k + 1));
  const longest = (length) => [...captions].sort((one, two) => length(two) - length(one)).slice(0, CANDIDATES);
  return [...new Set([...longest(({ what, why }) => 1.3 * what.length + why.length), ...longest(({ what }) => what.length)])];
}
