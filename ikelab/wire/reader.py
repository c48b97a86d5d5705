"""How a declaration becomes fast code: each record gets a few lines of its own that read it, and some that cut it.

The lines are written as source and compiled once, as `dataclasses` does: three times as fast as walking the fields for
each payload. For `Proposal` they are

    def read(octets, at, end, its_reserved):
        if at + 4 > end: raise Unfit
        its_number, its_protocol, its_spi_size, its_transform_count, = unpack(octets, at); at += 4
        its_spi, at = read_spi(octets, at, end, its_spi_size)
        its_transforms, at = read_transforms(octets, at, end)
        if at != end or its_transform_count != len(its_transforms): raise Unfit
        record = new(cls)
        fill(record, '__dict__', {'number': its_number, ..., 'transforms': its_transforms, 'reserved': its_reserved})
        return record

    def cut(reading, at):
        octets, end = reading.octets, reading.end
        if at + 8 > end: return reading.cut(fields, at)
        value_0, value_1, value_2, value_3, value_4, value_5, value_6, = unpack(octets, at)
        reading.seen = {..., 'number': value_3, 'protocol': value_4, 'spi_size': value_5, 'transform_count': value_6}
        spans = [new(Span, (field_0, at + 0, 1, value_0, (), None)), ...]; at += 8
        return finish(reading, spans, at)

so the fields of fixed size with which a record begins are taken together; the others have `read` and `spans`. What no
other field asks for is not put into `reading.seen`, and one run of octets behind the fixed fields is cut in place.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate, takewhile
from typing import Any, TypeVar

from ikelab.wire.fields import CountOf, Field, Octets, Reading, Unfit
from ikelab.wire.spans import Span

T = TypeVar("T")
Reader = Callable[[bytes, int, int, int], Any]
"""Octets, where a record begins, where it must end, the RESERVED of its generic header -> its value. Raises Unfit."""
Cutter = Callable[[Reading, int], list[Span]]
"""The reading of a record, where it begins -> its pieces."""
Finish = Callable[[Reading, list[Span], int], list[Span]]
"""The reading of a record, the pieces of its fixed fields, where these end -> all its pieces."""


def fixed_head(fields: Sequence[Field]) -> tuple[Sequence[Field], struct.Struct, Sequence[Field]]:
    """The fields of fixed size at the beginning, what unpacks them, and the others."""
    head = tuple(takewhile(lambda field: bool(field.code), fields))
    return head, struct.Struct(">" + "".join(field.code for field in head)), fields[len(head) :]


def compile_reader(cls: type, fields: Sequence[Field], counts: Sequence[CountOf], kept: Sequence[str]) -> Reader:
    """A reader of records of class `cls`; `counts` must agree with what was read, `kept` names what a record holds."""
    head, fixed, rest = fixed_head(fields)
    scope = {"Unfit": Unfit, "new": cls.__new__, "cls": cls, "fill": object.__setattr__, "unpack": fixed.unpack_from}
    lines = []
    if head:
        lines.append(f"if at + {fixed.size} > end: raise Unfit")
        lines.append(f"{''.join(f'its_{field.name}, ' for field in head)}= unpack(octets, at); at += {fixed.size}")
    for field in rest:
        if isinstance(field, Octets) and field.size is None:
            lines.append(f"its_{field.name} = octets[at:end]; at = end")
        else:
            scope[f"read_{field.name}"] = field.read
            needed = "".join(f", its_{name}" for name in field.needs)
            lines.append(f"its_{field.name}, at = read_{field.name}(octets, at, end{needed})")
    wrong = ["at != end", *(f"its_{count.name} != len(its_{count.target})" for count in counts)]
    lines.append(f"if {' or '.join(wrong)}: raise Unfit")
    lines.append("record = new(cls)")
    lines.append(f"fill(record, '__dict__', {{{', '.join(f'{name!r}: its_{name}' for name in kept)}}})")
    lines.append("return record")
    reader: Reader = _compiled("read(octets, at, end, its_reserved)", lines, scope)
    return reader


def compile_cutter(fields: Sequence[Field], finish: Finish) -> Cutter:
    """What cuts records of these fields; `finish` cuts what is behind the fixed ones if it is not one run of octets."""
    head, fixed, rest = fixed_head(fields)
    scope = {"new": tuple.__new__, "Span": Span, "unpack": fixed.unpack_from, "fields": fields, "finish": finish}
    lines, pieces, seen = ["octets, end = reading.octets, reading.end"], [], []
    sizes = [struct.calcsize(field.code) for field in head]
    for number, (field, at, size) in enumerate(zip(head, accumulate(sizes, initial=0), sizes, strict=False)):
        scope[f"field_{number}"] = field
        shown = f"field_{number}" if type(field).shown is Field.shown else f"field_{number}.shown(reading)"
        pieces.append(f"new(Span, ({shown}, at + {at}, {size}, value_{number}, (), None))")
        seen.append(f"{field.name!r}: value_{number}")
    if head:
        lines.append(f"if at + {fixed.size} > end: return reading.cut(fields, at)")
        lines.append(f"{''.join(f'value_{number}, ' for number in range(len(head)))}= unpack(octets, at)")
    asked = any(type(field).shown is not Field.shown for field in head)  # fields that ask what others have said
    match rest:
        case []:
            behind = "return spans if at == end else finish(reading, spans, at)"
        case [Octets(size=None, inside=None) as last]:
            scope["last"] = last
            behind = "return [*spans, new(Span, (last, at, end - at, octets[at:end], (), None))] if at < end else spans"
        case _:
            asked, behind = True, "return finish(reading, spans, at)"
    if asked:
        lines.append(f"reading.seen = {{{', '.join(seen)}}}")
    lines += [f"spans = [{', '.join(pieces)}]; at += {fixed.size}", behind]
    cutter: Cutter = _compiled("cut(reading, at)", lines, scope)
    return cutter


def filled(cls: type[T], values: Mapping[str, object]) -> T:
    """A value of a frozen dataclass, all its attributes given at once: five times as fast as its own `__init__`."""
    value = cls.__new__(cls)
    object.__setattr__(value, "__dict__", values)
    return value


def _compiled(signature: str, lines: Sequence[str], scope: dict[str, Any]) -> Any:  # noqa: ANN401
    source = "\n    ".join([f"def {signature}:", *lines])
    exec(compile(source, f"<{signature}>", "exec"), scope)  # noqa: S102  our own words: no input reaches them
    return scope[signature.partition("(")[0]]
