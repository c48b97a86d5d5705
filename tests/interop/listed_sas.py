"""What charon says it holds: `swanctl --list-sas --pretty` read into records."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

Section: TypeAlias = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class ChildSa:
    """A pair of IPsec SAs: `spi_in` is the one charon receives with, 8 hex digits; algorithms by charon's names.

    `encryption` is None for AH, `integrity` for an AEAD, `group` without PFS.
    """

    name: str
    state: str
    mode: str
    protocol: str
    encapsulated: bool
    spi_in: str
    spi_out: str
    encryption: str | None
    key_bits: int | None
    integrity: str | None
    group: str | None
    packets_in: int
    packets_out: int
    local_ts: tuple[str, ...]
    remote_ts: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class IkeSa:
    """An ISAKMP SA: `role` is charon's own, "initiator" or "responder"; algorithms are None until they are agreed."""

    name: str
    state: str
    role: str
    cookie_i: str
    cookie_r: str
    local_id: str
    remote_id: str
    encryption: str | None
    key_bits: int | None
    integrity: str | None
    group: str | None
    children: tuple[ChildSa, ...]


def listed_sas(text: str) -> tuple[IkeSa, ...]:
    """Every ISAKMP SA that swanctl listed."""
    lines = map(str.strip, text.splitlines())
    return tuple(
        _ike_sa(name, sa) for line in lines if line == "list-sa event {" for name, sa in _section(lines).items()
    )


def _section(lines: Iterator[str]) -> Section:
    """The lines up to the closing bracket: `name = value`, `name = [ ... ]`, `name { ... }`."""
    section: Section = {}
    for line in lines:
        name, _, value = line.partition(" ")
        if line == "}":
            break
        if value == "{":
            section[name] = _section(lines)
        elif value == "= [":
            section[name] = tuple(iter(lambda: next(lines), "]"))
        else:
            section[name] = value.removeprefix("=").strip()
    return section


def _ike_sa(name: str, sa: Section) -> IkeSa:
    return IkeSa(
        name=name,
        state=sa["state"],
        role="initiator" if sa.get("initiator") == "yes" else "responder",
        cookie_i=sa["initiator-spi"],
        cookie_r=sa["responder-spi"],
        local_id=sa["local-id"],
        remote_id=sa["remote-id"],
        encryption=sa.get("encr-alg"),
        key_bits=_number(sa, "encr-keysize"),
        integrity=sa.get("integ-alg"),
        group=sa.get("dh-group"),
        children=tuple(_child_sa(child) for child in sa["child-sas"].values()),
    )


def _child_sa(child: Section) -> ChildSa:
    return ChildSa(
        name=child["name"],
        state=child["state"],
        mode=child["mode"],
        protocol=child["protocol"],
        encapsulated=child.get("encap") == "yes",
        spi_in=child["spi-in"],
        spi_out=child["spi-out"],
        encryption=child.get("encr-alg"),
        key_bits=_number(child, "encr-keysize"),
        integrity=child.get("integ-alg"),
        group=child.get("dh-group"),
        packets_in=int(child["packets-in"]),
        packets_out=int(child["packets-out"]),
        local_ts=child["local-ts"],
        remote_ts=child["remote-ts"],
    )


def _number(section: Section, name: str) -> int | None:
    return int(section[name]) if name in section else None
