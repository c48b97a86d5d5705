"""What a strongSwan peer is told: one frozen record per connection, written as swanctl.conf and strongswan.conf.

Both files are one nested `name = value` / `name { }` language (`settings_text`). Every value is quoted, so no `#` in
an identity begins a comment, and each stands on a line of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TypeAlias

from tests.interop.namespaces import Namespace

Settings: TypeAlias = Mapping[str, "str | int | float | Settings"]

ANY = "%any"
"""An identity or an address that is not known beforehand."""


class Mode(Enum):
    """The phase 1 exchange; the values are swanctl's `aggressive`."""

    MAIN = "no"
    AGGRESSIVE = "yes"


class Encapsulation(Enum):
    """What the child's SAs wrap; the values are swanctl's `mode`."""

    TUNNEL = "tunnel"
    TRANSPORT = "transport"


class DataPlane(Enum):
    """Who carries the packets; the values are the plugins that charon loads for it.

    NONE: the kernel shim, IKE alone, on port 500 like on any gateway. USERSPACE: charon's own ESP over a TUN device;
    it always pretends a NAT, so the peers move to port 4500 and packets are ESP in UDP.
    """

    NONE = "kernel-netlink"
    USERSPACE = "kernel-libipsec kernel-netlink"


@dataclass(frozen=True, kw_only=True)
class Connection:
    """One IKEv1 connection with one child, from the point of view of the peer that is told it.

    Proposals are strongSwan's words; a group in `esp_proposal` means PFS. An identity or a network that is None is
    the address, or the inner network, of that side. `more` and `child_more` are merged over what the fields say, so
    whatever swanctl.conf knows can be asked for: `more={"remote": {"auth": "pubkey"}, "dpd_delay": "2s"}`.
    """

    name: str = "ike"
    child: str = "net"
    mode: Mode = Mode.MAIN
    ike_proposal: str = "aes128-sha1-modp2048"
    esp_proposal: str | None = "aes128-sha1"
    ah_proposal: str | None = None
    encapsulation: Encapsulation = Encapsulation.TUNNEL
    psk: str = "correct horse battery staple"
    local_id: str | None = None
    remote_id: str | None = None
    local_ts: str | None = None
    remote_ts: str | None = None
    more: Settings = field(default_factory=dict)
    child_more: Settings = field(default_factory=dict)

    def settings(self, *, here: Namespace, there: Namespace, there_seen_as: str) -> Settings:
        """The connection and its secret as the tree of swanctl.conf, between two machines of a link."""
        local_id, remote_id = self.local_id or here.address, self.remote_id or there.address
        child: Settings = {
            "local_ts": self.local_ts or here.inner_network,
            "remote_ts": self.remote_ts or there.inner_network,
            "mode": self.encapsulation.value,
            **({"esp_proposals": self.esp_proposal} if self.esp_proposal else {}),
            **({"ah_proposals": self.ah_proposal} if self.ah_proposal else {}),
        }
        connection: Settings = {
            "version": 1,
            "aggressive": self.mode.value,
            "local_addrs": here.address,
            "remote_addrs": there_seen_as,
            "proposals": self.ike_proposal,
            "local": {"auth": "psk", "id": local_id},
            "remote": {"auth": "psk", "id": remote_id},
            "children": {self.child: merged(child, self.child_more)},
        }
        owners = {f"id-{n}": owner for n, owner in enumerate((local_id, remote_id), 1) if owner != ANY}
        return {
            "connections": {self.name: merged(connection, self.more)},
            "secrets": {f"ike-{self.name}": {**owners, "secret": self.psk}},
        }


@dataclass(frozen=True, kw_only=True)
class Patience:
    """Seconds a daemon waits for an answer, and how often it sends again; it gives up after wait x (tries + 1)."""

    wait: float = 0.5
    tries: int = 2


PLUGINS = (
    "random nonce aes sha1 sha2 md5 hmac kdf pem pkcs1 pkcs8 x509 revocation constraints pubkey openssl gmp gcm"
    " curve25519 {data_plane} socket-default vici updown xauth-generic attr unity counters"
)
LOG_LEVELS: Settings = {"default": 1, "ike": 4, "chd": 4, "mgr": 2, "cfg": 2}
"""4 prints the secrets of phase 1 (ike) and Quick Mode (chd); 2 prints cookies (mgr) and why a proposal lost (cfg)."""


def daemon_settings(
    *, log: Path, vici: Path, data_plane: DataPlane, patience: Patience, more: Settings | None = None
) -> Settings:
    """The tree of strongswan.conf; `more` is merged into its charon-systemd section."""
    charon: Settings = {
        "load_modular": "no",
        "load": PLUGINS.format(data_plane=data_plane.value),
        "i_dont_care_about_security_and_use_aggressive_mode_psk": "yes",
        "dos_protection": "no",
        "retransmit_timeout": patience.wait,
        "retransmit_base": 1,
        "retransmit_tries": patience.tries,
        "filelog": {
            "main": {
                "path": str(log),
                "time_format": "%s",
                "time_add_ms": "yes",
                "log_level": "yes",
                "ike_name": "yes",
                "flush_line": "yes",
                "append": "no",
                **LOG_LEVELS,
            }
        },
        "plugins": {"vici": {"socket": f"unix://{vici}"}, "kernel-libipsec": {"allow_peer_ts": "yes"}},
    }
    return {"charon-systemd": merged(charon, more or {})}


def merged(settings: Settings, over: Settings) -> Settings:
    """`settings` with the values of `over` in place of its own, section by section."""
    both = dict(settings)
    for name, value in over.items():
        mine = both.get(name)
        both[name] = merged(mine, value) if isinstance(mine, Mapping) and isinstance(value, Mapping) else value
    return both


def settings_text(settings: Settings, indent: str = "") -> str:
    """The tree in strongSwan's language, one setting on a line."""
    return "".join(
        f"{indent}{name} {{\n{settings_text(value, indent + '  ')}{indent}}}\n"
        if isinstance(value, Mapping)
        else f"{indent}{name} = {_quoted(str(value))}\n"
        for name, value in settings.items()
    )


def _quoted(value: str) -> str:
    if not value.isprintable():
        raise ValueError(f"a setting is one line of printable text, got {value!r}")
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
