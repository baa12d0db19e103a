"""Tries of one step: the same call again, in the same trace, after it has failed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from otelier import semconv
from otelier.questions import moments
from otelier.questions.about.details import Place, place, portions
from otelier.questions.asking import one_of

if TYPE_CHECKING:
    from otelier.store.engine import Engine

Row = Mapping[str, Any]
# Steps that may be tries of one: of a trace, under one span, of one operation.
_Under: TypeAlias = tuple[str, str, str]

# Traces that are asked about at a time.
_PORTION: Final = 20
# Steps around a failure that are compared with it, on either side.
_AROUND: Final = 16
_STEPS: Final = (
    "SELECT trace_id, span_id, parent_id, operation, name, model, status, error, time, seconds "
    "FROM otelier.calls WHERE {traces} AND {parents} ORDER BY time, span_id"
)
# What was asked, as a number for each text: the texts themselves stay in the store.
_SAME: Final = (
    "SELECT trace_id, span_id, dense_rank() OVER (ORDER BY key, value) AS asked "
    "FROM otelier.attributes WHERE {traces} AND {spans} AND {keys}"
)
# The local store knows a list of messages by its number.
_SAME_OF_SQLITE: Final = (
    "SELECT trace_id, span_id, -input AS asked FROM otelier.span "
    "WHERE {traces} AND {spans} AND input != 0"
)
_GIVEN: Final = (semconv.TOOL_CALL_ARGUMENTS, semconv.RETRIEVAL_QUERY)
# What a try tells of itself.
_TOLD: Final = ("span_id", "name", "model", "status", "error", "time", "seconds")


def tries(engine: Engine, failures: Sequence[Row]) -> dict[Place, list[dict[str, Any]]]:
    """Of failures all tries of the same step, in their order; none where there was only one.

    ``failures``: rows with ``trace_id``, ``span_id``, ``parent_id`` and ``operation``. The same
    step is what stands under the same span and was asked the same; where that is not recorded,
    what has the same name. It ends with the first try that did not fail. Each tells ``span_id``,
    ``name``, ``model``, ``status``, ``error``, ``time``, ``seconds``.
    """
    found: dict[Place, list[dict[str, Any]]] = {}
    for portion in portions(failures, _PORTION):
        steps = _steps(engine, portion)
        near = [each for row in portion for each in _near(steps, row)]
        asked = _asked(engine, near)
        for row in portion:
            tried = _tried(_near(steps, row), row, asked)
            if len(tried) > 1:
                found[place(row)] = [{name: each[name] for name in _TOLD} for each in tried]
    return found


def _steps(engine: Engine, failures: Iterable[Row]) -> dict[_Under, list[Row]]:
    rows = list(failures)
    traces, given = one_of("trace_id", dict.fromkeys(row["trace_id"] for row in rows))
    parents, more = one_of("parent_id", dict.fromkeys(row["parent_id"] for row in rows))
    found: dict[_Under, list[Row]] = {}
    query = _STEPS.format(traces=traces, parents=parents)
    for row in engine.ask(query, {**given, **more}).dicts():
        found.setdefault(_under(row), []).append({**row, "time": str(row["time"])})
    return found


def _near(steps: Mapping[_Under, Sequence[Row]], failure: Row) -> Sequence[Row]:
    beside = steps.get(_under(failure), ())
    at = next((n for n, row in enumerate(beside) if row["span_id"] == failure["span_id"]), 0)
    return beside[max(0, at - _AROUND) : at + _AROUND + 1]


def _tried(beside: Sequence[Row], failure: Row, asked: Mapping[Place, int]) -> list[Row]:
    """The failure among those before and after it that are tries of the same."""
    at = next((n for n, row in enumerate(beside) if row["span_id"] == failure["span_id"]), None)
    if at is None:
        return []
    own = beside[at]
    same = [row for row in beside if row is own or _is_same(row, own, asked)]
    at = same.index(own)
    first = at
    while first and same[first - 1]["status"] == "error" and _follows(same[first], same[first - 1]):
        first -= 1
    last = at
    while last + 1 < len(same) and same[last]["status"] == "error":
        if not _follows(same[last + 1], same[last]):
            break
        last += 1
    return same[first : last + 1]


def _is_same(one: Row, other: Row, asked: Mapping[Place, int]) -> bool:
    known, others = asked.get(place(one)), asked.get(place(other))
    if known is None and others is None:
        return bool(one["name"] == other["name"])
    return known == others


def _follows(later: Row, earlier: Row) -> bool:
    """Whether it began when the other one was over: what runs beside it is no try again."""
    began, ended = moments.read(later["time"]), moments.read(earlier["time"])
    return began >= moments.later(ended, earlier["seconds"])


def _asked(engine: Engine, steps: Iterable[Row]) -> dict[Place, int]:
    """By step what it was asked, where that is recorded: the same number for the same.

    All at once: numbers of two queries have nothing to do with each other.
    """
    places = list(dict.fromkeys(map(place, steps)))
    if not places:
        return {}
    traces, given = one_of("trace_id", dict.fromkeys(of for of, _ in places))
    spans, more = one_of("span_id", dict.fromkeys(own for _, own in places))
    local = engine.dialect == "sqlite"
    keys, names = one_of("key", _GIVEN if local else (semconv.INPUT_MESSAGES, *_GIVEN))
    query = _SAME.format(traces=traces, spans=spans, keys=keys)
    rows = list(engine.ask(query, {**given, **more, **names}).rows)
    if local:
        query = _SAME_OF_SQLITE.format(traces=traces, spans=spans)
        rows += engine.ask(query, {**given, **more}).rows
    return {(str(trace_id), str(span_id)): int(number) for trace_id, span_id, number in rows}


def _under(row: Row) -> _Under:
    return row["trace_id"], row["parent_id"], row["operation"]
