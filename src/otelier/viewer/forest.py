"""Spans arranged as trees, whatever their ids and parents say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from otelier.store.index import unique
from otelier.store.spans import StoredSpan


@dataclass(frozen=True, slots=True)
class Node:
    """A span and its place."""

    span: StoredSpan
    parent: Node | None
    depth: int
    last: bool
    """Whether no sibling follows."""


def traces(spans: Iterable[StoredSpan]) -> list[list[StoredSpan]]:
    """The spans grouped by trace; traces and the spans in each in order of start."""
    groups: dict[str, list[StoredSpan]] = {}
    for span in spans:
        groups.setdefault(span.trace_id, []).append(span)
    return sorted(map(unique, groups.values()), key=lambda group: group[0].start_ns)


def walk(spans: Sequence[StoredSpan]) -> Iterator[Node]:
    """The spans of one trace (in order of start), parents before children, each exactly once.

    Roots are the spans without a parent or whose parent is not here; then what a cycle of parents
    keeps from being reached, from its earliest span on.
    """
    children: dict[str, list[StoredSpan]] = {}
    known = {span.span_id for span in spans}
    roots: list[StoredSpan] = []
    for span in spans:
        if span.parent_id is None or span.parent_id not in known:
            roots.append(span)
        else:
            children.setdefault(span.parent_id, []).append(span)
    placed = {id(span) for span in roots}
    yield from _descend(roots, children, placed)
    for span in spans:
        if id(span) not in placed:
            placed.add(id(span))
            yield from _descend([span], children, placed)


def _descend(
    roots: Sequence[StoredSpan], children: dict[str, list[StoredSpan]], placed: set[int]
) -> Iterator[Node]:
    # No recursion: a chain of spans may be thousands long.
    waiting = [Node(span, None, 0, last=True) for span in reversed(roots)]
    while waiting:
        node = waiting.pop()
        yield node
        below = [s for s in children.pop(node.span.span_id, ()) if id(s) not in placed]
        placed.update(map(id, below))
        for index, span in reversed(list(enumerate(below))):
            waiting.append(Node(span, node, node.depth + 1, last=index == len(below) - 1))
