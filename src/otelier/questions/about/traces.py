"""The list of traces: which ones, the newest first.

Those are looked for among the newest calls, a portion after the other, until there are enough: the
whole table is never grouped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from otelier.questions import columns as c
from otelier.questions import parameters as p
from otelier.questions.about.details import portions
from otelier.questions.about.outlines import outlined
from otelier.questions.asking import bound, filters, one_of
from otelier.questions.model import Column, Parameter, Question, Values

if TYPE_CHECKING:
    from otelier.store.engine import Engine

# When a call began, to the nanosecond, and its trace. The list is in the order of these.
Place: TypeAlias = tuple[str, str]

# Calls that are looked at first, then in the following portions.
_FIRST: Final = 256
_MORE: Final = 4
_MOST: Final = 1 << 16
# Traces that are asked about at a time.
_PORTION: Final = 64

_NEWEST: Final = (
    "SELECT time, trace_id FROM otelier.calls WHERE {filters}{behind} "
    "ORDER BY time DESC, trace_id DESC LIMIT {most}"
)
_BEHIND: Final = " AND time <= :at AND (time < :at OR trace_id < :of)"
# The limit, which none reaches, has these traces looked up, not all calls of a user, say.
_LAST: Final = (
    "SELECT trace_id, max(time) AS last FROM "
    "(SELECT * FROM otelier.calls WHERE {these} LIMIT 1000000000) AS own "
    "WHERE {filters} GROUP BY trace_id"
)


def _traces(
    engine: Engine, values: Values, rows: Sequence[Mapping[str, Any]]
) -> Iterator[Mapping[str, Any]]:
    limit = int(str(values["limit"]))
    found = islice(_found(engine, values), limit or None)
    for portion in portions(found, _PORTION):
        places = {trace_id: (time, trace_id) for time, trace_id in portion}
        for row in outlined(engine, list(places)):
            yield {**row, "cursor": _written(places[row["trace_id"]])}


def _found(engine: Engine, values: Values) -> Iterator[Place]:
    """Traces with a call that fits, at the place of the newest such call."""
    begin = place = _read(str(values["cursor"] or ""))
    seen: set[str] = set()
    most = _FIRST
    while True:
        calls = list(_newest(engine, values, place, most))
        fresh = [(time, of) for time, of in _first(calls) if of not in seen]
        seen.update(of for _, of in fresh)
        yield from fresh if begin is None else _unlisted(engine, values, fresh, begin)
        if len(calls) < most:
            return
        place = calls[-1]
        most = min(most * _MORE, _MOST)


def _newest(engine: Engine, values: Values, behind: Place | None, most: int) -> Iterable[Place]:
    """The newest calls that fit, or those behind a place. Two of a trace at a time are one."""
    query = _NEWEST.format(
        filters=filters(TRACES.parameters, values),
        behind="" if behind is None else _BEHIND,
        most=most,
    )
    given = bound(query, values)
    if behind is not None:
        given |= dict(zip(("at", "of"), behind, strict=True))
    return ((str(time), str(of)) for time, of in engine.ask(query, given).rows)


def _first(calls: Iterable[Place]) -> Iterator[Place]:
    """Each trace at its first place."""
    places: dict[str, Place] = {}
    for place in calls:
        places.setdefault(place[1], place)
    yield from places.values()


def _unlisted(
    engine: Engine, values: Values, found: Iterable[Place], begin: Place
) -> Iterator[Place]:
    """Without the traces that have a newer call that fits, at or before where a page begins."""
    for portion in portions(found, _PORTION):
        these, given = one_of("trace_id", [of for _, of in portion])
        query = _LAST.format(filters=filters(TRACES.parameters, values), these=these)
        rows = engine.ask(query, {**bound(query, values), **given}).rows
        last = {str(of): str(time) for of, time in rows}
        # What was forgotten meanwhile has no calls.
        yield from (place for place in portion if (last.get(place[1], ""), place[1]) < begin)


_CURSOR: Final = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}/[0-9a-f]*"


def _written(place: Place) -> str:
    """A place as a cursor."""
    time, of = place
    return f"{time.replace(' ', 'T')}/{of}"


def _read(cursor: str) -> Place | None:
    time, _, of = cursor.partition("/")
    return (time.replace("T", " "), of) if cursor else None


TRACES: Final = Question(
    "traces",
    "Trace",
    "The newest traces: what each was asked, what it took, what it cost.\n\n"
    "A trace is in the list if one of its calls fits all conditions; what is said of it is of all "
    "its calls. The order is that of the newest calls that fit. For the next page ask again with "
    "the last row's ``cursor``: no trace is there twice, none is left out; one that goes on "
    "meanwhile is at the top again. Traces of nothing but other libraries' spans are not in the "
    "list.",
    'traces(status="error", since="24h")',
    (
        *p.ALL,
        p.OPERATION,
        p.STATUS,
        p.ERROR,
        p.AGENT,
        p.TOOL,
        p.PROMPT,
        p.TASK,
        Parameter(
            "cursor",
            "text",
            "only what comes behind a row of this list: that row's cursor",
            form=_CURSOR,
        ),
        p.limit(20),
    ),
    (
        Column("time", "time", "when its first call began that is known"),
        Column("last", "time", "when its last call began", hidden=True),
        Column("name", "text", "its outermost call that is known"),
        replace(c.OPERATION, help="what that call did"),
        replace(c.STATUS, help="how that call ended: ok, error, or how it was left early"),
        replace(c.SECONDS, help="from where its first call begins to where the last one ends"),
        c.PAID,
        Column("text", "text", "what a user asked: the first 200 characters"),
        Column("trace_id", "text", "its id"),
        c.FAILURES,
        c.CALLS,
        Column("tools", "int", "tools that were run"),
        *c.MISSING,
        *c.USED,
        Column("models", "list", "the models that were paid for", hidden=True),
        Column("service", "text", "the service.name of its outermost call"),
        replace(c.SESSION, help="the first session that a call tells"),
        replace(c.USER, help="the first user that a call tells"),
        replace(c.TENANT, help="the first tenant that a call tells"),
        replace(c.CONVERSATION, help="the first conversation that a call tells"),
        Column("tags", "list", "the tags of its calls", hidden=True),
        Column("cursor", "text", "its place in the list: what comes behind it", hidden=True),
    ),
    None,
    _traces,
)

QUESTIONS: Final = (TRACES,)
