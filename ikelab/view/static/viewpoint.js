// Point of view: the same trace as one of the two, or a listener on the wire, can see it. Steps keep their numbers.

import { Film } from "./film.js";
import { knowledgeOf } from "./knowledge.js";
import { SIDES, other } from "./sides.js";

export const VIEWPOINTS = [
  { id: "everything", title: "Everything" },
  { id: "initiator", title: "Initiator" },
  { id: "responder", title: "Responder" },
  { id: "listener", title: "Listener" },
];

/** The film that somebody sees; `whole` is the one in which everything is to be seen. */
export function filmSeenBy(trace, who) {
  const whole = new Film(trace);
  if (who === "everything") return whole;
  const film = new Film({ ...trace, ...(who === "listener" ? heardBy(whole) : livedBy(whole, who)) });
  return Object.assign(film, { whole, viewpoint: who, unread: new Map(film.messages.filter((message) => message.from !== who && message.sheets.length > 1).map((message) => [message.n, closed(message)])) });
}

const UNSEEN = "?";

/** What one side lives through: its own thoughts, what it says and hears, the values it has. */
function livedBy(whole, who) {
  const known = knowledgeOf(whole), far = other(who);
  const mine = (map) => (map ? { ...map, [far]: null } : map);
  const reaches = (message) => message.from === who || !whole.live || message.heard_at != null;
  const frames = whole.frames.map((frame) => {
    const states = frame.states && { ...frame.states, [far]: UNSEEN };
    const exchanges = frame.exchanges && { ...frame.exchanges, [far]: {} }, waits = mine(frame.waits), timers = mine(frame.timers);
    const learned = { [who]: frame.learned?.[who] ?? [], [far]: [] };
    if (frame.actor === who || !whole.live) return { ...frame, states, exchanges, waits, timers, learned };
    const said = frame.said.length ? `Message ${frame.said.join(", ")} is on its way from the ${far}.` : `Nothing to be seen of the ${far}.`;
    return { ...frame, states, exchanges, waits, timers, learned, row: null, rule: null, refused: null, caption: { what: said, why: "What the other side thinks, this one can only guess from what it says." } };
  });
  const messages = whole.messages.map((message) => (!reaches(message) || !opens(message, known, who) ? closed(message) : message.from === who && whole.live ? { ...message, verified: [] } : message));
  return { frames, messages, secrets: kept(whole, (secret) => known.get(secret.name)[who]) };
}

/** Can they read what is under the lid? Of their own messages they know it anyway. */
const opens = (message, known, who) => message.from === who || message.sheets.slice(1).every((sheet) => !sheet.key || known.get(sheet.key)?.[who] != null);

/** What comes by on the wire: octets, lengths, and whatever follows from values that travel in clear. */
function heardBy(whole) {
  const known = knowledgeOf(whole);
  const frames = whole.frames.map((frame) => {
    const said = frame.said.map((n) => whole.byNumber.get(n));
    const what = said.map((message) => `Message ${message.n} comes by: ${message.sheets[0].octets.length / 2} octets, ${message.encrypted ? "encrypted" : "in clear"}.`).join(" ") || "Silence on the wire.";
    const why = said.some((message) => !message.encrypted) ? "A listener reads every field of it." : said.length ? "A listener sees cookies, exchange and length, and no payload." : "What the two think, a listener cannot hear.";
    return { ...frame, states: frame.states && { initiator: UNSEEN, responder: UNSEEN }, exchanges: {}, waits: {}, timers: {}, row: null, rule: null, refused: null, caption: { what, why }, learned: { initiator: [], responder: [] } };
  });
  return { frames, messages: whole.messages.map(closed), secrets: kept(whole, (secret) => known.get(secret.name).listener) };
}

/** A message of which only the octets on the wire are seen; what was verified inside, nobody outside knows. */
const closed = (message) => ({ ...message, sheets: message.sheets.slice(0, 1), chips: message.encrypted ? [] : message.chips, verified: [], decrypted: null, remarks: [] });

/** The values that this person comes to have, each since its step, and made in a way that this person can go. */
function kept(whole, since) {
  const named = new Set(whole.secrets.filter((secret) => since(secret) != null).map((secret) => secret.name));
  return whole.secrets.filter((secret) => named.has(secret.name)).map((secret) => {
    const way = [secret, ...(secret.also ?? [])].find(({ inputs }) => inputs.every((name) => named.has(name)));
    return { ...secret, step: since(secret), formula: way?.formula ?? "", inputs: way?.inputs ?? [], also: [] };
  });
}
