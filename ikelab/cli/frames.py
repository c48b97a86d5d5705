"""What `ikelab dissect --json` prints of a frame: the shapes that programs rely on."""

from __future__ import annotations

from ikelab.follow import Followed, FollowedPacket
from ikelab.timeline.packets import sheets_of_packet
from ikelab.timeline.recorded import labels_of
from ikelab.timeline.sheets import sheets
from ikelab.wire.payloads import Notification

Shape = dict[str, object]


def shape_of(followed: Followed | FollowedPacket, *, with_sheets: bool) -> Shape:
    """The JSON object of a frame; with its octets and fields as a trace has them, if they are asked for."""
    if isinstance(followed, FollowedPacket):
        shape = _packet(followed)
        return shape | {"sheets": sheets_of_packet(followed)} if with_sheets else shape
    shape = _message(followed)
    return shape | {"sheets": sheets(followed, labels_of(followed))} if with_sheets else shape


def _message(followed: Followed) -> Shape:
    header = followed.message.header
    payloads = followed.inside.payloads
    verified: Shape = dict(followed.verified)
    if followed.nat_d:
        verified["NAT-D"] = list(followed.nat_d)
    shape: Shape = {
        "frame": followed.heard.frame,
        "exchange": header.exchange if header else None,
        "cookie_i": header.cookie_i.hex() if header else None,
        "cookie_r": header.cookie_r.hex() if header else None,
        "message_id": f"{header.message_id:08x}" if header else None,
        "encrypted": followed.message.encrypted,
        "decrypted": followed.decrypted,
        "payloads": [payload.type for payload in payloads],
        "notify": [payload.notify for payload in payloads if isinstance(payload, Notification)],
        "verified": verified,
        "retransmission_of": followed.retransmission_of,
        "remarks": list(followed.remarks),
        "error": None if followed.error is None else str(followed.error),
        "from": followed.sender,
    }
    return shape | ({"reassembled": True, "fragments": list(followed.fragments)} if followed.fragments else {})


def _packet(packet: FollowedPacket) -> Shape:
    checked = "checked" if packet.protocol == "AH" else "opened"
    shape: Shape = {
        "frame": packet.frame,
        "protocol": packet.protocol,
        "spi": None if packet.spi is None else packet.spi.hex(),
        "sequence": packet.sequence,
        "encapsulated": packet.encapsulated,
        "decrypted": packet.decrypted,
        "icv": packet.icv,
        "inner": packet.inner,
        "remarks": [*packet.remarks, *([f"cannot be {checked}: {packet.why_not}"] if packet.why_not else [])],
        "error": None if packet.error is None else str(packet.error),
        "from": packet.sender,
    }
    return shape | ({"within": _packet(packet.within)} if packet.within else {})
