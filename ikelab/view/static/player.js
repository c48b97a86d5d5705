// The player: one state, a few parts that draw themselves from it, and the keys that change it.

import { classes, fill, h } from "./dom.js";
import { tellingField } from "./film.js";
import { Hellman } from "./hellman.js";
import { Machines } from "./machines.js";
import { Octets } from "./octets.js";
import { People } from "./people.js";
import { Secrets } from "./secrets.js";
import { Spine } from "./spine.js";
import { followTheme } from "./theme.js";
import { Bar, Caption, Transport } from "./transport.js";
import { VIEWPOINTS, filmSeenBy } from "./viewpoint.js";

/** The views of the panel, in the order of their tabs; keys 1, 2, … choose them. */
const VIEWS = [
  { id: "octets", title: "Octets", part: Octets },
  { id: "states", title: "States", part: Machines },
  { id: "secrets", title: "Secrets", part: Secrets },
  { id: "people", title: "Who knows", part: People },
  { id: "hellman", title: "Diffie-Hellman", part: Hellman },
];

/** What an outsider may set and hears about: the rest is for the player itself. */
export const SHARED = ["step", "view", "message", "field", "secret", "viewpoint"];

/**
 * Show a trace in `root`, which it takes over. `start` sets some of SHARED; `changed` hears of every change of them.
 * Nothing here asks anybody for anything: the trace is all there is.
 */
export function mount(root, trace, { start = {}, level = 2, changed = () => {} } = {}) {
  let film = filmSeenBy(trace, "everything");
  const uid = `ik${[...crypto.getRandomValues(new Uint32Array(2))].map((word) => word.toString(36)).join("")}`;
  const wanted = { step: 0, view: "octets", message: null, field: null, secret: null, viewpoint: "everything" };
  const own = { plumbing: false, unfolded: false, trail: [], machine: null, edge: null, deal: null, leaked: null };
  let started = false;

  const set = (patch) => {
    const before = { ...wanted };
    for (const [name, value] of Object.entries(patch)) {
      if (name in wanted) wanted[name] = value;
      else own[name] = value;
    }
    wanted.step = Math.round(Math.min(film.last, Math.max(0, Number(wanted.step) || 0)));
    if (wanted.step !== before.step && !("message" in patch)) wanted.message = null;
    if (wanted.message !== before.message || wanted.step !== before.step) own.unfolded = false;
    if (wanted.step !== before.step) Object.assign(own, { machine: null, edge: null });
    if ((wanted.message !== before.message || wanted.step !== before.step) && !("field" in patch)) wanted.field = null;
    if (!VIEWS.some(({ id }) => id === wanted.view)) wanted.view = before.view;
    if (!VIEWPOINTS.some(({ id }) => id === wanted.viewpoint)) wanted.viewpoint = before.viewpoint;
    if (wanted.viewpoint !== before.viewpoint) look(wanted.viewpoint);
    root.toggleAttribute("data-moving", started && wanted.step > before.step);   // motion only when stepping on
    draw();
    const news = Object.fromEntries(SHARED.filter((name) => String(wanted[name]) !== String(before[name])).map((name) => [name, wanted[name]]));
    if (Object.keys(news).length) changed(news);
  };

  /** What the parts draw: every wish that was left open is filled in. */
  const state = () => {
    const message = film.asRead(film.byNumber.get(wanted.message) ?? film.newest(wanted.step), wanted.step);
    const [sheet, index] = wanted.field ?? [];
    const field = !message ? null : message.sheets[sheet]?.fields[index] ? [sheet, index] : wanted.step === 0 ? [0, 0] : tellingField(message);
    return { ...own, step: wanted.step, view: wanted.view, viewpoint: wanted.viewpoint, message: message?.n ?? null, field, secret: film.byName.has(wanted.secret) ? wanted.secret : film.telling(wanted.step) };
  };

  const notice = h("div", { class: "notice", role: "status" }), scene = h("div", { class: "scene" }), bar = Bar(film, level, set);
  let parts = [];
  /** Build everything that depends on who is looking. */
  function look(viewpoint) {
    film = filmSeenBy(trace, viewpoint);
    const panel = Panel(film, set, uid, level + 1), stepping = [Transport(film, (step) => set({ step })), Caption(film)], spine = Spine(film, set);
    parts = [bar, ...stepping, spine, panel];
    root.dataset.viewpoint = viewpoint;
    fill(scene, stepping.map((part) => part.node), h("div", { class: classes("stage", film.live && "lives") }, spine.node, panel.node));
  }
  /** Everything is written first; then the parts that say that something moved bring it into sight: one layout for all. */
  const draw = () => {
    const now = state();
    parts.filter((part) => part.draw(now)).forEach((part) => part.reveal());
  };

  root.classList.add("ikelab-player");
  root.setAttribute("data-lm-suppress-shortcuts", "true");   // JupyterLab keeps its letters to itself while the focus is in here
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", `Negotiation: ${film.title}`);
  look(wanted.viewpoint);
  fill(root, bar.node, notice, scene, Legend(film.live));
  const keys = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const now = wanted.step, to = { ArrowRight: now + 1, ArrowLeft: now - 1, Home: 0, End: film.last }[event.key], view = VIEWS[Number(event.key) - 1];
    if (to != null) set({ step: to });
    else if (view) set({ view: view.id });
    else if (!["Enter", " ", "ArrowUp", "ArrowDown", "PageUp", "PageDown"].includes(event.key)) return;
    else return void event.stopPropagation();
    event.preventDefault();
    event.stopPropagation();
  };
  root.addEventListener("keydown", keys);
  const unfollow = followTheme(root);
  set(start);
  started = true;
  const resized = new ResizeObserver(() => { if (root.offsetWidth) parts.forEach((part) => part.reveal?.()); });
  resized.observe(root);
  return {
    set,
    /** Hear a key that was pressed elsewhere. */
    key: keys,
    /** Say something that concerns the whole player, such as that the kernel has stopped; "" takes it back. */
    notice(text) { fill(notice, text); },
    dispose() { resized.disconnect(); unfollow(); root.removeEventListener("keydown", keys); root.replaceChildren(); },
  };
}

