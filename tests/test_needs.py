"""The closing list of a run: what was not run, and what to install for it; and that CI accepts no skip."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.needs import CAPABILITIES, CHECKOUT, captures_dir, is_present, program, recorded_conversations, vectors_dir

SUITE = """
    import pytest
    from tests.needs import needs

    def test_needing_nothing():
        pass

    @needs("chromium")
    class TestOfTwo:
        def test_one(self):
            raise AssertionError("must not run")

        @needs("nist-vectors")
        def test_two(self):
            raise AssertionError("must not run")

    @needs("nist-vectors")
    @pytest.mark.parametrize("n", range(3))
    def test_vectors(n):
        raise AssertionError("must not run")
"""
SKIPPING_BY_ITSELF = """
    import pytest

    def test_skipping():
        pytest.skip("no wish to")

    @pytest.mark.xfail(strict=True)
    def test_expected_to_fail():
        assert False
"""
SKIPPED_MODULE = """
    import pytest

    pytest.importorskip("no_module_of_this_name")
"""


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.Pytester:
    """A machine with neither Chromium nor vectors."""
    for name in ("IKELAB_FORBID_SKIP", "IKELAB_MAY_SKIP", "PYTEST_ADDOPTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("IKELAB_CHROMIUM", "no-program-of-this-name")
    monkeypatch.setenv("IKELAB_VECTORS", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(CHECKOUT))
    return pytester


def run(pytester: pytest.Pytester, source: str, *arguments: str) -> pytest.RunResult:
    pytester.makepyfile(source)
    return pytester.runpytest_subprocess("-p", "tests.needs", "-p", "no:cacheprovider", *arguments)


ONE_OR_TWO_PROCESSES = pytest.mark.parametrize("arguments", [(), ("-n", "2")], ids=["one process", "two workers"])


class TestOnAMachineThatLacksThings:
    @ONE_OR_TWO_PROCESSES
    def test_the_run_closes_with_what_to_install(self, suite: pytest.Pytester, arguments: tuple[str, ...]) -> None:
        result = run(suite, SUITE, *arguments)
        result.assert_outcomes(passed=1, skipped=5)
        assert result.ret == 0
        result.stdout.fnmatch_lines(
            [
                "*what was not run*",
                "Not run here: 2 tests, needs chromium: apt-get install chromium *",
                "Not run here: 4 tests, needs nist-vectors: put NIST's *IKELAB_VECTORS",
                "*1 passed, 5 skipped*",
            ],
            consecutive=False,
        )

    def test_a_skip_of_another_kind_is_told_too(self, suite: pytest.Pytester) -> None:
        result = run(suite, SKIPPING_BY_ITSELF)
        result.assert_outcomes(skipped=1, xfailed=1)
        result.stdout.fnmatch_lines(["Not run here: *::test_skipping: no wish to"])

    @ONE_OR_TWO_PROCESSES
    def test_where_skipping_is_forbidden_the_run_fails(
        self, suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
    ) -> None:
        monkeypatch.setenv("IKELAB_FORBID_SKIP", "1")
        result = run(suite, SUITE, *arguments)
        result.assert_outcomes(passed=1, errors=5)
        assert result.ret == 1
        result.stdout.fnmatch_lines(["Not run here: 2 tests, needs chromium: *"])

    def test_what_may_be_absent_does_not_fail_the_run(
        self, suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("IKELAB_FORBID_SKIP", "1")
        monkeypatch.setenv("IKELAB_MAY_SKIP", "nist-vectors, shared-captures")
        result = run(suite, SUITE)
        result.assert_outcomes(passed=1, skipped=3, errors=2)
        assert result.ret == 1
        monkeypatch.setenv("IKELAB_MAY_SKIP", "nist-vectors chromium")
        result = run(suite, SUITE)
        result.assert_outcomes(passed=1, skipped=5)
        assert result.ret == 0

    def test_a_skip_of_another_kind_is_forbidden_too(
        self, suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("IKELAB_FORBID_SKIP", "1")
        monkeypatch.setenv("IKELAB_MAY_SKIP", " ".join(CAPABILITIES))
        result = run(suite, SKIPPING_BY_ITSELF)
        result.assert_outcomes(failed=1, xfailed=1)
        assert result.ret == 1
        result = run(suite, SKIPPED_MODULE)
        assert result.ret not in (0, 5)
        result.stdout.fnmatch_lines(["*IKELAB_FORBID_SKIP forbids that*"])


class TestOnAMachineThatHasAll:
    @ONE_OR_TWO_PROCESSES
    def test_the_list_says_so(self, suite: pytest.Pytester, arguments: tuple[str, ...]) -> None:
        result = run(suite, "def test_one(): pass\n\ndef test_two(): pass", "-k", "one", *arguments)
        assert result.ret == 0
        result.stdout.fnmatch_lines(["Nothing was skipped*", "Left out by choice: 1 test; `make soak` *"])


class TestMisspelling:
    def test_an_unknown_capability_is_refused(self, suite: pytest.Pytester) -> None:
        result = run(suite, "from tests.needs import needs\n\n@needs('tshrak')\ndef test(): pass")
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines(["*::test: needs(...) expected some of *tshark*, got tshrak"])

    def test_an_unknown_exception_is_refused(self, suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("IKELAB_MAY_SKIP", "vectors")
        result = run(suite, SUITE)
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines(["*IKELAB_MAY_SKIP: expected some of *, got vectors"])


class TestProbes:
    @pytest.mark.parametrize("name", CAPABILITIES)
    def test_every_probe_answers(self, name: str) -> None:
        assert is_present(name) in (True, False)

    def test_a_program_of_the_system_is_found_and_another_is_not(self) -> None:
        assert program("sh")
        assert program("no-program-of-this-name") is None

    def test_folders_are_where_the_environment_says(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("IKELAB_CAPTURES", str(tmp_path))
        monkeypatch.setenv("IKELAB_VECTORS", str(tmp_path))
        assert (captures_dir(), vectors_dir()) == (tmp_path, tmp_path)
        assert recorded_conversations() == ("no recorded conversations here",)
        (tmp_path / "one").mkdir()
        (tmp_path / "one" / "capture.pcap").touch()
        assert recorded_conversations() == ("one",)
        monkeypatch.delenv("IKELAB_CAPTURES")
        assert captures_dir() == CHECKOUT.parent / "shared" / "captures"
