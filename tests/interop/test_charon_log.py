"""The log reader on logs that a live peer seldom writes: cut short, interleaved, with two SAs at once."""

from __future__ import annotations

import pytest

from tests.interop.charon_log import CharonLog, QuickSecrets

SKEYID = bytes(range(20))


def dump(thread: str, group: str, sa: int, name: str, octets: bytes) -> list[str]:
    """A named dump as charon prints it."""
    head = f"1795283329.078 {thread}[{group}4] <ike|{sa}>"
    rows = [octets[at : at + 16] for at in range(0, len(octets), 16)]
    return [
        f"{head} {name} => {len(octets)} bytes @ 0x7f0a340056e0",
        *(f"{head} {16 * n:4d}: {row.hex(' ').upper():<47}  {'.' * len(row)}" for n, row in enumerate(rows)),
    ]


def log(*lines: str) -> CharonLog:
    return CharonLog("".join(f"{line}\n" for line in lines))


class TestDumps:
    @pytest.mark.parametrize("size", [1, 15, 16, 17, 20, 256])
    def test_a_dump_is_one_line_with_its_octets(self, size: int) -> None:
        octets = bytes(n % 256 for n in range(size))
        (line,) = log(*dump("01", "IKE", 1, "SKEYID", octets)).lines
        assert (line.text, line.octets, line.sa, line.level) == ("SKEYID", octets, 1, 4)

    @pytest.mark.parametrize("kept", [1, 2])
    def test_a_dump_still_being_written_is_not_there_yet(self, kept: int) -> None:
        whole = dump("01", "IKE", 1, "SKEYID", SKEYID)
        assert log(*whole[:kept]).lines == ()

    def test_a_line_still_being_written_is_not_there_yet(self) -> None:
        assert CharonLog("1795283329.078 01[IKE1] <ike|1> giving up after 2 retr").lines == ()


class TestSecrets:
    def test_two_sas_are_kept_apart(self) -> None:
        first, second = dump("01", "IKE", 1, "SKEYID", SKEYID), dump("02", "IKE", 2, "SKEYID", SKEYID[::-1])
        assert [ike.SKEYID for ike in log(*first, *second).secrets().ike] == [SKEYID.hex(), SKEYID[::-1].hex()]

    def test_the_thread_links_the_cookies_to_the_sa(self) -> None:
        reading = log(
            "1.0 01[MGR2] checkout IKEv1 SA by message with SPIs 1111111111111111_i aaaaaaaaaaaaaaaa_r",
            "1.0 02[MGR2] checkout IKEv1 SA by message with SPIs 2222222222222222_i bbbbbbbbbbbbbbbb_r",
            "1.0 02[MGR2] IKE_SA ike[2] successfully checked out",
            "1.0 01[MGR2] IKE_SA ike[1] successfully checked out",
            *dump("01", "IKE", 1, "SKEYID", SKEYID),
            *dump("02", "IKE", 2, "SKEYID", SKEYID),
            "1.0 01[MGR2] IKE_SA ike[1] successfully checked out",
        ).secrets()
        assert [(ike.cookie_i, ike.cookie_r) for ike in reading.ike] == [
            ("1111111111111111", "aaaaaaaaaaaaaaaa"),
            ("2222222222222222", "bbbbbbbbbbbbbbbb"),
        ]

    def test_a_sa_that_ends_before_skeyid_has_no_secrets(self) -> None:
        assert log("1.0 01[IKE1] <1> no proposal found").secrets().ike == ()

    def test_a_seed_with_pfs_begins_with_the_shared_secret(self) -> None:
        secret, nonces = bytes([3]) * 32, bytes(64)
        (quick,) = log(
            *dump("01", "CHD", 1, "DH secret", secret),
            *dump("01", "CHD", 1, "initiator SA seed", secret + bytes.fromhex("03c061e7ca") + nonces),
            *dump("01", "CHD", 1, "responder SA seed", secret + bytes.fromhex("03cb73dd49") + nonces),
            *dump("01", "CHD", 1, "encryption initiator key", SKEYID),
        ).secrets().quick  # fmt: skip
        assert quick == QuickSecrets(
            protocol="ESP", spi_i="c061e7ca", spi_r="cb73dd49", enc_i=SKEYID.hex(), g_xy=secret.hex()
        )


class TestStory:
    def test_messages_are_told_from_complaints(self) -> None:
        reading = log(
            "1.0 01[ENC1] <1> parsed ID_PROT request 0 [ SA V V ]",
            "1.0 01[IKE1] <1> calculated HASH does not match HASH payload",
            "1.0 01[IKE3] <1> a detail that failed",
            "1.0 01[KNL1] <1> querying SAD entry with SPI c0eead80 failed: No such process (3)",
            "1.0 01[ENC1] <1> generating INFORMATIONAL_V1 request 7 [ HASH N(AUTH_FAILED) ]",
            "1.0 01[ENC1] <1> generating TRANSACTION response 8 [ ]",
        )
        assert reading.heard == ("ID_PROT [ SA V V ]",)
        assert reading.said == ("INFORMATIONAL_V1 [ HASH N(AUTH_FAILED) ]", "TRANSACTION [  ]")
        assert reading.complaints == ("calculated HASH does not match HASH payload",)
