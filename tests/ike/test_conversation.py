"""RFC 2409 Appendix B: each message's IV is the last block of the one before, as far as the speaker had accepted it."""

from __future__ import annotations

from hypothesis import given, strategies as st

from ikelab.ike.conversation import MOST_BLOCKS, Blocks


class TestBlocks:
    def test_the_newest_comes_first(self) -> None:
        blocks = Blocks()
        for name, opened in ((b"a", True), (b"b", False), (b"c", True)):
            blocks.add(name, opened=opened)
        assert list(blocks) == [b"c", b"b", b"a"]

    def test_forgeries_cannot_crowd_out_what_was_opened(self) -> None:
        blocks = Blocks()
        blocks.add(b"true", opened=True)
        for number in range(1000):
            blocks.add(number.to_bytes(2), opened=False)
        assert list(blocks)[-1] == b"true"
        assert len(list(blocks)) == MOST_BLOCKS + 1

    @given(st.lists(st.tuples(st.binary(max_size=1), st.booleans())))
    def test_of_each_kind_the_last_few_are_kept_in_order(self, said: list[tuple[bytes, bool]]) -> None:
        blocks = Blocks()
        for block, opened in said:
            blocks.add(block, opened=opened)
        for opened in (True, False):
            kind = [block for block, each in said if each is opened]
            assert (blocks.opened if opened else blocks.closed) == kind[-MOST_BLOCKS:]
        assert sorted(blocks) == sorted([*blocks.opened, *blocks.closed])
