"""Every dataset is whole, tells where it comes from, and holds what its facts say."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

import pytest

from ikelab.course.datasets import datasets, read_dataset
from ikelab.course.shipped import shipped_folder
from ikelab.ipsec.esp import open_esp, spi_of
from ikelab.wire.udp import Carries, classify

FOLDERS = sorted(path for path in shipped_folder("datasets").iterdir() if path.is_dir())
EVERY_DATASET = pytest.mark.parametrize("folder", FOLDERS, ids=[folder.name for folder in FOLDERS])
"""Folders, not `datasets()`: one damaged dataset must fail its own tests and no other's."""


def test_there_are_some() -> None:
    assert len(datasets()) == len(FOLDERS) >= 10


def test_the_page_of_all_datasets_lists_each_of_them() -> None:
    page = (shipped_folder("datasets") / "README.md").read_text("utf-8")
    assert sorted(re.findall(r"^\| \[(\w+)\]\(\1/README\.md\) \|", page, re.MULTILINE)) == [
        each.name for each in FOLDERS
    ]


@EVERY_DATASET
class TestEveryDataset:
    def test_its_facts_tell_its_origin_and_its_capture_is_the_one_they_tell_of(self, folder: Path) -> None:
        found = read_dataset(folder)
        assert found.facts["licence"] == "CC0-1.0"
        assert found.readme.startswith(f"# {found.name}: ")

    def test_every_frame_is_read(self, folder: Path) -> None:
        capture = read_dataset(folder).capture()
        datagrams = list(capture)
        assert [each.frame for each in datagrams] == list(range(1, capture.frames + 1))
        assert capture.remarks == ()
        recorded = datetime.fromisoformat(str(read_dataset(folder).facts["recorded"]))
        assert recorded.timestamp() == int(datagrams[0].time)

    def test_ike_messages_are_as_long_as_they_say_and_of_cookies_that_the_facts_know(self, folder: Path) -> None:
        found = read_dataset(folder)
        known = {belief.cookie_i for belief in found.beliefs().ike}
        cookies = set()
        for each in found.capture():
            if each.protocol == "udp":
                content = classify(each.octets, each.source.port, each.destination.port)
                if content.carries is Carries.IKE:
                    assert int.from_bytes(content.octets[24:28]) == len(content.octets)
                    cookies.add(content.octets[:8])
        assert cookies == known

    def test_its_facts_are_a_key_file(self, folder: Path) -> None:
        assert read_dataset(folder).beliefs().remarks == ()

    def test_every_esp_packet_is_verified_and_opened_with_its_keys(self, folder: Path) -> None:
        found = read_dataset(folder)
        beliefs = found.beliefs()
        for each in found.capture():
            content = classify(each.octets, each.source.port, each.destination.port)
            if each.protocol == "esp" or (each.protocol == "udp" and content.carries is Carries.ESP):
                (keys,) = beliefs.about_esp(spi_of(content.octets))
                opened = open_esp(keys, content.octets)
                assert (opened.icv_ok, opened.decrypted, opened.remarks) == (True, True, ())
