"""A trace for somebody who has nothing but it: where its steps stand, and what is said above them.

No script folds or looks anything up there: lists in lists, and what an earlier step has shown is
shown there alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from otelier import semconv, wire
from otelier.store.redacting import Redactor
from otelier.store.spans import StoredResource
from otelier.viewer.facts import objects, structure, text
from otelier.web.shown import step, values
from otelier.web.shown.chat import Bubble
from otelier.web.shown.step import Step
from otelier.web.shown.tree import Nodes
from otelier.web.shown.values import Value

# Levels of lists: a browser takes some 500 levels of elements, and each of these takes three.
_DEEPEST: Final = 100
# Longer lists below a step are folded at first.
_LONG: Final = 100
# Of a conversation that no step before has shown, so many messages are seen at once.
_SEEN: Final = 12
# What an id has to be to be a part of an address.
_PLAIN: Final = re.compile(r"[0-9A-Za-z_-]{1,64}")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a step stands in lists within lists."""

    anchor: str
    """The part of an address behind ``#`` that leads to it."""
    below: int
    """How many steps are below it."""
    opens: bool
    """Whether a list of these follows."""
    folded: bool
    """Whether that list is folded at first."""
    closes: int
    """How many lists end behind it."""
    level: int
    """Its level, where that is deeper than lists go; else 0."""


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence about the whole, for its reader."""

    text: str
    warns: bool = False


@dataclass(frozen=True, slots=True)
class Program:
    """What made some of the spans."""

    number: int
    name: str
    attributes: tuple[Value, ...]


def places(found: Nodes) -> Iterator[Place]:
    """A place for each step, parents before children."""
    depths = [min(node.depth, _DEEPEST) for node, _ in found]
    below, children = _below(found)
    taken: set[str] = set()
    for index, (node, _) in enumerate(found):
        following = depths[index + 1] if index + 1 < len(found) else 0
        anchor = anchor_of(node.span.span_id)
        if not anchor or anchor in taken:
            anchor = f"step-{index + 1}"
        taken.add(anchor)
        yield Place(
            anchor,
            below[index],
            following > depths[index],
            children[index] > _LONG and index > 0,
            max(0, depths[index] - following),
            node.depth if node.depth > _DEEPEST else 0,
        )


def anchor_of(span_id: str) -> str:
    """How a span is called in an address; empty where its id cannot be in one."""
    return f"span-{span_id}" if _PLAIN.fullmatch(span_id) else ""


def _below(found: Nodes) -> tuple[list[int], list[int]]:
    """How many steps are below each, and how many of them have nothing in between."""
    index_of = {id(node): index for index, (node, _) in enumerate(found)}
    below, children = [0] * len(found), [0] * len(found)
    for index in range(len(found) - 1, -1, -1):
        above = index_of.get(id(found[index][0].parent))
        if above is not None:
            below[above] += below[index] + 1
            children[above] += 1
    return below, children


def opened(found: Nodes, most: int = 3) -> frozenset[int]:
    """The steps that a reader sees whole at first: failures, else the first that says something."""
    failed = [index for index, (_, known) in enumerate(found) if known.failed and known.label]
    # A failure is told by all that are above it.
    passed = {id(found[index][0].parent) for index in failed}
    own = [index for index in failed if id(found[index][0]) not in passed]
    if own:
        return frozenset(own[:most])
    said = (
        index
        for index, (node, known) in enumerate(found)
        if known.label and semconv.OUTPUT_MESSAGES in node.span.attributes
    )
    return frozenset((next(said, 0),))


@dataclass(frozen=True, slots=True)
class Asked:
    """What a step is sent and no step before has shown."""

    older: Sequence[Bubble]
    """What is folded at first."""
    count: int
    """How many messages that is: results stand beside their calls."""
    newest: Sequence[Bubble]


def asked(made: Step) -> Asked:
    """A long history is seen from the last question on, without one from the last answer on."""
    told = made.messages
    if len(told) > _SEEN:
        roles = [bubble.role for bubble in told]
        sent = structure(made.span.attributes, semconv.INPUT_MESSAGES)[made.before :]
        for role in ("user", "assistant"):
            at = _last(roles, role)
            if at:
                count = _last([each.get("role") for each in objects(sent)], role)
                return Asked(told[:at], count, told[at:])
    return Asked((), 0, told)


def _last(roles: Sequence[Any], role: str) -> int:
    """Where it is for the last time; 0 if it is nowhere."""
    return next((at for at in range(len(roles) - 1, 0, -1) if roles[at] == role), 0)


def repeated(made: Step) -> Sequence[Bubble]:
    """The messages that a step before has shown."""
    return step.above(made.span, made.before, bounds=values.file())[1]


class Shown:
    """Where that stands which later steps do not show again."""

    def __init__(self) -> None:
        self._last: dict[str, str] = {}
        self._first: dict[tuple[str, str, int], str] = {}

    def before(self, made: Step) -> str:
        """The anchor of the step before, of the same conversation; empty without one."""
        return self._last.get(_conversation(made), "")

    def same(self, made: Step) -> dict[str, str]:
        """What is as it was in a step before, and the anchor of that."""
        return {
            what: where
            for name, what in _SAME.items()
            if name in made.same and (where := self._first.get(_key(made, name)))
        }

    def add(self, made: Step, anchor: str) -> None:
        """A step that is shown."""
        if semconv.INPUT_MESSAGES not in made.span.attributes:
            return
        self._last[_conversation(made)] = anchor
        for name in _SAME:
            if name in made.span.attributes:
                self._first.setdefault(_key(made, name), anchor)


_SAME: Final[Mapping[str, str]] = {
    semconv.SYSTEM_INSTRUCTIONS: "system instructions",
    semconv.TOOL_DEFINITIONS: "tools",
}


def _key(made: Step, name: str) -> tuple[str, str, int]:
    return _conversation(made), name, hash(str(made.span.attributes[name]))


def _conversation(made: Step) -> str:
    """What steps have in common that repeat each other's messages."""
    return text(made.span.attributes, semconv.CONVERSATION_ID)


