"""What a peer is told survives the language it is written in."""

from __future__ import annotations

import pytest

from tests.interop.namespaces import Namespace
from tests.interop.settings import ANY, Connection, Mode, merged, settings_text

HERE = Namespace(name="here", address="10.99.0.2", inner_address="10.2.0.1", inner_network="10.2.0.0/24")
THERE = Namespace(name="there", address="10.99.1.2", inner_address="10.1.0.1", inner_network="10.1.0.0/24")


def test_sections_are_nested_and_each_setting_has_a_line() -> None:
    text = settings_text({"connections": {"ike": {"version": 1, "local": {"id": "@#67"}}}})
    assert text == 'connections {\n  ike {\n    version = "1"\n    local {\n      id = "@#67"\n    }\n  }\n}\n'


def test_quotes_and_backslashes_are_escaped() -> None:
    assert settings_text({"secret": 'a"b\\c'}) == 'secret = "a\\"b\\\\c"\n'


@pytest.mark.parametrize("value", ["two\nlines", "a\0b"])
def test_what_is_no_line_of_text_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="one line of printable text"):
        settings_text({"secret": value})


def test_merging_goes_section_by_section() -> None:
    assert merged({"a": {"b": 1, "c": 2}, "d": 3}, {"a": {"c": 4}, "e": 5}) == {"a": {"b": 1, "c": 4}, "d": 3, "e": 5}


class TestConnection:
    def test_addresses_and_networks_are_those_of_the_two_machines(self) -> None:
        told = Connection(mode=Mode.AGGRESSIVE).settings(here=HERE, there=THERE, there_seen_as=ANY)
        ike = told["connections"]["ike"]
        assert (ike["local_addrs"], ike["remote_addrs"], ike["aggressive"]) == ("10.99.0.2", ANY, "yes")
        assert (ike["local"]["id"], ike["remote"]["id"]) == ("10.99.0.2", "10.99.1.2")
        assert (ike["children"]["net"]["local_ts"], ike["children"]["net"]["remote_ts"]) == (
            "10.2.0.0/24",
            "10.1.0.0/24",
        )

    def test_a_peer_of_any_identity_owns_no_secret(self) -> None:
        told = Connection(remote_id=ANY, psk="s").settings(here=HERE, there=THERE, there_seen_as=ANY)
        assert told["secrets"] == {"ike-ike": {"id-1": "10.99.0.2", "secret": "s"}}

    def test_more_overrides_what_the_fields_say(self) -> None:
        connection = Connection(more={"dpd_delay": "2s", "remote": {"auth": "pubkey"}}, child_more={"rekey_time": "5s"})
        ike = connection.settings(here=HERE, there=THERE, there_seen_as=ANY)["connections"]["ike"]
        assert (ike["dpd_delay"], ike["remote"]) == ("2s", {"auth": "pubkey", "id": "10.99.1.2"})
        assert ike["children"]["net"]["rekey_time"] == "5s"
