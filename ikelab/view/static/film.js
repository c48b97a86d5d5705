// Questions to a trace: which step said a message, who has learned what by then, which hash covers which payload.

import { marksOf } from "./life.js";
import { SIDES } from "./sides.js";

const INFORMATIONAL = 5;          // an exchange
const HASH = 8, SIGNATURE = 9, VENDOR_ID = 13;   // payloads

export class Film {
  constructor(trace) {
    Object.assign(this, { title: trace.title, about: trace.about, peers: trace.peers, messages: trace.messages, frames: trace.frames, secrets: withTitles(trace.secrets).map((secret) => withPlace(secret, trace.messages)) });
    this.last = this.frames.length;
    this.byNumber = new Map(this.messages.map((message) => [message.n, message]));
    this.byName = new Map(this.secrets.map((secret) => [secret.name, secret]));
    this.live = this.frames.some((frame) => frame.states);
    this.saidAt = new Map(this.frames.flatMap((frame, k) => frame.said.map((n) => [n, k + 1])));
    for (const message of this.messages)   // what nobody said, the network said again
      if (!this.saidAt.has(message.n)) this.saidAt.set(message.n, this.saidAt.get(message.retransmission_of) ?? message.heard_at ?? this.last + 1);
    this.exchanges = exchangesOf(this.messages);
    this.exchangeOf = new Map(this.exchanges.flatMap((exchange) => exchange.messages.map((message) => [message.n, exchange])));
    this.phase1 = this.exchanges.find(({ messages }) => /^0*$/.test(messages[0].message_id))?.messages[0].exchange_name ?? "";
    this.marks = marksOf(this);
    this.seals = sealsOf(this.messages);
    this.learnedAt = this.firstLearned();
    this.sidesDiffer = [...this.learnedAt.values()].some((first) => first.initiator !== first.responder);   // in a recording both learn all at once
  }

  /** What happens at a step. Step 0 comes before anything is said. */
  frame(step) {
    return step > 0 ? this.frames[step - 1] : { actor: null, said: [], learned: {}, caption: { what: "Nothing has been said yet.", why: this.about } };
  }

  /** The words for a step; a frame without a caption is told by its message. */
  caption(step) {
    const frame = this.frame(step);
    const said = frame.said.map((n) => `Message ${n}: ${this.byNumber.get(n)?.summary ?? ""}`).join("; ");
    return { what: frame.caption?.what || said, why: frame.caption?.why || "" };
  }

  /** The state that a side of a run is in before anything is said. */
  beginning(side) {
    return this.frames[0]?.states?.[side] === "?" ? "?" : "START";
  }

  /** The steps between a message and the next one in which nobody hears or says anything. */
  silentAfter(n) {
    return this.marks.filter((mark) => mark.how === "alone" && (this.newest(mark.step)?.n ?? n) === n).map((mark) => mark.step);
  }

  /** The newest message at a step: what was said, else what was heard; before the first one, the first one. */
  newest(step) {
    for (let k = Math.min(step, this.last); k > 0; k--) {
      const n = this.frames[k - 1].said.at(-1) ?? this.frames[k - 1].heard;
      if (n != null) return this.byNumber.get(n);
    }
    return this.messages[0] ?? null;
  }

  /** Equal payloads in a row are one chip with a count. */
  chips(message) {
    const grouped = [];
    message.chips.forEach((chip, k) => {
      const before = grouped.at(-1);
      if (before && before.label === chip.label) before.members.push(k);
      else grouped.push({ label: chip.label, members: [k] });
    });
    return grouped;
  }

  /** The verdicts that cover all of these chips and are out by this step. */
  sealed(message, members, step) {
    const each = members.map((k) => (this.seals.get(`${message.n}.${k}`) ?? []).filter((seal) => this.checkedAt(this.byNumber.get(seal.message)) <= step));
    return each.every((seals) => seals.length) ? each[0] : [];
  }

  /** The step in which the hashes of a message were checked: in a run when it was heard, in a recording at once. */
  checkedAt(message) {
    return message.heard_at ?? this.saidAt.get(message.n);
  }

