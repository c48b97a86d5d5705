// A group of 16 bits: two exponents to choose, and a listener who simply tries them all.

import { badge, fill, h, icon } from "./dom.js";
import { GROUPS } from "./facts.js";

const TOY = Object.values(GROUPS).find((group) => group.word === "toy");
const SEARCH = 1600;   // milliseconds in which the counter runs through whatever it takes

export function Toy(uid, level) {
  const p = parseInt(TOY.prime, 16), g = TOY.generator, most = (p - 1) / 2 - 1;
  const power = (base, exponent) => { let result = 1; for (let square = base, left = exponent; left > 0; left = Math.floor(left / 2), square = (square * square) % p) if (left % 2) result = (result * square) % p; return result; };
  const chosen = { initiator: 12345, responder: 2718 };
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const tries = h("p", { class: "tries", role: "status" });
  let running = 0;

  const lane = (side, own) => {
    const slider = h("input", { type: "range", id: `${uid}-${side}`, min: 2, max: most, value: chosen[side], oninput: () => { chosen[side] = Number(slider.value); draw(); } });
    const says = h("p", {}), computes = h("p", {}), x = h("b", { class: "number-shown is-secret" });
    return { side, own, slider, says, computes, x, node: h("div", { class: "lane", "data-side": side }, h(`h${level + 1}`, {}, badge(side), side === "initiator" ? "Initiator" : "Responder"), h("label", { for: slider.id }, `private exponent x_${own} = `, x), slider, says, computes) };
  };
  const lanes = [lane("initiator", "i"), lane("responder", "r")];
  const search = h("button", { type: "button", class: "act", onclick: () => run() }, "search for x_i");
  const node = h("div", { class: "deal toy" },
    h("div", { class: "group" }, h("p", {}, h("b", {}, `p = ${p}, g = ${g}`), ": small enough to check by hand, and to break. Move the exponents.")),
    lanes.map((each) => each.node), h("div", { class: "equal" }),
    h("div", { class: "wiretap" }, h(`h${level + 1}`, {}, icon("eye"), "A listener on the wire"), h("p", { class: "has" }), h("p", {}, search), tries,
      h("p", { class: "quiet" }, `Each bit more doubles the work: this takes at most ${most} tries, an exponent of 256 bits about 2^255. Cleverer ways than counting exist, which is why a modp group needs 2048 bits and more.`)));
  const [equal, has] = [node.querySelector(".equal"), node.querySelector(".has")];

  function draw() {
    const said = Object.fromEntries(lanes.map(({ side }) => [side, power(g, chosen[side])]));
    for (const { side, own, says, computes, x, slider } of lanes) {
      const heard = said[side === "initiator" ? "responder" : "initiator"];
      fill(x, chosen[side]);
      slider.setAttribute("aria-valuetext", String(chosen[side]));
      fill(says, "says ", h("code", {}, `${g}^${chosen[side]} mod ${p} = ${said[side]}`));
      fill(computes, "computes ", h("code", {}, `${heard}^${chosen[side]} mod ${p} = `), h("b", { class: "number-shown is-secret" }, power(heard, chosen[side])));
    }
    fill(equal, icon("tick"), h("span", {}, h("b", {}, "The same number on both sides"), ", though nobody said it."));
    fill(has, `has p = ${p}, g = ${g}, ${said.initiator} and ${said.responder}, and wants the secret.`);
    cancelAnimationFrame(running);
    fill(tries);
  }

  function run() {
    const goal = power(g, chosen.initiator), heard = power(g, chosen.responder);
    let needed = 1;
    for (let now = g; now !== goal; now = (now * g) % p) needed++;
    const found = () => fill(tries, h("b", {}, `${needed} tries`), `: ${g}^${needed} mod ${p} = ${goal}, so x_i = ${needed}, and the secret is ${heard}^${needed} mod ${p} = `, h("b", { class: "number-shown is-secret" }, power(heard, needed)));
    cancelAnimationFrame(running);
    if (still.matches) return void found();
    const began = performance.now();
    const tick = (now) => {
      const done = Math.min(1, Math.max(0, now - began) / SEARCH), count = Math.max(1, Math.round(needed * done));
      if (done >= 1) return void found();
      fill(tries, `${g}^${count} mod ${p} = ${power(g, count)}: not it`);
      running = requestAnimationFrame(tick);
    };
    running = requestAnimationFrame(tick);
  }
  draw();
  return { node, draw() {} };
}
