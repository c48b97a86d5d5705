"""What a wrong call is answered with: not a traceback, but one sentence that says what was expected.

    suppose("talk", "PSK")      suppose: talk: expected a run or a recording, as in talk = run("main"), got 'talk'
    suppose(talk)               suppose: expected suppose(talk, name), got a call that does not fit: ...

What a function says of its own parameters is looked at only after it failed: its own complaints come first, and what
fails though every argument is of the right kind is shown as it is.
"""

from __future__ import annotations

import functools
import inspect
import os
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar, Union, get_args, get_origin, get_type_hints

from ikelab.course.question import echo
from ikelab.errors import IkelabError, Misuse

Given = ParamSpec("Given")
Answer = TypeVar("Answer")

WORDS: Mapping[object, str] = {
    str: "a text in quotes",
    bytes: "octets (bytes)",
    int: "a whole number",
    float: "a number",
    bool: "True or False",
    Callable: "a function",
    Mapping: "a dict",
    Sequence: "a list",
    os.PathLike: "a path",
}
"""What the kinds of arguments are called. A class of ikelab's own may say it in its attribute AS_IN."""


def told_when_miscalled(function: Callable[Given, Answer]) -> Callable[Given, Answer]:
    """The same function; where it fails because of how it was called, Misuse says how it wants to be called."""

    @functools.wraps(function)
    def careful(*args: Given.args, **kwargs: Given.kwargs) -> Answer:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            if isinstance(error, IkelabError) and not isinstance(error, AttributeError):
                raise
            complaint = _complaint(function, args, kwargs)
            if complaint is None:
                raise
        raise Misuse(complaint)

    return careful


def _complaint(function: Callable[..., object], args: tuple[object, ...], kwargs: Mapping[str, object]) -> str | None:
    """What is wrong with these arguments; None if nothing is."""
    signature = inspect.signature(function)
    try:
        given = signature.bind(*args, **kwargs).arguments
    except TypeError as error:
        return f"{function.__name__}: expected {_shape(function, signature)}, got a call that does not fit: {error}"
    for name, value in _one_by_one(given, signature):
        kind = _kind(function, signature.parameters[name].annotation)
        if not _fits(value, kind):
            return f"{function.__name__}: {name}: expected {_in_words(kind)}, got {echo(value)}"
    return None


def _shape(function: Callable[..., object], signature: inspect.Signature) -> str:
    """How to call it: its name and its parameters."""
    parameters = [
        each.replace(annotation=inspect.Parameter.empty)
        for name, each in signature.parameters.items()
        if name not in ("self", "cls")
    ]
    shape = signature.replace(parameters=parameters, return_annotation=inspect.Signature.empty)
    return f"{function.__name__}{shape}".replace("Ellipsis", "...")


def _one_by_one(given: Mapping[str, Any], signature: inspect.Signature) -> Iterator[tuple[str, object]]:
    """Each argument with the name of its parameter, which several may share."""
    for name, value in given.items():
        kind = signature.parameters[name].kind
        if kind is inspect.Parameter.VAR_POSITIONAL:
            yield from ((name, each) for each in value)
        elif kind is inspect.Parameter.VAR_KEYWORD:
            yield from ((name, each) for each in value.values())
        else:
            yield name, value


def _kind(function: Callable[..., object], annotation: object) -> object:
    """What an annotation means; `object` where there is none, or where it is known to type checkers alone."""
    if annotation is inspect.Parameter.empty:
        return object
    told = types.SimpleNamespace(__annotations__={"kind": annotation})
    try:
        return get_type_hints(told, globalns=inspect.unwrap(function).__globals__)["kind"]
    except NameError:
        return object


def _fits(value: object, kind: object) -> bool:
    """Whether a value is of a kind; of kinds that are more than a class, only the class is looked at."""
    if get_origin(kind) in (Union, types.UnionType):
        return any(_fits(value, each) for each in get_args(kind))
    plain = get_origin(kind) or kind
    if not isinstance(plain, type):
        return True
    if isinstance(value, bool) and plain in (int, float):
        return False
    return isinstance(value, (int, float) if plain is float else plain)


def _in_words(kind: object) -> str:
    if get_origin(kind) in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(_in_words(each) for each in get_args(kind) if each is not type(None)))
    plain = get_origin(kind) or kind
    return WORDS.get(plain) or getattr(plain, "AS_IN", None) or f"a {getattr(plain, '__name__', plain)}"
