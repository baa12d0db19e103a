"""Attributes of some spans, where the views of calls do not have them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from otelier import wire
from otelier.questions.asking import one_of

if TYPE_CHECKING:
    from otelier.store.engine import Engine

T = TypeVar("T")

# A span's trace, and its own id.
Place: TypeAlias = tuple[str, str]
# Spans that are asked about at a time.
_PORTION: Final = 64
_MESSAGES: Final = (
    "SELECT trace_id, span_id, max(status_message) AS message FROM otelier.spans "
    "WHERE {traces} AND {spans} GROUP BY trace_id, span_id"
)
_VALUES: Final = (
    "SELECT trace_id, span_id, key, value FROM otelier.attributes "
    "WHERE {traces} AND {spans} AND {keys}"
)


def place(row: Mapping[str, Any]) -> Place:
    """Where a row's span is."""
    return row["trace_id"], row["span_id"]


def messages(engine: Engine, places: Iterable[Place]) -> dict[Place, str]:
    """Of each of these spans that failed what its failure said."""
    found: dict[Place, str] = {}
    for portion in portions(places, _PORTION):
        traces, given = one_of("trace_id", dict.fromkeys(of for of, _ in portion))
        spans, more = one_of("span_id", dict.fromkeys(own for _, own in portion))
        query = _MESSAGES.format(traces=traces, spans=spans)
        for trace_id, span_id, message in engine.ask(query, {**given, **more}).rows:
            found[str(trace_id), str(span_id)] = str(message)
    return found


def attributes(
    engine: Engine, places: Iterable[Place], keys: Sequence[str]
) -> dict[Place, dict[str, str]]:
    """Of each of these spans those of the attributes that it has, as texts."""
    found: dict[Place, dict[str, str]] = {}
    for portion in portions(places, _PORTION):
        traces, given = one_of("trace_id", dict.fromkeys(of for of, _ in portion))
        spans, more = one_of("span_id", dict.fromkeys(own for _, own in portion))
        named, names = one_of("key", keys)
        query = _VALUES.format(traces=traces, spans=spans, keys=named)
        for trace_id, span_id, key, value in engine.ask(query, {**given, **more, **names}).rows:
            found.setdefault((str(trace_id), str(span_id)), {})[str(key)] = str(value)
    return found


def portions(rest: Iterable[T], most: int) -> Iterator[list[T]]:
    """So many at a time."""
    taken = iter(rest)
    while portion := list(islice(taken, most)):
        yield portion


def data(told: str) -> Any:
    """What an attribute says that may be JSON; None for nothing."""
    try:
        return wire.loads(told) if told else None
    except (ValueError, RecursionError):
        return told