def programs(resources: Sequence[StoredResource]) -> tuple[list[Program], list[int]]:
    """What made the spans, each once; and for each of these resources which of them it is."""
    numbers: dict[bytes, int] = {}
    found: list[Program] = []
    told: list[int] = []
    for resource in resources:
        key = wire.encoded(dict(resource.attributes))
        number = numbers.setdefault(key, len(numbers) + 1)
        if number > len(found):
            name = text(resource.attributes, "service.name")
            listed = step.sorted_values(resource.attributes, values.FILE)
            found.append(Program(number, name, listed))
        told.append(number)
    return found, told


def rules(redactor: Redactor) -> Iterator[Note]:
    """What was done so that no secrets are in it."""
    policy = redactor.policy
    if policy.redacts:
        own = f" and {_counted(policy.patterns, 'pattern')} of the user's own"
        rules = f"the built-in rules{own if policy.patterns else ''}"
        yield Note(f"Secrets were looked for once more when this was written, by {rules}.")
    else:
        yield Note(
            "Secrets were NOT looked for when this was written: OTELIER_REDACT is off.", True
        )
    if policy.masks:
        left = redactor.left_out
        told = f", which left out {_counted(left, 'text')}" if left else ""
        yield Note(f"Content went through the program's own mask{told}.", left > 0)


def left_out(spans: int, shown: int, without: int, most_bytes: int) -> Iterator[Note]:
    """What is missing: whole spans, and what is in steps that would be too much."""
    if spans > shown:
        yield Note(f"Of {spans:,} spans the first {shown:,} are here.", True)
    if without:
        size = f"{most_bytes / (1 << 20):g} MB"
        yield Note(f"Of {_counted(without, 'step')} only the row is here: more than {size}.", True)


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
