"""Which span a result belongs to: an SDK's stream or answer, or what a framework made of one.

An answer carries the id that its provider gave it, wherever a framework has put that. Looks at what
is stored, and runs nothing of the program's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any, Final

from opentelemetry.trace import NonRecordingSpan, Span

from otelier import following, statics, wire
from otelier.call import Call

# How far from the result, and at how many things, is looked.
_DEPTH: Final = 7
_MOST: Final = 2000
_EACH: Final = 200
_TRIES: Final = 3
# No name of an attribute is longer.
_LONGEST: Final = 200
_WIDEST: Final = 10_000
# How much of the bodies of raw responses is looked into, together.
_BODY: Final = 8 * 1024 * 1024
# What holds no answer, and may hold much: code, and what a running program consists of.
_PLAIN: Final = frozenset({type(None), int, float, bool, complex})
_CODE: Final = frozenset({FunctionType, BuiltinFunctionType, MethodType, ModuleType})
_SHUT: Final = frozenset({"asyncio", "threading", "logging", "opentelemetry"})


def span(result: Any) -> Span | None:
    """The span of the model call that ``result`` is from, the last one if it is from several.

    One that goes on still takes attributes; of one that is over there is its address alone.
    """
    running: Any = following.of(result)
    if isinstance(running, Call):
        return running.span
    seen: set[int] = set()
    bodies = _BODY
    level: list[tuple[Any, Any]] = [("", result)]
    for _ in range(_DEPTH):
        below: list[tuple[Any, Any]] = []
        for name, each in level:
            kind = type(each)
            if kind is str:
                found = following.address(each) if _names_an_id(name) else None
                if found is not None:
                    return NonRecordingSpan(found)
            elif kind is Call:
                own: Span = each.span
                return own
            elif kind is bytes:
                if name == "_content" and len(each) <= bodies:
                    bodies -= len(each)
                    below += _body(each)
            elif kind in _PLAIN:
                continue
            elif id(each) not in seen and len(seen) < _MOST and len(below) < _WIDEST:
                seen.add(id(each))
                below += _inside(each, kind)
        if not below:
            return None
        level = below
    return None


def _names_an_id(name: Any) -> bool:
    """``id``, ``response_id``, ``responseId``, ``invocationArn``; not ``previous_response_id``."""
    if type(name) is not str or len(name) > _LONGEST:
        return False
    lower = name.lower()
    # That is of the answer before, which may be known where this one is not.
    return lower.endswith(("id", "arn")) and not lower.startswith("previous")


def _inside(value: Any, kind: type) -> Iterator[tuple[Any, Any]]:
    """What a thing holds, by name; of several the last first, which is the newest."""
    if issubclass(kind, list | tuple):
        # A slice: however many there are, no more is touched.
        part: Any = tuple.__getitem__ if issubclass(kind, tuple) else list.__getitem__
        for each in reversed(part(value, slice(-_EACH, None))):
            yield "", each
        return
    if issubclass(kind, dict):
        yield from _first(dict.items(value))
        if kind is dict:
            return
    if kind in _CODE or issubclass(kind, type):
        return
    if statics.identity(kind)[0].partition(".")[0] in _SHUT:
        return
    held = statics.storage(value) if issubclass(kind, dict) else wire.fields(value)
    held = held or statics.storage(value)
    yield from _first(held.items())
    for name in statics.slots(kind):
        stored = statics.member(value, name) if name not in held else None
        if stored is not None:
            yield name, stored


def _first(items: Iterable[Any]) -> list[Any]:
    """The first of them, while other threads may put in more."""
    for _ in range(_TRIES):
        try:
            return [*islice(items, _EACH)]
        except RuntimeError:
            continue
    return []


def _body(body: bytes) -> Iterator[tuple[Any, Any]]:
    """What a raw response was answered, where its body was read."""
    if body[:1] != b"{":
        return
    try:
        told = wire.loads(body)
    except (ValueError, RecursionError):
        return
    if type(told) is dict:
        yield "id", told.get("id")
        yield "id", told.get("responseId")
