"""Which steps of a trace are shown, and what sessions took over their traces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from otelier import semconv, wire
from otelier.store.spans import StoredSpan
from otelier.viewer.facts import Facts, failed, text
from otelier.viewer.forest import Node
from otelier.viewer.look import Look
from otelier.viewer.totals import Totals, added, totals

Nodes = Sequence[tuple[Node, Facts]]

_SESSIONS_TOLD: Final = 20


def matches(span: StoredSpan, look: Look) -> bool:
    """Whether the span contains the text that is looked for: its name, error and attributes."""
    pattern = look.pattern
    if pattern is None:
        return False
    said = (span.name, span.status_message, *map(_readable, span.attributes.values()))
    return any(pattern.search(words) for words in said)


def _readable(value: Any) -> str:
    """A value with its strings as people read them: JSON writes some characters as escapes."""
    if isinstance(value, str) and value[:1] in ("[", "{", '"') and "\\" in value:
        try:
            return "\n".join([value, *_strings(wire.loads(value))])
        except (ValueError, RecursionError):
            return value
    return value if isinstance(value, str) else "\n".join(_strings(value))


def _strings(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Mapping):
            waiting += [*value.keys(), *value.values()]
        elif isinstance(value, list | tuple):
            waiting += value
        elif value is not None:
            yield str(value)


def sessions_of(span: StoredSpan) -> tuple[str, ...]:
    """The session and the conversation that a span says it belongs to."""
    ids = (text(span.attributes, name) for name in (semconv.SESSION_ID, semconv.CONVERSATION_ID))
    return tuple(dict.fromkeys(id for id in ids if id))


def of_session(node: Node, session: str) -> bool:
    """Whether the step, or else the nearest one above it that names any, names the session."""
    above: Node | None = node
    while above is not None:
        if named := sessions_of(above.span):
            return session in named
        above = above.parent
    return False


def owned(nodes: Nodes, session: str) -> Nodes:
    """A session's steps of a trace: all, if the trace names no other session; of no session all."""
    if not session or _named(nodes) == [session]:
        return nodes
    return [pair for pair in nodes if of_session(pair[0], session)]


def chosen(nodes: Nodes, look: Look) -> frozenset[int]:
    """The ids of the nodes to show: all, or those that the look asks for and what is above them.

    A trace must have what each option asks for; of its steps, those of any of them are shown.
    """
    mine = owned(nodes, look.session)
    if not look.errors and not look.grep and len(mine) == len(nodes):
        return frozenset(id(node) for node, _ in nodes)
    broken = [node for node, known in mine if look.errors and known.failed]
    found = [node for node, _ in mine if matches(node.span, look)]
    if (look.errors and not broken) or (look.grep and not found):
        return frozenset()
    wanted = [*broken, *found] if look.errors or look.grep else [node for node, _ in mine]
    kept: set[int] = set()
    for node in wanted:
        above: Node | None = node
        while above is not None and id(above) not in kept:
            kept.add(id(above))
            above = above.parent
    return frozenset(kept)


def asked_for(look: Look) -> frozenset[str]:
    """What a trace must have to be shown."""
    options = {"session": look.session, "errors": look.errors, "grep": look.grep}
    return frozenset(name for name, value in options.items() if value)


def has(span: StoredSpan, look: Look) -> Iterator[str]:
    """What of that a span has."""
    if look.session and look.session in sessions_of(span):
        yield "session"
    if look.errors and failed(span):
        yield "errors"
    if look.grep and matches(span, look):
        yield "grep"


class Sessions:
    """Sums by session over the traces that are shown."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._sums: dict[str, tuple[int, Totals]] = {}

    def add(self, nodes: Nodes) -> None:
        """Add a trace; of one with several sessions each has its own steps."""
        asked = self._look.session
        for session in [asked] if asked else _named(nodes):
            number, sums = self._sums.get(session, (0, Totals()))
            self._sums[session] = number + 1, added(sums, totals(owned(nodes, session)))

    def told(self) -> Iterator[tuple[str, int, Totals]]:
        """The sessions of more than one trace: name, number of traces, sums."""
        several = [(name, *told) for name, told in self._sums.items() if told[0] > 1]
        yield from several if self._look.full else several[-_SESSIONS_TOLD:]


def _named(nodes: Nodes) -> list[str]:
    return list(dict.fromkeys(id for node, _ in nodes for id in sessions_of(node.span)[:1]))