  /** A message as it can be read at a step: from one side's point of view nobody opens what has not come yet. */
  asRead(message, step) {
    return message && this.checkedAt(message) > step ? this.unread?.get(message.n) ?? message : message;
  }

  isKnown(secret, step) {
    return secret.step != null && secret.step <= step;
  }

  firstLearned() {
    const first = new Map();
    this.frames.forEach((frame, k) => {
      for (const side of SIDES)
        for (const name of frame.learned?.[side] ?? []) {
          if (!first.has(name)) first.set(name, {});
          first.get(name)[side] ??= k + 1;
        }
    });
    return first;
  }

  /** The secrets made from this one. */
  uses(name) {
    return this.secrets.filter((secret) => waysOf(secret).some(({ inputs }) => inputs.includes(name))).map((secret) => secret.name);
  }

  /** The name of the key that opens a sheet, as far as the trace lists it. */
  keyOf(sheet) {
    const held = this.secrets.find((secret) => secret.value != null && secret.value === sheet.key_value) ?? this.byName.get(sheet.key);
    return held?.name ?? null;
  }

  /** Everything this secret is made from, down to what was given, drawn or received. */
  roots(name) {
    const seen = new Set();
    const walk = (at) => { for (const input of this.byName.has(at) ? waysOf(this.byName.get(at)).flatMap(({ inputs }) => inputs) : []) if (!seen.has(input)) { seen.add(input); walk(input); } };
    walk(name);
    return seen;
  }

  /** The secret most worth showing at a step: the first that this step made computable, else the last that was. */
  telling(step) {
    const made = this.secrets.filter((secret) => secret.secret && secret.inputs.length && this.isKnown(secret, step));
    const newest = Math.max(...made.map((secret) => secret.step));
    return (made.find((secret) => secret.step === newest) ?? this.secrets[0])?.name ?? null;
  }

  /** The secrets whose octets stand in this field. */
  secretsIn(message, sheet, index) {
    const field = message.sheets[sheet]?.fields[index];
    return this.secrets.filter((secret) => {
      const origin = secret.origin;
      if (!origin || origin.message !== message.n || origin.sheet !== sheet || origin.field == null) return false;
      const place = message.sheets[sheet].fields[origin.field];
      return place && (origin.field === index || (!field.leaf && contains(field, place) && !place.leaf && field.size === place.size));
    });
  }

  /** Does this payload carry the secret or one of the values it is made from? */
  feeds(message, chip, names) {
    const carrier = message.sheets[chip.sheet]?.fields[chip.field];
    return names.some((name) => {
      const origin = this.byName.get(name)?.origin;
      const place = origin?.message === message.n && origin.sheet === chip.sheet ? message.sheets[origin.sheet]?.fields[origin.field] : null;
      return Boolean(place && carrier && contains(carrier, place));
    });
  }
}

/** Does the outer field hold every octet of the inner one? */
export const contains = (outer, inner) => outer.at <= inner.at && inner.at + inner.size <= outer.at + outer.size;

/** Indices of the fields directly inside one field, or of the outermost ones for -1. */
export const childrenOf = (fields, parent) => fields.flatMap((field, k) => (field.parent === parent ? [k] : []));

/** Indices from the outermost field down to this one. */
export function pathTo(fields, index) {
  const path = [];
  for (let k = index; k >= 0 && path.length < 32; k = fields[k].parent) path.unshift(k);
  return path;
}

/** Does this group already say, in its own row, what one of its parts says? An attribute and its value do. */
export function saysItAll(fields, index) {
  const group = fields[index], parts = childrenOf(fields, index).map((k) => fields[k]);
  return Boolean(group?.kind === "group" && group.text && parts.every((part) => part.leaf) && parts.some((part) => part.text === group.text));
}

/** Is this group nothing but a wrapper of one part, which says it better? */
export function onlyWraps(fields, index) {
  const parts = fields[index].leaf ? [] : childrenOf(fields, index);
  return fields[index].kind === "group" && parts.length === 1 && fields[parts[0]].size === fields[index].size;
}

