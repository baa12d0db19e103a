"""What is printed of a conversation: bubbles of its messages, and what is known of its calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, TypeAlias

from otelier import semconv
from otelier.web.shown import chat, values
from otelier.web.shown.chat import Bubble, Ran
from otelier.web.shown.step import ERROR, Fact, cut
from otelier.web.shown.talk import Entry, called
from otelier.web.shown.values import Bounds

# Trace and span.
Place: TypeAlias = tuple[str, str]
# What is asked of each call, beside what its messages tell.
ATTRIBUTES: Final = (
    *ERROR.values(),
    semconv.CONTENT_TRUNCATED,
    semconv.CONTENT_TRUNCATED_CHARACTERS,
    semconv.CONTENT_DROPPED_MESSAGES,
)


@dataclass(frozen=True, slots=True)
class Around:
    """What is known of the steps around messages."""

    ran: Mapping[Place, Sequence[tuple[datetime, Ran]]] = field(default_factory=dict)
    """By trace and id of a call: the steps that ran it, in order of time."""
    attributes: Mapping[Place, Mapping[str, str]] = field(default_factory=dict)
    """Of model calls, those of ``ATTRIBUTES`` that they have."""
    failures: Mapping[Place, str] = field(default_factory=dict)
    """What steps that failed say of it."""


@dataclass(frozen=True, slots=True)
class Item:
    """An entry of a conversation as it is printed."""

    entry: Entry
    bubbles: tuple[Bubble, ...] = ()
    error: tuple[Fact, ...] = ()
    """Of a step that failed: what it says."""
    cut: str = ""
    """Where content was cut when it was recorded: how much of it."""


def items(entries: Sequence[Entry], around: Around, *, plain: bool = False) -> list[Item]:
    """What is printed of entries. ``plain``: no Markdown."""
    bounds = values.page()
    return [_item(entry, around, plain, bounds) for entry in entries]


def _item(entry: Entry, around: Around, plain: bool, bounds: Bounds) -> Item:
    if entry.kind == "message":
        return Item(entry, tuple(_bubbles(entry, around, plain, bounds)))
    if entry.kind == "trace":
        return Item(entry)
    place = (entry.about.trace_id, entry.about.span_id)
    told = around.attributes.get(place, {})
    if not entry.about.error:
        return Item(entry, cut=_cut(told))
    error = [Fact("type", entry.about.error)]
    if said := around.failures.get(place):
        error.append(Fact("message", said))
    error += [Fact(what, told[name]) for what, name in ERROR.items() if name in told]
    return Item(entry, error=tuple(error), cut=_cut(told))


def _bubbles(entry: Entry, around: Around, plain: bool, bounds: Bounds) -> Sequence[Bubble]:
    """A message, with what its calls gave beside them."""
    row = entry.about
    results = {"role": "tool", "parts": list(entry.results)}
    ran = {}
    for call in called([entry]):
        steps = around.ran.get((row.trace_id, call), ())
        # An id may be that of many calls: the first step that began after this one is meant.
        if step := next((step for time, step in steps if time >= row.time), None):
            ran[call] = step
    messages = [entry.message, *([results] if entry.results else [])]
    output = row.direction == "output"
    return chat.bubbles(messages, output=output, plain=plain, ran=ran, bounds=bounds)


def _cut(told: Mapping[str, str]) -> str:
    """What ``step.cut`` says of attributes that are texts."""
    counts = {name: int(value) for name, value in told.items() if value.isdecimal()}
    truncated = told.get(semconv.CONTENT_TRUNCATED) == "true"
    return cut({**counts, semconv.CONTENT_TRUNCATED: truncated})
