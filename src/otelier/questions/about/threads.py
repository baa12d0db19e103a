"""Sessions and conversations: which ones, and what each came to.

The last ones are looked for among the newest calls, a portion after the other, until there are
enough; then only the calls of these are read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from otelier.questions import columns as c
from otelier.questions import parameters as p
from otelier.questions.about.outlines import ended, texts, total
from otelier.questions.asking import bound, filters, one_of
from otelier.questions.model import Column, Parameter, Question, Values

if TYPE_CHECKING:
    from otelier.store.engine import Engine
    from otelier.store.engine import Parameter as Bound

Row = Mapping[str, Any]
# A thread: its tenant and its id, which those of several tenants may have.
Thread: TypeAlias = tuple[str, str]

# Calls that are looked at first, then in the following portions.
_FIRST: Final = 1024
_MORE: Final = 4
_MOST: Final = 1 << 16
# Threads that are asked about at a time.
_PORTION: Final = 200

# Each is asked of sessions or conversations: ``{of}``.
_NEWEST: Final = (
    "SELECT tenant, {of} AS thread, time, trace_id, span_id FROM otelier.calls "
    "WHERE {of} != '' AND {filters}{behind} "
    "ORDER BY time DESC, trace_id DESC, span_id DESC LIMIT {most}"
)
_BEHIND: Final = (
    " AND time <= :at AND (time < :at OR trace_id < :of_trace "
    "OR (trace_id = :of_trace AND span_id < :of_span))"
)
_RANKED: Final = (
    "SELECT tenant, {of} AS thread, {rank} AS rank FROM otelier.{view} AS {view} "
    "WHERE {of} != '' AND {filters} "
    "GROUP BY {of}, tenant ORDER BY rank DESC NULLS LAST, thread, tenant {page}"
)
# What is ranked: by which view, and what of it.
_RANKS: Final = {"last": ("calls", "max(time)"), "cost": ("spent", "sum(spent.cost)")}
_OWN: Final = (
    "SELECT tenant, {of} AS thread, max(session) AS session, "
    "count(DISTINCT CASE WHEN user != '' THEN user END) AS users, max(user) AS user, "
    "min(time) AS first, max(time) AS last, count(DISTINCT trace_id) AS traces, "
    "sum(model_call) AS calls, sum(error != '') AS errors, "
    "{ended} AS ended "
    "FROM otelier.calls WHERE {these} AND {filters} GROUP BY tenant, {of}"
)
_USED: Final = tuple(column.name for column in c.USED[:2])
_MISSING: Final = tuple(column.name for column in c.MISSING)
# By their traces: sums of what was paid for are otherwise made of all of it.
_SPENT: Final = (
    "SELECT tenant, {of} AS thread, model, min(time) AS began, "
    + ", ".join(f"sum({name}) AS {name}" for name in ("cost", *_USED, *_MISSING))
    + " FROM otelier.spent "
    "WHERE trace_id IN (SELECT trace_id FROM otelier.calls WHERE {these} AND {filters}) "
    "AND {these} AND {filters} GROUP BY tenant, {of}, model ORDER BY began, model"
)
_EARLIEST: Final = (
    "SELECT tenant, thread, trace_id FROM (SELECT tenant, {of} AS thread, trace_id, "
    "row_number() OVER (PARTITION BY tenant, {of} ORDER BY model_call DESC, time, span_id) "
    "AS place FROM otelier.calls WHERE {these} AND {filters}) AS placed WHERE place = 1"
)


def _threads(of: str, engine: Engine, values: Values, rows: Sequence[Row]) -> Iterator[Row]:
    """The rows: of sessions or conversations."""
    found = iter(_found(engine, of, values))
    while portion := list(islice(found, _PORTION)):
        yield from _told(engine, of, values, portion)


def _found(engine: Engine, of: str, values: Values) -> Iterator[Thread]:
    """Which ones, in their order."""
    limit, skip = int(str(values["limit"])), int(str(values["skip"]))
    if values["order"] == "last" and values[of] is None and limit:
        yield from islice(_newest(engine, of, values), skip, skip + limit)
        return
    view, rank = _RANKS[str(values["order"])]
    # Engines want a limit where something is left out.
    page = f"LIMIT {limit or 1 << 62} OFFSET {skip}"
    for row in _asked(engine, of, values, _RANKED, view=view, rank=rank, page=page):
        yield row["tenant"], row["thread"]


def _newest(engine: Engine, of: str, values: Values) -> Iterator[Thread]:
    seen: set[Thread] = set()
    behind: dict[str, str] = {}
    most = _FIRST
    while True:
        told = _BEHIND if behind else ""
        calls = list(_asked(engine, of, values, _NEWEST, behind, behind=told, most=most))
        for row in calls:
            thread = (row["tenant"], row["thread"])
            if thread not in seen:
                seen.add(thread)
                yield thread
        if len(calls) < most:
            return
        last = calls[-1]
        behind = {"at": last["time"], "of_trace": last["trace_id"], "of_span": last["span_id"]}
        most = min(most * _MORE, _MOST)


def _told(engine: Engine, of: str, values: Values, found: Sequence[Thread]) -> Iterator[Row]:
    """A row for each of these, of its calls that fit."""
    from otelier.store.rows import nanoseconds

    these, given = one_of(of, dict.fromkeys(thread for _, thread in found))

    def asked(sql: str) -> Iterator[Row]:
        return _asked(engine, of, values, sql, given, these=these)

    own = {_key(row): row for row in asked(_OWN)}
    spent: dict[Thread, list[Row]] = {}
    for row in asked(_SPENT):
        spent.setdefault(_key(row), []).append(row)
    traces = {_key(row): row["trace_id"] for row in asked(_EARLIEST)}
    said = texts(engine, list(dict.fromkeys(traces[thread] for thread in found if thread in own)))
    for thread in found:
        # What was deleted meanwhile is there no more.
        if thread in own:
            yield {
                **own[thread],
                of: thread[1],
                "seconds": (own[thread]["ended"] - nanoseconds(own[thread]["first"])) / 1e9,
                **_summed(spent.get(thread, [])),
                "text": said.get(traces[thread], ""),
            }


def _summed(spent: Sequence[Row]) -> Row:
    return {
        **{name: total(spent, name) for name in ("cost", *_USED)},
        **{name: sum(int(row[name]) for row in spent) for name in _MISSING},
        "models": tuple(dict.fromkeys(row["model"] for row in spent if row["model"])),
    }


def _key(row: Row) -> Thread:
    return row["tenant"], row["thread"]


def _asked(
    engine: Engine,
    of: str,
    values: Values,
    sql: str,
    given: Mapping[str, Bound] = {},
    **parts: Any,
) -> Iterator[dict[str, Any]]:
    told = filters(_PARAMETERS[of], values)
    query = sql.format(of=of, filters=told, ended=ended(engine), **parts)
    return engine.ask(query, {**bound(query, values), **given}).dicts()


_ORDER: Final = Parameter("order", "text", "what comes first", "last", choices=("last", "cost"))
_SKIP: Final = Parameter("skip", "int", "how many rows to leave out at the beginning", 0)
_PAGE: Final = (p.limit(50), _SKIP)
_PARAMETERS: Final = {
    "session": (_ORDER, *p.PERIOD, p.SESSION, p.USER, p.TENANT, p.TAG, *_PAGE),
    "conversation": (_ORDER, *p.PERIOD, *p.WHOSE, *_PAGE),
}
_THREAD: Final = (
    c.TENANT,
    Column("users", "int", "how many users took part", hidden=True),
    Column("user", "text", "one of its users"),
    Column("first", "time", "when its first call began"),
    Column("last", "time", "when its last call began", hidden=True),
    replace(
        c.SECONDS, help="from where its first call begins to where the last one ends", hidden=True
    ),
    Column("traces", "int", "traces"),
    c.CALLS,
    c.FAILURES,
    c.PAID,
    *c.MISSING,
    *c.USED[:2],
    Column("models", "list", "the models that were paid for", hidden=True),
    Column("text", "text", "what a user asked first: the first 200 characters", hidden=True),
)

SESSIONS: Final = Question(
    "sessions",
    "Session",
    "Sessions with their calls, tokens and cost; the last ones or the dearest first.",
    'sessions(order="cost", limit=10)',
    _PARAMETERS["session"],
    (Column("session", "text", "the session"), *_THREAD),
    None,
    partial(_threads, "session"),
    budget={"limit": 0},
)

CONVERSATIONS: Final = Question(
    "conversations",
    "Conversation",
    "Conversations with their calls, tokens and cost; the last ones or the dearest first.",
    'conversations(user="ada")',
    _PARAMETERS["conversation"],
    (
        Column("conversation", "text", "the conversation"),
        Column("session", "text", "one of its sessions"),
        *_THREAD,
    ),
    None,
    partial(_threads, "conversation"),
)

QUESTIONS: Final = (SESSIONS, CONVERSATIONS)
