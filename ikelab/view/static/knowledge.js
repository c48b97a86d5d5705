// Who can know what since when, by rule: it was told, it can be read on the wire, or every input of it is known.

import { waysOf } from "./film.js";
import { SIDES, other } from "./sides.js";

const SURE = 4;   // octets from which the same octets in a field are no coincidence

/** Name of a value -> the step since which each person can have it. `leaked` is a value that the listener was told too. */
export function knowledgeOf(film, leaked = null) {
  const known = new Map(film.secrets.map((secret) => [secret.name, { ...film.learnedAt.get(secret.name) }]));
  const since = (name, person, step) => {
    const own = known.get(name);
    if (own && step != null && !(own[person] <= step)) own[person] = step;
  };
  for (const secret of film.secrets) {
    since(secret.name, "listener", readableSince(film, secret));
    if (secret.name === leaked) since(secret.name, "listener", secret.step ?? 0);
    if (secret.step === 0) for (const side of SIDES) if (known.get(secret.name)[side] != null) since(secret.name, side, 0);
    const message = film.byNumber.get(secret.origin?.message);
    if (message) since(secret.name, message.from, film.saidAt.get(message.n));
  }
  const ways = film.secrets.flatMap((secret) => waysOf(secret).map(({ inputs }) => ({ name: secret.name, inputs })));
  const heard = film.secrets.flatMap((secret) => hearingOf(film, secret));
  for (let changed = true, round = 0; changed && round < 20; round++) {
    changed = false;
    for (const { name, side, step, key } of heard) {
      const before = known.get(name)[side];
      if (key == null || known.get(key)[side] <= step) since(name, side, step);
      changed ||= known.get(name)[side] !== before;
    }
    for (const { name, inputs } of ways)
      for (const person of [...SIDES, "listener"]) {
        const before = known.get(name)[person], steps = inputs.map((input) => known.get(input)?.[person]);
        if (steps.every((step) => step != null)) since(name, person, Math.max(...steps));
        changed ||= known.get(name)[person] !== before;
      }
  }
  return known;
}

/** Where a value comes to whoever is told it: the step, and the key without which the message says nothing. */
function hearingOf(film, { name, origin }) {
  const message = film.byNumber.get(origin?.message), sheet = message?.sheets[origin.sheet];
  if (!sheet) return [];
  const step = film.live ? message.heard_at : film.saidAt.get(message.n), closed = origin.sheet > 0 && film.live;
  return step == null ? [] : [{ name, side: other(message.from), step, key: closed ? film.keyOf(sheet) : null }];
}

/** The step in which these octets first stand in clear in some field of a message. */
function readableSince(film, { value, origin }) {
  const at = origin?.sheet === 0 && film.byNumber.has(origin.message) ? [film.saidAt.get(origin.message)] : [];
  if (value?.length >= 2 * SURE)
    for (const message of film.messages) if (standsIn(message.sheets[0], value)) at.push(film.saidAt.get(message.n));
  return at.length ? Math.min(...at) : null;
}

const GENERIC_HEADER = 4;

function standsIn({ octets, fields }, value) {
  const size = value.length / 2;
  return fields.some((field) => (field.leaf && field.size === size && octets.startsWith(value, 2 * field.at)) || (field.kind === "payload" && field.size === size + GENERIC_HEADER && octets.startsWith(value, 2 * (field.at + GENERIC_HEADER))));
}
