"""Compute every secret that one JSON object on standard input determines, each with its formula."""

from __future__ import annotations

import json
import sys

import click

from ikelab.crypto.derive import derive
from ikelab.errors import Misuse
from ikelab.view.plain import bearing_all_signs, visible

LARGEST_REQUEST = 1 << 20
EXAMPLE = '{"method": "psk", "prf": "sha1", "psk": "secret", "Ni": "0011...", "Nr": "aabb...", "g^xy": "...", ...}'


@click.command()
@click.option("--text", "as_text", is_flag=True, help="For people: formula, the values put in, and the result.")
def command(as_text: bool) -> None:
    """Compute every secret that one JSON object on standard input determines, each with its formula.

    \b
    method   psk, sig or pke: how the peers authenticate each other
    prf      md5, sha1, sha256, sha384 or sha512: the negotiated hash
    psk      the pre-shared key, as text or as 0x and hex
    Ni, Nr, g^xy, CKY-I, CKY-R                for SKEYID and its three children
    g^xi, g^xr, SAi_b, IDii_b, IDir_b         for HASH_I and HASH_R
    cipher   such as aes128, 3des or des      for Ka and, with g^xi and g^xr, the first IV
    quick    {"protocol": "ESP" or "AH", "spi", "Ni", "Nr", "g^xy" (PFS), "length" in octets}    for KEYMAT

    Octets are in hex; Ni, Nr and what ends in _b are payloads without their four-octet generic header. What is
    determined is printed; what else would be needed for more is said on standard error.
    """  # noqa: D301  (click's mark for lines that are not to be joined)
    if sys.stdin.isatty():
        click.echo(f"Expecting one JSON object, ended by Ctrl-D: {EXAMPLE}", err=True)
    derivation = derive(_request(sys.stdin.buffer.read(LARGEST_REQUEST + 1)))
    if as_text:
        bearing_all_signs(sys.stdout).write("\n\n".join(map(str, derivation.secrets.values())) + "\n")
    else:
        click.echo(json.dumps(derivation.as_json(), indent=2))
    for remark in derivation.remarks:
        click.echo(visible(remark), err=True)


def _request(octets: bytes) -> object:
    """The JSON value that was read. Raises Misuse."""
    if len(octets) > LARGEST_REQUEST:
        raise Misuse(f"standard input: expected one JSON object, got more than {LARGEST_REQUEST} octets")
    if not octets.strip():
        raise Misuse(f"standard input: expected one JSON object such as {EXAMPLE}, got nothing")
    try:
        return json.loads(octets.decode("utf-8-sig"), object_pairs_hook=_without_repeats)
    except UnicodeDecodeError as error:
        raise Misuse(f"standard input: expected JSON in UTF-8, got octet {octets[error.start]:02x}") from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise Misuse(
            f"standard input: expected one JSON object, got a text that is none: {error.msg} ({place})"
        ) from None
    except (RecursionError, ValueError) as error:
        reason = "one nested too deep to read" if isinstance(error, RecursionError) else str(error)
        raise Misuse(f"standard input: expected one JSON object, got {reason}") from None


def _without_repeats(members: list[tuple[str, object]]) -> dict[str, object]:
    """The members of an object. Raises Misuse where one is named twice: which of the two is meant?"""
    named = dict(members)
    if len(named) < len(members):
        names = [name for name, _ in members]
        twice = next(name for name in names if names.count(name) > 1)
        raise Misuse(f"standard input: expected each member once, got {twice!r} twice")
    return named
