// The two who talk.

export const SIDES = ["initiator", "responder"];
export const other = (side) => (side === "initiator" ? "responder" : "initiator");
