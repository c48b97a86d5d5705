"""A small trace made by hand: five messages, one of them encrypted, one repeated, one whose hash is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

HOSTILE = (
    "<img src=x onerror=\"document.body.dataset.owned='yes'\">",
    "</script><script>document.body.dataset.owned='yes'</script>",
    "</noscript></title></style><svg onload=alert(1)>",
    "\"' onmouseover='alert(1)' style='position:fixed' ${alert(1)} {{7*7}}",
    "javascript:alert(1)//\u2028\x1b[31m\u202e\x00",
)

Parts = Sequence[Mapping[str, Any]]


def leaf(name: str, octets: str, role: str = "number", text: str | None = None, **more: str) -> dict[str, Any]:
    """A field that holds octets, given as hexadecimal digits."""
    return {"name": name, "octets": octets, "role": role, "text": octets if text is None else text, **more}


def group(kind: str, name: str, parts: Parts, text: str = "") -> dict[str, Any]:
    """A structure of other fields."""
    return {"kind": kind, "name": name, "parts": parts, "text": text}


def sheet(title: str, tree: Parts, **opened: str) -> dict[str, Any]:
    """A sheet whose leaves tile it: octets and the flat, pre-order list of fields, from a tree."""
    fields: list[dict[str, Any]] = []
    octets = ""

    def add(node: Mapping[str, Any], parent: int, depth: int) -> None:
        nonlocal octets
        at, index = len(octets) // 2, len(fields)
        field = {
            "name": node["name"],
            "at": at,
            "size": 0,
            "depth": depth,
            "parent": parent,
            "kind": node.get("kind", "field"),
            "role": node.get("role", "group"),
            "text": node["text"],
            "explain": node.get("explain", f"What {node['name']} is for."),
            "rfc": "RFC 2408 §3.1",
            "leaf": "parts" not in node,
        }
        fields.append(field)
        octets += node.get("octets", "")
        for part in node.get("parts", ()):
            add(part, index, depth + 1)
        field["size"] = len(octets) // 2 - at

    for node in tree:
        add(node, -1, 0)
    return {"title": title, "octets": octets, "key": None, "iv": None, "iv_note": None, "fields": fields, **opened}


def header(responder: str, flags: str = "00", encrypted: str = "none (0)") -> dict[str, Any]:
    return group(
        "header",
        "ISAKMP Header",
        (
            leaf("Initiator Cookie", "a1f49d7b5141b96b"),
            leaf("Responder Cookie", responder),
            leaf("Next Payload", "01", "plumbing", "Security Association (SA) (1)"),
            leaf("Version", "10", "plumbing", "1.0"),
            leaf("Exchange Type", "02", "choice", "Identity Protection (Main Mode) (2)"),
            leaf("Flags", flags, "choice", encrypted),
            leaf("Message ID", "00000000"),
            leaf("Length", "00000050", "plumbing", "80"),
        ),
    )


def generic(length: int) -> tuple[dict[str, Any], ...]:
    return (
        leaf("Next Payload", "00", "plumbing", "NONE (0)"),
        leaf("RESERVED", "00", "plumbing", "0"),
        leaf("Payload Length", f"{length:04x}", "plumbing", str(length)),
    )


def attribute(name: str, number: int, value: int, text: str) -> dict[str, Any]:
    return group(
        "group",
        name,
        (
            leaf("Attribute Type", f"{0x8000 + number:04x}", "choice", f"{name} ({number}), TV"),
            leaf(name, f"{value:04x}", "choice", text),
        ),
        text,
    )


def offer() -> tuple[dict[str, Any], ...]:
    sa = group(
        "payload",
        "Security Association",
        (*generic(12), attribute("Encryption Algorithm", 1, 7, "AES-CBC (7)"), attribute("Key Length", 14, 128, "128")),
    )
    vendor = group("payload", "Vendor ID", (*generic(20), leaf("Vendor ID", "afcad71368a1f1c96b8696fc77570100")))
    return sa, vendor, vendor


KE = "8cb4bc31c7dd8b7601b8253954883ff8" * 16
"""A public value of 256 octets: long enough to be folded."""


def message(number: int, sender: str, summary: str, labels: str, sheets: Parts, **more: Any) -> dict[str, Any]:
    inner = len(sheets) - 1
    roots = [place for place, field in enumerate(sheets[inner]["fields"]) if field["kind"] == "payload"]
    types = {"SA": 1, "VID": 13, "KE": 4, "Ni": 10, "IDii": 5, "HASH_I": 8}
    chips = [
        {"label": label, "type": types[label], "sheet": inner, "field": root}
        for label, root in zip(labels.split(), roots, strict=True)
    ]
    return {
        "n": number,
        "frame": number,
        "time": number / 1000,
        "from": sender,
        "exchange": 2,
        "exchange_name": "Main Mode",
        "message_id": "00000000",
        "encrypted": False,
        "summary": summary,
        "retransmission_of": None,
        "error": None,
        "remarks": [],
        "chips": chips,
        "verified": [],
        "sheets": list(sheets),
        **more,
    }


CIPHERTEXT = "5a" * 48


def encrypted_message(number: int, *, ok: bool) -> dict[str, Any]:
    hidden = leaf("Encrypted Data", CIPHERTEXT, "cipher", "48 octets", kind="ciphertext")
    wire = sheet("On the wire", (header("49f0aa6dbd5b970c", "01", "Encryption (1)"), hidden))
    identity = (
        leaf("ID Type", "01000000", "choice", "ID_IPV4_ADDR (1)"),
        leaf("Address", "0a630001", "identity", "10.99.0.1"),
    )
    inside = sheet(
        "Decrypted",
        (
            group("payload", "Identification", (*generic(12), *identity)),
            group("payload", "Hash", (*generic(24), leaf("Hash Data", "9f" * 20, "proof"))),
            leaf("Padding", "00" * 12, "plumbing", "12 octets", kind="padding"),
        ),
        key="Ka",
        iv="733ddfc1c896f9d2ce60b0ddf158db31",
        iv_note="hash(g^xi | g^xr)",
    )
    verdict: dict[str, Any] = {"name": "HASH_I", "ok": ok, "text": f"HASH_I {'is' if ok else 'is not'} right."}
    if ok:
        verdict["covers"] = [{"message": n, "chip": chip} for n, chip in ((1, 0), (number, 0), (number, 1))]
    protection = {"encrypted": True, "verified": [verdict]}
    return message(number, "initiator", "HDR*, IDii, HASH_I", "IDii HASH_I", (wire, inside), **protection)


def messages(*, ok: bool) -> list[dict[str, Any]]:
    zero, cookie = "0000000000000000", "49f0aa6dbd5b970c"
    first = (sheet("On the wire", (header(zero), *offer())),)
    exchange = group("payload", "Key Exchange", (*generic(260), leaf("Key Exchange Data", KE, "public")))
    nonce = group("payload", "Nonce", (*generic(20), leaf("Nonce Data", "be" * 16, "public")))
    return [
        message(1, "initiator", "HDR, SA, VID x2", "SA VID VID", first),
        message(2, "initiator", "HDR, SA, VID x2", "SA VID VID", first, retransmission_of=1),
        message(
            3,
            "responder",
            "HDR, SA",
            "SA",
            (sheet("On the wire", (header(cookie), offer()[0])),),
            remarks=["The answer names no vendor."],
        ),
        message(4, "initiator", "HDR, KE, Ni", "KE Ni", (sheet("On the wire", (header(cookie), exchange, nonce)),)),
        encrypted_message(5, ok=ok),
    ]


def secret(
    name: str, value: str | None, step: int, inputs: str = "", formula: str = "", **origin: Any
) -> dict[str, Any]:
    return {
        "name": name,
        "label": name,
        "value": value,
        "formula": formula,
        "rfc": "RFC 2409 §5",
        "explain": f"What {name} is for.",
        "inputs": inputs.split(),
        "secret": name not in ("Ni_b", "g^xi"),
        "origin": {"kind": "computed" if inputs else "received", "text": "computed", **origin},
        "step": step,
    }


def sample(*, ok: bool = True) -> dict[str, Any]:
    """The trace. ok: whether HASH_I of message 5 verifies."""
    said = messages(ok=ok)
    public = next(place for place, field in enumerate(said[3]["sheets"][0]["fields"]) if field["role"] == "public")
    nonce = next(place for place, field in enumerate(said[3]["sheets"][0]["fields"]) if field["name"] == "Nonce Data")
    psk = b"correct horse".hex()
    secrets = [
        secret("PSK", psk, 0, kind="given", text="typed by both"),
        secret("g^xi", KE, 4, text="message 4", message=4, sheet=0, field=public),
        secret("Ni_b", "be" * 16, 4, text="message 4", message=4, sheet=0, field=nonce),
        secret("g^xy", None, 4, kind="given", text="told"),
        secret("SKEYID", "36" * 20, 4, "PSK Ni_b", "prf(PSK, Ni_b)"),
        secret("SKEYID_e", "ce" * 20, 4, "SKEYID g^xy", "prf(SKEYID, g^xy | 2)"),
        secret("Ka", "ce" * 16, 5, "SKEYID_e", "first 16 octets of SKEYID_e"),
    ]
    learned: list[list[str]] = [[], [], [], ["SKEYID", "SKEYID_e"], ["Ka"]]
    frames = [
        {
            "step": each["n"],
            "actor": each["from"],
            "heard": None,
            "said": [each["n"]],
            "time": each["time"],
            "states": None,
            "caption": {"what": f"What happens in message {each['n']}.", "why": f"Why message {each['n']} matters."},
            "learned": {"initiator": names, "responder": names},
        }
        for each, names in zip(said, learned, strict=True)
    ]
    return {
        "format": "ikelab-trace-1",
        "title": "A conversation made by hand",
        "about": "Five messages between nobody and nobody.",
        "peers": {
            "initiator": {"label": "Initiator", "address": "192.0.2.1:500"},
            "responder": {"label": "Responder", "address": "192.0.2.2:500"},
        },
        "messages": said,
        "frames": frames,
        "secrets": secrets,
    }


KEPT = {"format", "octets", "value", "from", "kind", "role", "actor", "name", "inputs", "message_id"}
"""What a trace needs to hang together: never made hostile."""


def hostile(trace: dict[str, Any] | None = None) -> dict[str, Any]:
    """A trace, the sample, with every string from a packet or a person turned into an attack, and hostile names too."""
    count = 0

    def poison(value: object, key: str = "") -> object:
        nonlocal count
        if isinstance(value, dict):
            return {name: poison(part, str(name)) for name, part in value.items()}
        if isinstance(value, list | tuple):
            return [poison(part, key) for part in value]
        if isinstance(value, str) and key not in KEPT:
            count += 1
            return value[:4] + HOSTILE[count % len(HOSTILE)]
        return value

    attacked: Any = poison(trace or sample())
    renamed = {each["name"]: each["name"] + HOSTILE[0] for each in attacked["secrets"]}
    for each in attacked["secrets"]:
        each |= {"name": renamed[each["name"]], "inputs": [renamed[name] for name in each["inputs"]]}
    for frame in attacked["frames"]:
        frame["learned"] = {
            side: [renamed.get(name[:4], name) for name in names] for side, names in frame["learned"].items()
        }
    for each in attacked["messages"]:
        for page in each["sheets"]:
            for place, field in enumerate(page["fields"]):
                field |= {"name": HOSTILE[place % 5], "role": HOSTILE[0], "kind": f"{field['kind']} {HOSTILE[3]}"}
    return attacked  # type: ignore[no-any-return]
