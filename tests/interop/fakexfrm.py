"""The SAs a daemon asked its kernel for, with their keys: the second witness of every Quick Mode beside the log.

`compiled` builds the shim of fakexfrm.c; `installed_sas` reads what the shim wrote.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from tests.interop.namespaces import run

SOURCE = Path(__file__).with_name("fakexfrm.c")
KERNEL_MODES = ("transport", "tunnel")
PROTOCOLS = {50: "ESP", 51: "AH", 108: "IPCOMP"}


@dataclass(frozen=True, kw_only=True)
class InstalledSa:
    """One SA as handed to the kernel: algorithms by the kernel's names, keys in hex.

    An AEAD's `enc_key` ends with the salt and it has no `auth`. `auth_bits` is None where the daemon left the length of
    the ICV to the kernel.
    """

    protocol: str
    mode: str
    spi: str
    source: str
    destination: str
    enc: str | None
    enc_key: str | None
    auth: str | None
    auth_key: str | None
    auth_bits: int | None
    encap_ports: tuple[int, int] | None


def compiled(directory: Path) -> Path:
    """Compile the shim into `directory` and return the shared object to preload."""
    shared_object = directory / "fakexfrm.so"
    warnings = ("-Wall", "-Wextra", "-Werror")
    run(("gcc", "-O2", "-std=gnu11", *warnings, "-shared", "-fPIC", "-o", str(shared_object), str(SOURCE), "-ldl"))
    return shared_object


def installed_sas(log: Path) -> tuple[InstalledSa, ...]:
    """Every SA the daemon installed, in order; none before the first one."""
    lines = log.read_text().splitlines() if log.exists() else []
    return tuple(_installed_sa(line) for line in lines)


def _installed_sa(line: str) -> InstalledSa:
    sa = json.loads(line)
    ports = sa.get("encap_ports")
    return InstalledSa(
        protocol=PROTOCOLS[sa["protocol"]],
        mode=KERNEL_MODES[sa["mode"]],
        spi=sa["spi"],
        source=sa["source"],
        destination=sa["destination"],
        enc=sa.get("enc"),
        enc_key=sa.get("enc_key"),
        auth=sa.get("auth"),
        auth_key=sa.get("auth_key"),
        auth_bits=sa.get("auth_bits"),
        encap_ports=(ports[0], ports[1]) if ports else None,
    )
