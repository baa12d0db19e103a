"""Two traces beside each other: their sums, and their steps by the path of their names."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

from otelier.store.spans import StoredSpan
from otelier.viewer.facts import Facts, facts
from otelier.viewer.forest import Node
from otelier.viewer.totals import Totals, totals
from otelier.web.shown import tree
from otelier.web.shown.measures import Measure, measure
from otelier.web.shown.tree import Nodes

# What a step is called among its siblings, and which of those with that name it is.
Key: TypeAlias = tuple[str, str, int]
# Levels that are indented.
_DEEP: Final = 12


@dataclass(frozen=True, slots=True)
class Side:
    """A step of one of the traces."""

    span_id: str
    model: str
    time: str
    tokens: str
    cost: str
    error: str


class Pair(NamedTuple):
    """A step that both have, or one: where it is in each."""

    depth: int
    a: int | None
    b: int | None


@dataclass(frozen=True, slots=True)
class Row:
    """A step that both have, or one."""

    depth: int
    label: str
    kind: str
    name: str
    a: Side | None
    b: Side | None
    time: Measure
    cost: Measure


def sums(a: Nodes, b: Nodes) -> list[Measure]:
    """What both took; what neither has is left out."""
    one, other = totals(a), totals(b)
    partial = (_partial(one), _partial(other))
    found = [
        measure("cost", "USD", one.cost, other.cost, partial=partial),
        measure("time", "s", one.seconds, other.seconds),
        measure("tokens read", "tokens", one.tokens.input, other.tokens.input),
        measure("of these cached", "tokens", one.tokens.cached, other.tokens.cached),
        measure("tokens written", "tokens", one.tokens.output, other.tokens.output),
        measure("of these reasoning", "tokens", one.tokens.reasoning, other.tokens.reasoning),
        measure("errors", "errors", one.errors, other.errors),
        measure("model calls", "", one.calls, other.calls),
        measure("tool calls", "", one.tools, other.tools),
        measure("calls without a known price", "", one.unpriced, other.unpriced),
        measure("spans", "", len(a), len(b)),
    ]
    return [each for each in found if {each.a, each.b} - _NOTHING or each.name in _ALWAYS]


_NOTHING: Final = frozenset({"0", "–"})
_ALWAYS: Final = frozenset({"cost", "time", "errors"})


def _partial(sums: Totals) -> bool:
    return sums.partial > 0 or sums.unpriced > 0


def pairs(a: Nodes, b: Nodes) -> list[Pair]:
    """All steps of both, parents before children; those of one alone where they would be."""
    below_a, below_b = _children(a), _children(b)
    roots = _aligned(below_a[None], below_b[None])
    if len(below_a[None]) == len(below_b[None]) == 1:
        # Whatever they are called: who compares two traces means their roots.
        roots = [(below_a[None][0][1], below_b[None][0][1])]
    found: list[Pair] = []
    waiting = [(each, 0) for each in reversed(roots)]
    while waiting:
        (one, other), depth = waiting.pop()
        found.append(Pair(depth, one, other))
        inner = _aligned(
            () if one is None else below_a[one], () if other is None else below_b[other]
        )
        waiting += [(each, depth + 1) for each in reversed(inner)]
    return found


# A key and a place; the places of a step in both.
_Child: TypeAlias = tuple[Key, int]
_Places: TypeAlias = tuple[int | None, int | None]


def _children(found: Nodes) -> dict[int | None, list[_Child]]:
    """By the place of a step those of the steps below it, with their keys."""
    places = {id(node): place for place, (node, _) in enumerate(found)}
    below: dict[int | None, list[_Child]] = defaultdict(list)
    seen: dict[int | None, Counter[tuple[str, str]]] = defaultdict(Counter)
    for place, (node, known) in enumerate(found):
        above = places.get(id(node.parent))
        name = (known.label, known.name)
        seen[above][name] += 1
        below[above].append(((*name, seen[above][name]), place))
    return below


def _aligned(a: Sequence[_Child], b: Sequence[_Child]) -> list[_Places]:
    """Siblings of both in order; those of one alone behind the one that they follow there."""
    in_b = dict(b)
    in_a = {key for key, _ in a}
    # By the key before: what only the other has behind it.
    behind: dict[Key | None, list[int]] = defaultdict(list)
    last: Key | None = None
    for key, place in b:
        if key in in_a:
            last = key
        else:
            behind[last].append(place)
    found: list[_Places] = [(None, place) for place in behind[None]]
    for key, place in a:
        found.append((place, in_b.get(key)))
        found += [(None, other) for other in behind[key]]
    return found


def row(found: Pair, a: Nodes, b: Nodes) -> Row:
    """A pair as a page shows it."""
    one = None if found.a is None else a[found.a]
    other = None if found.b is None else b[found.b]
    known_a, known_b = (one[1] if one else _NOBODY), (other[1] if other else _NOBODY)
    known = known_a if one else known_b
    names = dict.fromkeys(each[1].name for each in (one, other) if each and each[1].name)
    partial = (known_a.partial, known_b.partial)
    return Row(
        min(found.depth, _DEEP),
        known.label,
        tree.kind(known),
        " → ".join(names),
        _side(one),
        _side(other),
        measure("time", "s", known_a.seconds, known_b.seconds),
        measure("cost", "USD", known_a.cost, known_b.cost, partial=partial),
    )


# What is known of a step that is not there.
_NOBODY: Final = facts(StoredSpan(trace_id="", span_id="", parent_id=None, name=""))


def _side(told: tuple[Node, Facts] | None) -> Side | None:
    if told is None:
        return None
    node, known = told
    return Side(
        node.span.span_id,
        known.model,
        measure("", "s", known.seconds, None).a,
        tree.tokens(known),
        tree.cost(known),
        (known.error_type or known.error_message or "failed") if known.failed else "",
    )
