// One message of the ladder: its payloads above its line, what became of it on the line.

import { classes, describe, fill, h, icon, octetsOf } from "./dom.js";
import { Keys, newSecrets } from "./mark.js";
import { SIDES, other } from "./sides.js";

export function Message(film, message, cells, set) {
  const at = film.saidAt.get(message.n), open = message.sheets.length > 1, from = message.from;
  const chips = film.chips(message).map((group) => Chip(film, message, group));
  const size = message.sheets[0].octets.length / 2;
  const lock = h("span", { class: "lock" });
  const within = chips.length ? chips.map((chip) => chip.node) : h("span", { class: "chip" }, message.encrypted ? octetsOf(size - 28) : message.summary);
  const became = tag(message);
  const button = h("button", { type: "button", class: "message", tabindex: -1, onclick: () => set({ view: "octets", message: message.n, field: null, ...(now < at ? { step: at } : {}) }) },
    h("span", { class: "chips" }, message.encrypted ? h("span", { class: "tray" }, lock, within) : within),
    h("span", { class: "wire" }), h("span", { class: "number" }, message.n), became);
  const sees = (step) => film.asRead(message, step).sheets.length > 1;
  let now = 0, drawn = "";
  const gutters = SIDES.map((side) => h("div", { class: "gutter", "data-side": side }, film.live ? cells[side] : h("div", { class: "learned" }, Keys(film, newSecrets(film, side, at), 1, set))));
  const refused = message.error || message.verified?.some((verdict) => verdict.ok === false);
  const node = h("div", { class: classes("row rails", (message.retransmission_of != null || message.fate === "repeated") && "repeat", refused && "refused", ["lost", "altered"].includes(message.fate) && message.fate), "data-from": from }, gutters[0], button, gutters[1]);
  return {
    message, node, button,
    draw(state, feeding) {
      now = state.step;
      const mode = now < at ? "later" : now === at ? "now" : "past";
      const picked = state.view === "octets" && state.message === message.n;
      const sealed = chips.map((chip) => chip.draw(now, feeding)), whole = message.encrypted && chips.length > 0 && sealed.every(Boolean);
      const judged = film.checkedAt(message) <= now;
      const look = [mode, picked, judged, ...sealed].join();
      if (look === drawn) return;
      drawn = look;
      for (const name of ["later", "now", "past"]) node.classList.toggle(name, name === mode);
      node.classList.toggle("picked", picked);
      node.classList.toggle("whole", whole);
      node.classList.toggle("unjudged", !judged);
      fill(lock, icon(sees(now) ? "open" : "closed"), whole && icon("tick"));
      describe(lock, "title", sees(now) ? "encrypted, opened with the keys of this trace" : open ? "encrypted, not here yet" : "encrypted, no key");
      button.setAttribute("aria-current", String(picked));
      const payloads = chips.map((chip, k) => `${chip.said}${sealed[k] ? " authenticated" : ""}`).join(", ");
      describe(button, "aria-label", `Message ${message.n} from ${from} to ${other(from)}, ${octetsOf(size)}${message.encrypted ? ", encrypted" : ""}: ${payloads || message.summary}${mode === "later" ? "; not sent yet" : verdicts(message, judged)}`);
    },
  };
}

/** Why the answer to an offer stays dashed: the proofs of phase 1 take in what was offered, and not what was chosen. */
export const NEVER = "Not authenticated, and never will be: HASH_I and HASH_R cover the initiator's SA payload alone (SAi_b, RFC 2409 §5).";
export const isAnswered = (message, label) => label === "SA" && message.from === "responder" && /^0*$/.test(message.message_id);

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
        describe(node, "title", seals.length ? `authenticated: covered by ${by}` : isAnswered(message, label) ? NEVER : "not authenticated: no hash that covers it has been checked yet");
        fill(seal, seals.length > 0 && icon("tick"));
      }
      return seals.length > 0;
    },
  };
}

const verdicts = (message, judged) => [fateInWords(message), ...(judged ? message.verified ?? [] : []).map((verdict) => `${verdict.name} ${word(verdict)}`)].filter(Boolean).map((words) => `; ${words}`).join("");
const word = (verdict) => (verdict.ok === true ? "verified" : verdict.ok === false ? "does not verify" : "noted");

/** What the network did to a message, in words; "" if it did nothing. */
export function fateInWords(message) {
  if (message.fate === "lost") return "lost on the way";
  if (message.fate === "altered") return `${changed(message)} on the way`;
  if (message.fate === "repeated") return "a copy that the network made";
  return message.retransmission_of != null ? "same octets again" : "";
}

/** "1 bit altered": how much of a message is no longer what was sent. */
function changed(message) {
  const changes = message.changed ?? [], octets = changes.reduce((sum, { size }) => sum + Math.abs(size), 0);
  const bits = changes.reduce((sum, { at, size, was }) => sum + bitsBetween(message.sheets[0].octets.slice(2 * at, 2 * (at + size)), was), 0);
  return bits === 1 ? "1 bit altered" : `${octetsOf(octets)} altered`;
}

function bitsBetween(one, two) {
  if (one.length !== two.length) return Infinity;
  let bits = 0;
  for (let k = 0; k < one.length; k += 2)
    for (let left = parseInt(one.slice(k, k + 2), 16) ^ parseInt(two.slice(k, k + 2), 16); left; left &= left - 1) bits++;
  return bits;
}

/** What happened to the message, in words on its line. */
function tag(message) {
  const said = (kind, sign, words, title) => h("span", { class: classes("tag", kind), title }, icon(sign), words);
  const failed = message.verified?.find((verdict) => verdict.ok === false);
  const passed = message.verified?.find((verdict) => verdict.ok === true);
  if (message.fate === "lost") return said("bad", "cross", "lost", fateInWords(message));
  if (message.fate === "altered") return said("spy", "pen", changed(message), fateInWords(message));
  if (message.fate === "repeated") return said("", "again", "copied on the way", fateInWords(message));
  if (message.retransmission_of != null) return said("", "again", "same octets again");
  if (failed) return said("bad verdict-tag", "cross", failed.name, failed.text);
  if (message.error) return said("bad", "cross", "unreadable", message.error);
  if (message.decrypted === false) return said("bad", "cross", "does not open", (message.remarks ?? []).join(" "));
  if (passed) return said("verdict-tag", "tick", passed.name, passed.text);
  const noted = message.verified?.[0];
  return noted ? said("verdict-tag", "note", noted.name, noted.text) : null;
}
