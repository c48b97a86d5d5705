// Each side's life: the states it goes through, one mark for every time it thought. A recording has none.

import { SIDES } from "./sides.js";

const OVER = "GONE";   // the last state of every machine
const TIMED = new Set(["RESEND", "GIVE_UP", "EXPIRE", "LEAVE"]);

/** The exchange under the SA that a step is about; null in phase 1, and for one that was never begun. */
export const exchangeIn = (frame, message) => frame.exchanges?.[frame.actor]?.[frame.about ?? message?.message_id] ?? null;

/** How a step ends for the one who thinks: it goes on, refuses, loses its patience, or has heard nothing new. */
export function kindOf(frame) {
  if (frame.rule === "REFUSE") return "refused";
  if (TIMED.has(frame.rule)) return "timer";
  return frame.rule ? "noted" : "went";
}

/**
 * All marks in the order of the steps: `name` is the state afterwards, `at` the message beside which it stands, and `how`
 * it stands there: where the arrow ends that caused it, level with the message that it says by itself, or alone.
 */
export function marksOf(film) {
  if (!film.live) return [];
  const marks = film.frames.map((frame, k) => {
    const heard = film.byNumber.get(frame.heard), said = film.byNumber.get(frame.said[0]), about = heard ?? said;
    const under = exchangeIn(frame, about);
    return {
      step: k + 1, side: frame.actor, frame, kind: kindOf(frame),
      name: under?.state ?? frame.states[frame.actor], ended: under?.state === OVER && frame.states[frame.actor] !== OVER ? { script: under.name, stays: frame.states[frame.actor] } : null,
      exchange: under ? { key: frame.about ?? about?.message_id, script: under.name, role: under.role } : { key: "", script: film.phase1, role: frame.actor },
      at: about?.n ?? null, how: heard ? "heard" : said ? "begins" : "alone",
      did: didIn(frame), waits: frame.waits?.[frame.actor] || "", timer: patience(frame),
    };
  });
  for (const side of SIDES) {
    const own = marks.filter((mark) => mark.side === side);
    own.forEach((mark, k) => {
      mark.awaits = own.slice(k + 1).find((next) => next.frame.row && next.frame.heard != null)?.frame.heard ?? null;
      mark.tight = own.some((each) => each !== mark && standsBelow(mark, each));
    });
  }
  return marks;
}

/** Does another state of the same side stand in the very next row? One that begins by itself stands above its own arrow. */
const standsBelow = (mark, each) => each.at > mark.at && each.at - (each.how === "begins" ? 1 : 0) - mark.at <= 1;

/** "hears 4, says 5": a step in two words. */
function didIn(frame) {
  const heard = frame.heard != null && (frame.rule === "REFUSE" ? `refuses ${frame.heard}` : `hears ${frame.heard}`);
  const said = frame.said.length > 0 && `${frame.rule === "RESEND" ? "timer: " : ""}says ${frame.said.join(", ")}`;
  const alone = !heard && !said && { GIVE_UP: "gives up", EXPIRE: "forgets", LEAVE: "forgets" }[frame.rule];
  return [heard, said, alone].filter(Boolean).join(", ") || "thinks";
}

/** Seconds until a side does something unasked. */
function patience(frame) {
  const due = frame.timers?.[frame.actor];
  return due == null ? null : Math.max(0, due - (frame.time ?? 0));
}

/** The life of one side in the exchange that a step is about: its machine, the rows that fired, the state it is in. */
export function lifeIn(film, side, step, script) {
  const until = film.marks.filter((mark) => mark.side === side && mark.step <= step && mark.exchange.script === script);
  const key = until.at(-1)?.exchange.key, own = until.filter((mark) => mark.exchange.key === key);
  let before = "START";
  const fired = own.map((mark) => {
    const one = { step: mark.step, before, row: mark.frame.row, rule: mark.frame.rule, after: mark.name };
    before = mark.name;
    return one;
  });
  return { role: own.at(-1)?.exchange.role ?? side, state: film.beginning(side) === "?" ? "?" : before, fired };
}

/** The name of a side's state at a step, and "" where nobody recorded it. */
export function stateAt(film, side, step) {
  if (!film.live) return "";
  const last = film.marks.filter((mark) => mark.side === side && mark.step <= step).at(-1);
  return last?.name ?? film.beginning(side);
}