function Panel(film, set, uid, level) {
  const views = VIEWS.map(({ id, title, part }, k) => {
    const made = part(film, set, `${uid}-${id}`, level);
    const tab = h("button", { type: "button", role: "tab", "data-title": title, id: `${uid}-tab-${id}`, "aria-controls": `${uid}-panel-${id}`, title: `${title} (${k + 1})`, onclick: () => set({ view: id }) }, title);
    const page = h("div", { class: "view", role: "tabpanel", id: `${uid}-panel-${id}`, "aria-labelledby": `${uid}-tab-${id}` }, made.node);
    return { id, made, tab, page };
  });
  const tabs = h("div", { class: "tabs", role: "tablist", "aria-label": "Views" }, views.map((view) => view.tab));
  tabs.addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key], here = views.findIndex((view) => view.tab === event.target);
    if (!by || here < 0) return;
    const to = views[(here + by + views.length) % views.length];
    set({ view: to.id });
    to.tab.focus();
    event.preventDefault();
    event.stopPropagation();
  });
  let seen = null;
  return {
    node: h("div", { class: "panel" }, tabs, views.map((view) => view.page)),
    draw(state) {
      let moved = state.view !== seen;
      seen = state.view;
      for (const { id, made, tab, page } of views) {
        const here = id === state.view;
        tab.setAttribute("aria-selected", String(here));
        tab.tabIndex = here ? 0 : -1;
        page.hidden = !here;
        if (here) moved = made.draw(state) || moved;
      }
      return moved;
    },
    reveal() {
      const shown = views.find(({ page }) => !page.hidden);
      tabs.scrollLeft = shown.tab.offsetLeft - (tabs.clientWidth - shown.tab.offsetWidth) / 2;
      shown.made.reveal();
    },
  };
}

const Legend = (live) => {
  const sign = (picture, text) => h("span", {}, picture, text);
  return h("div", { class: "foot" },
    sign(h("span", { class: "chip" }, "SA"), "covered by no checked hash"), sign(h("span", { class: "chip sealed" }, "SA", h("span", { class: "seal" }, "✓")), "authenticated"),
    sign(h("span", { class: "tray" }, h("span", { class: "chip" }, "ID")), "encrypted"), sign(h("span", { class: "key" }, "SKEYID"), "secret"), sign(h("span", { class: "key" }, "+4"), "4 more"),
    live && sign(h("span", { class: "timer" }, "30 s"), "until it acts by itself"),
    sign([h("kbd", {}, "←"), h("kbd", {}, "→")], "step"), sign([h("kbd", {}, "↑"), h("kbd", {}, "↓")], "field"), sign([VIEWS.map((_, k) => h("kbd", {}, k + 1))], "views"));
};