/** The field a reader most likely wants to see first: a proof, a public value, the innermost choice; not in header or badge. */
export function tellingField(message) {
  for (let sheet = message.sheets.length - 1; sheet >= 0; sheet--) {
    const fields = message.sheets[sheet].fields;
    const badges = message.chips.filter((chip) => chip.sheet === sheet && chip.type === VENDOR_ID).map((chip) => chip.field);
    const isIn = (role) => (field, index) => {
      if (!field.leaf || field.role !== role) return false;
      const root = pathTo(fields, index)[0];
      return fields[root].kind !== "header" && !badges.includes(root);
    };
    const leaf = (role) => fields.findIndex(isIn(role));
    const deepest = Math.max(...fields.filter(isIn("choice")).map((field) => field.depth));
    const choice = fields.findIndex((field, index) => field.depth === deepest && isIn("choice")(field, index));
    const chosen = choice >= 0 && saysItAll(fields, fields[choice].parent) ? fields[choice].parent : choice;
    const news = fields.findIndex((field) => field.name === "Notify Message Type");
    const found = [leaf("proof"), leaf("public"), news >= 0 && chosen >= 0 ? news : chosen, leaf("identity"), leaf("cipher")].find((index) => index >= 0);
    if (found != null) return [sheet, found];
  }
  return message.sheets[0]?.fields.length ? [0, 0] : null;
}

/** Every way in which a value was computed; one that was not has none. */
export const waysOf = (secret) => [secret, ...(secret.also ?? [])].filter(({ inputs }) => inputs.length);

/** What each value is called where all stand together: its label, and where two have the same, whose or of what it is. */
function withTitles(secrets) {
  const named = new Set(secrets.map(({ name }) => name)), count = new Map();
  for (const { label } of secrets) count.set(label, (count.get(label) ?? 0) + 1);
  return secrets.map((secret) => {
    const { name, label } = secret;
    if (count.get(label) === 1 || !name.startsWith(label)) return { ...secret, whose: "" };
    return { ...secret, whose: named.has(`${name} (responder)`) ? `${name.slice(label.length)} (initiator)`.trim() : name.slice(label.length).trim() };
  });
}

/** A hash is computed and then travels: the field in which it does. */
function withPlace(secret, messages) {
  if (secret.origin?.message != null || !secret.value) return secret;
  for (const message of messages)
    for (const chip of message.chips) {
      if (chip.label !== secret.label) continue;
      const { fields, octets } = message.sheets[chip.sheet], carrier = fields[chip.field];
      const field = fields.findIndex((each) => each.leaf && contains(carrier, each) && each.size === secret.value.length / 2 && octets.startsWith(secret.value, 2 * each.at));
      if (field >= 0) return { ...secret, origin: { ...secret.origin, message: message.n, sheet: chip.sheet, field } };
    }
  return secret;
}

function exchangesOf(messages) {
  const exchanges = [];
  for (const message of messages) {
    const key = message.exchange === INFORMATIONAL ? "informational" : `${message.exchange} ${message.message_id}`;
    const named = message.exchange === INFORMATIONAL || /^0*$/.test(message.message_id) ? message.exchange_name : `${message.exchange_name} ${message.message_id}`;
    if (exchanges.at(-1)?.key !== key) exchanges.push({ key, title: named, messages: [] });
    exchanges.at(-1).messages.push(message);
  }
  return exchanges;
}

/** "message.chip" -> the verdicts that cover it. A proof that names nothing it covers vouches for itself alone. */
function sealsOf(messages) {
  const seals = new Map();
  for (const message of messages)
    for (const verdict of message.verified ?? []) {
      if (verdict.ok !== true) continue;
      const own = message.chips.flatMap((chip, k) => (chip.type === HASH || chip.type === SIGNATURE ? [{ message: message.n, chip: k }] : []));
      for (const { message: n, chip } of verdict.covers ?? own) {
        const key = `${n}.${chip}`;
        seals.set(key, [...(seals.get(key) ?? []), { name: verdict.name, text: verdict.text, message: message.n }]);
      }
    }
  return seals;
}
