"""Values as trees that fold: what JSON can hold, within bounds."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from otelier import wire

# Levels of one value that are shown.
_LEVELS: Final = 20
# What has no more members than this is open at first.
_OPEN: Final = 12


@dataclass(slots=True)
class Room:
    """How much may still be shown, of all things together."""

    characters: int
    members: int
    """Members of values."""
    markdown: float
    """Seconds of computing that may be spent on reading Markdown."""

    def some(self, text: str, most: int) -> str:
        """The beginning of a text: ``most`` characters, or as much as there is room for."""
        told = text[: max(0, min(most, self.characters))]
        self.characters -= len(told)
        return told


_ENDLESS: Final = 1 << 60


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much of one thing is shown at once."""

    text: int = 20_000
    """Characters of a text in a message."""
    parts: int = 200
    """Parts of a message."""
    members: int = 1_000
    """Members of a value, all levels together."""
    member: int = 4_000
    """Characters of a text in a value."""
    messages: int = 500
    """Messages of a list."""
    room: Room = field(default_factory=lambda: Room(_ENDLESS, _ENDLESS, _ENDLESS), compare=False)
    """What is left for all things that are shown within these bounds."""


# Of one thing: on a page, where what is not shown is a click away; in a file, which is all that its
# reader has.
PAGE: Final = Bounds()
FILE: Final = Bounds(
    text=1_000_000, parts=2_000, members=20_000, member=1_000_000, messages=100_000
)


def page() -> Bounds:
    """Bounds of all that is on one page, together: a span may have millions of small things."""
    return replace(PAGE, room=Room(4_000_000, 200_000, 2.0))


def file() -> Bounds:
    """Bounds of all that is in one file."""
    return replace(FILE, room=Room(50 << 20, 2_000_000, 20.0))


@dataclass(frozen=True, slots=True)
class Value:
    """A value, and what is in it."""

    kind: str
    """``object``, ``array``, ``text``, ``number`` or ``word`` (true, false, null)."""
    key: str | None
    """Its name in an object."""
    text: str
    """What is shown of it: a text as it is, else as JSON."""
    members: tuple[Value, ...] = ()
    size: int = 0
    """How many members it has, shown or not."""
    cut: int = 0
    """How many characters of the text are not shown."""

    @property
    def opened(self) -> bool:
        """Whether its members are seen at first."""
        return len(self.members) <= _OPEN


class _Budget:
    """Members that may still be shown, and characters of each."""

    def __init__(self, bounds: Bounds) -> None:
        self._left = bounds.members
        self._member = bounds.member
        self._room = bounds.room

    def take(self) -> bool:
        """Whether one more is shown."""
        if self._left <= 0 or self._room.members <= 0:
            return False
        self._left -= 1
        self._room.members -= 1
        return True

    def some(self, text: str) -> str:
        """What is shown of a text."""
        return self._room.some(text, self._member)


def value(told: Any, key: str | None = None, bounds: Bounds = PAGE) -> Value:
    """A value as a tree."""
    return _value(told, key, 0, _Budget(bounds))


def is_json(text: str) -> bool:
    """Whether a text looks like an object or an array, so that it is worth reading as one."""
    stripped = text.strip()
    return stripped[:1] + stripped[-1:] in ("{}", "[]") and len(stripped) > 2


def read(text: str) -> Any:
    """What a text says that is JSON; None where it is none."""
    if not is_json(text):
        return None
    try:
        return wire.loads(text)
    except (ValueError, RecursionError):
        return None


def _value(told: Any, key: str | None, level: int, budget: _Budget) -> Value:
    if isinstance(told, Mapping | list | tuple) and told:
        kind = "object" if isinstance(told, Mapping) else "array"
        if level == _LEVELS:
            return _text(kind, key, _compact(told), budget)
        members = tuple(_members(told, level, budget))
        return Value(kind, key, "", members, len(told))
    if isinstance(told, str):
        return _text("text", key, told, budget)
    if isinstance(told, bytes):
        return _text("text", key, told.hex(), budget)
    kind = "number" if isinstance(told, int | float) and not isinstance(told, bool) else "word"
    return _text(kind, key, _compact(told), budget)


def _members(told: Any, level: int, budget: _Budget) -> Iterator[Value]:
    named = told.items() if isinstance(told, Mapping) else ((None, each) for each in told)
    for name, each in named:
        if not budget.take():
            return
        yield _value(each, None if name is None else str(name), level + 1, budget)


def _text(kind: str, key: str | None, text: str, budget: _Budget) -> Value:
    shown = budget.some(text)
    return Value(kind, key, shown, cut=len(text) - len(shown))


def _compact(told: Any) -> str:
    try:
        return json.dumps(told, ensure_ascii=False, default=str)
    except (ValueError, RecursionError):
        return "…"
