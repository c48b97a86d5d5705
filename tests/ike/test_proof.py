"""How a peer is believed: whatever is changed in the check, somebody notices.

The mutants are `verify` and `check` with one thing wrong each; the jury is what a peer relies on. Every mutant must be
caught, as one that lived would be a way in.
"""

from __future__ import annotations

import ast
import hmac
import inspect
from collections.abc import Callable, Iterator
from types import ModuleType

import pytest

from ikelab.crypto.derived import Given
from ikelab.errors import Refusal
from ikelab.ike import proof
from ikelab.ike.proof import Authenticated, check, verify
from ikelab.wire.numbers import Notify
from tests.ike.two_peers import ALICE, BOB, mirrored, peer, run, wish

RIGHT = Given(name="HASH_I", value=bytes(range(20)))
WRONG = [b"", b"\0", bytes(20), RIGHT.value[:19], RIGHT.value + b"\0", RIGHT.value[::-1], bytes([1]) + RIGHT.value[1:]]


class TestVerify:
    def test_what_is_right_is_believed_by_name(self) -> None:
        token = verify(RIGHT.value, RIGHT, identity="moon")
        assert (token.identity, token.proof) == ("moon", RIGHT)
        assert repr(token) == "<Authenticated moon by HASH_I>"

    @pytest.mark.parametrize("came", WRONG, ids=bytes.hex)
    def test_nothing_else_is(self, came: bytes) -> None:
        with pytest.raises(Refusal) as refused:
            verify(came, RIGHT, identity="moon", hint="the key?")
        assert refused.value.notify == Notify.AUTHENTICATION_FAILED
        assert refused.value.hint == "the key?"
        with pytest.raises(Refusal) as refused:
            check(came, RIGHT)
        assert refused.value.notify is None

    def test_nobody_else_makes_the_token(self) -> None:
        with pytest.raises(TypeError, match="verify alone"):
            Authenticated("moon", RIGHT)
        with pytest.raises(TypeError, match="verify alone"):
            Authenticated("moon", RIGHT, object())

    @pytest.mark.parametrize("mode", ["main", "aggressive"])
    def test_it_runs_once_for_each_side_that_becomes_established(
        self, mode: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[tuple[bytes, bytes]] = []
        genuine = hmac.compare_digest

        def counting(one: bytes, other: bytes) -> bool:
            asked.append((one, other))
            return genuine(one, other)

        monkeypatch.setattr(proof.hmac, "compare_digest", counting)
        wanted = wish(mode=mode)  # type: ignore[arg-type]
        alice, bob = peer(wanted, ALICE), peer(mirrored(wanted), BOB)
        run(alice, bob)
        book = alice.sas[0].book
        assert book is not None
        proofs = [book["HASH_I"].value, book["HASH_R"].value]
        assert sorted(expected for _, expected in asked if expected in proofs) == sorted(proofs)


# -- mutants -----------------------------------------------------------------------------------------------------------

Jury = Callable[[ModuleType], None]


def jury(module: ModuleType) -> None:
    """What every caller relies on."""
    for function, notify in ((module.verify, Notify.AUTHENTICATION_FAILED), (module.check, None)):
        more = {"identity": "moon"} if function is module.verify else {}
        for came in WRONG:
            with pytest.raises(Refusal) as refused:
                function(came, RIGHT, **more)
            assert refused.value.notify == notify
            assert refused.value.rfc.startswith("RFC 2409 §5")
            assert all(word in refused.value.why for word in (RIGHT.name, came.hex(), RIGHT.value.hex()))
        made = function(RIGHT.value, RIGHT, **more)
        if function is module.verify:
            assert isinstance(made, module.Authenticated)
            assert (made.identity, made.proof) == ("moon", RIGHT)
    for forged in (None, object(), True):
        with pytest.raises(TypeError, match="verify alone"):
            module.Authenticated("moon", RIGHT, forged)


def mutants() -> Iterator[tuple[str, ast.Module]]:
    """The module with one thing changed: a condition turned, a statement left out, an argument swapped, a name lost."""
    source = inspect.getsource(proof)
    count = sum(1 for _ in _places(ast.parse(source)))
    for number in range(count):
        tree = ast.parse(source)
        name, change = list(_places(tree))[number]
        change()
        yield f"{number}: {name}", ast.fix_missing_locations(tree)


def _places(tree: ast.Module) -> Iterator[tuple[str, Callable[[], None]]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.If):
            yield (
                f"line {node.lineno}: the condition turned",
                lambda node=node: _set(node, test=ast.UnaryOp(ast.Not(), node.test)),
            )
            yield f"line {node.lineno}: never", lambda node=node: _set(node, test=ast.Constant(False))
            yield f"line {node.lineno}: always", lambda node=node: _set(node, test=ast.Constant(True))
        elif isinstance(node, ast.Raise):
            yield f"line {node.lineno}: nothing raised", lambda node=node: _set(node, exc=None) or _pass(tree, node)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "hmac.compare_digest":
            first, second = node.args
            yield f"line {node.lineno}: compared with itself", lambda n=node, a=first: _set(n, args=[a, a])
            yield f"line {node.lineno}: the expected with itself", lambda n=node, a=second: _set(n, args=[a, a])
        elif isinstance(node, ast.Return) and node.value is not None and isinstance(node.value, ast.Call):
            yield f"line {node.lineno}: nothing returned", lambda node=node: _set(node, value=None)
        elif isinstance(node, ast.keyword) and node.arg == "notify":
            yield f"line {node.value.lineno}: silent", lambda node=node: _set(node, value=ast.Constant(None))


def _set(node: ast.AST, **fields: object) -> None:
    for name, value in fields.items():
        setattr(node, name, value)


def _pass(tree: ast.Module, node: ast.stmt) -> None:
    for parent in ast.walk(tree):
        body = getattr(parent, "body", None)
        if isinstance(body, list) and node in body:
            body[body.index(node)] = ast.Pass()


MUTANTS = [(name, tree) for name, tree in mutants() if "__repr__" not in name]


def test_the_jury_has_nothing_against_the_genuine_one() -> None:
    jury(proof)


def test_there_are_mutants() -> None:
    assert len(MUTANTS) >= 15


@pytest.mark.parametrize("tree", [tree for _, tree in MUTANTS], ids=[name for name, _ in MUTANTS])
def test_no_mutant_lives(tree: ast.Module) -> None:
    module = ModuleType("mutant")
    exec(compile(tree, "<mutant>", "exec"), vars(module))  # noqa: S102  (our own source, with one thing changed)
    with pytest.raises((AssertionError, pytest.fail.Exception, Refusal, TypeError, RuntimeError)):
        jury(module)
