"""Questions for what was said."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from otelier import semconv
from otelier.questions import columns as c
from otelier.questions import parameters as p
from otelier.questions.about.details import data
from otelier.questions.about.newest import CURSOR, ORDER, after, written
from otelier.questions.asking import bound, filters, made, taken
from otelier.questions.model import Column, Parameter, Question, Values

if TYPE_CHECKING:
    from otelier.store.engine import Engine
    from otelier.store.searching import Search
    from otelier.store.sqlite import SQLite

Row = Mapping[str, Any]

# Texts with the words that are looked at, at the least, so that the newest are among them.
_ENOUGH: Final = 500
_CURSOR: Final = rf"\d{{1,19}}\.\d{{1,19}}|{CURSOR.form}"


@dataclass(frozen=True, slots=True)
class Page:
    """A part of what is found: rows of ``search``, or what they are made of."""

    rows: list[Any]
    # Behind what it comes to an end; '' where there is no more.
    cursor: str


def page(
    engine: Engine,
    given: Mapping[str, Any],
    effort: int | None = None,
    ready: Callable[[], bool] | None = None,
) -> Page:
    """What ``search(once=True)`` finds, told what is ``given``: its rows, and where it ends.

    ``effort``: how many texts of a local store it may look at; then there is a cursor, with fewer
    rows than were asked for, or none. ``ready``: brings its indexes up to date, and says whether it
    has. Raises as ``ask``.
    """
    values = taken(SEARCH, {**given, "once": True})
    found = _page(engine, values, effort, ready)
    return Page(made(SEARCH, _told(values, found.rows, found.cursor)), found.cursor)


def _search(engine: Engine, values: Values, rows: Sequence[Row]) -> Iterator[Row]:
    if values["once"]:
        found = _page(engine, values)
        yield from _told(values, found.rows, found.cursor)
        return
    limit = int(str(values["limit"]))
    local = _local(engine)
    hits = _asked(engine, values) if local is None else _all(_searching(local, values), limit)
    ordered = sorted(hits, key=lambda row: str(row["time"]), reverse=True)
    yield from _told(values, ordered[: limit or None], "")


def _told(values: Values, rows: Iterable[Row], cursor: str) -> Iterator[dict[str, Any]]:
    """Rows as they are read, each with the words around what was found."""
    from otelier.viewer.found import Found

    found = Found(str(values["text"]))
    for row in rows:
        text = _readable(str(row["text"]))
        yield {**row, "text": text, "snippet": found.snippet(text), "cursor": cursor}


def _readable(text: str) -> str:
    """A message as a person reads it: what calls and results of tools say, too."""
    from otelier.viewer.messages import conversation as spoken

    value = data(text) if text.startswith("{") else None
    if not isinstance(value, dict) or "parts" not in value:
        return text
    said = spoken({semconv.INPUT_MESSAGES: [value]}, 1000)
    return "\n".join(f"{each.text}{each.tail}" for each in said) or text


def _page(
    engine: Engine,
    values: Values,
    effort: int | None = None,
    ready: Callable[[], bool] | None = None,
) -> Page:
    limit, cursor = int(str(values["limit"])), str(values["cursor"] or "")
    local = _local(engine)
    if local is None:
        rows = list(_asked(engine, values))
        more = limit and len(rows) > limit
        return Page(rows[: limit or None], written(rows[limit - 1]) if more else "")
    merged = _Merged(_searching(local, values, effort, ready), cursor)
    ordered = sorted(merged.take(limit), key=lambda row: str(row["time"]), reverse=True)
    return Page(ordered, merged.cursor)


# --- a local store ----------------------------------------------------------------------------


def _local(engine: Engine) -> SQLite | None:
    if engine.dialect != "sqlite":
        return None
    from otelier.store.sqlite import SQLite

    return engine if isinstance(engine, SQLite) else None


# Of these there may be few spans, which an index finds.
_FEW: Final = (p.SESSION, p.CONVERSATION, p.USER)


def _searching(
    store: SQLite,
    values: Values,
    effort: int | None = None,
    ready: Callable[[], bool] | None = None,
) -> Search:
    from otelier.store.looking import Effort
    from otelier.store.searching import Asked, Search

    where = filters(SEARCH.parameters, values)
    few = [each.where for each in _FEW if values[each.name] is not None]
    since, role = values["since"], values["role"]
    asked = Asked(
        str(values["text"]),
        where,
        " AND ".join(few),
        bound(where, values),
        None if role is None else str(role),
        since if isinstance(since, datetime) else None,
        bool(values["once"]),
    )
    return Search(store, asked, Effort(effort), ready)


def _all(search: Search, limit: int) -> Iterator[Row]:
    """Hits among which the newest are."""
    enough = max(limit, _ENOUGH) if limit else None
    yield from islice(search.said(), enough)
    yield from islice(search.ran(), enough)


class _Merged:
    """Messages and tools as one list: what is newer comes first, as far as either is in order."""

    _NAMES: Final = ("messages", "tools")

    def __init__(self, search: Search, cursor: str) -> None:
        if cursor:
            search.messages, search.tools = _places(cursor)
        self._search = search
        self._streams = dict(zip(self._NAMES, (search.said(), search.ran()), strict=True))
        # What is to be taken next of each.
        self._heads: dict[str, dict[str, Any]] = {}

    def take(self, limit: int) -> Iterator[dict[str, Any]]:
        """So many; 0 for all. To be called once."""
        for name in self._NAMES:
            self._advance(name)
        taken = 0
        while self._heads and (taken < limit or not limit):
            name = max(self._heads, key=lambda each: str(self._heads[each]["time"]))
            yield self._heads.pop(name)
            taken += 1
            self._advance(name)

    def _advance(self, name: str) -> None:
        head = next(self._streams[name], None)
        if head is not None:
            self._heads[name] = head

    @property
    def cursor(self) -> str:
        """Behind what was taken; '' where there is no more."""
        places = [
            self._heads[name]["id"] + 1 if name in self._heads else getattr(self._search, name)
            for name in self._NAMES
        ]
        return ".".join(map(str, places)) if any(places) else ""


def _places(cursor: str) -> tuple[int, int]:
    messages, _, tools = cursor.partition(".")
    if not tools:
        raise ValueError(f"{cursor!r} is no cursor of this store")
    # Of larger numbers SQLite makes others.
    return min(int(messages), _LAST), min(int(tools), _LAST)


_LAST: Final = (1 << 63) - 1


# --- any store --------------------------------------------------------------------------------


def _asked(engine: Engine, values: Values) -> Iterable[dict[str, Any]]:
    """By looking at every message; one row more than was asked for, if there is one."""
    from otelier.store.words import terms

    phrases, words = terms(str(values["text"]))
    given = {f"term{index}": term for index, term in enumerate([*phrases, *words])}
    if not given:
        return ()
    cursor, limit = str(values["cursor"] or ""), int(str(values["limit"]))
    if cursor and "/" not in cursor:
        raise ValueError(f"{cursor!r} is no cursor of this store")
    told, place = after(cursor if values["once"] else "")
    conditions = filters(SEARCH.parameters, values)
    query = _SQL.format(
        messages=_has(("text", _CALLS), given),
        tools=_has(("arguments", "result"), given),
        filters=conditions,
        role="" if values["role"] is None else " AND role = :role",
        once=" AND latest = 1" if values["once"] else "",
        page=f"{told}{ORDER}" + (f" LIMIT {limit + 1}" if limit else ""),
    )
    return engine.ask(query, {**bound(query, values), **given, **place}).dicts()


def _has(columns: Sequence[str], given: Mapping[str, Any]) -> str:
    """That each of what was given is in one of the columns."""
    return " AND ".join(
        "(" + " OR ".join(f"instr(lower({name}), lower(:{term})) > 0" for name in columns) + ")"
        for term in given
    )


# All of a message in which tools are called or answer: words of JSON are found there, too.
_CALLS: Final = "CASE WHEN instr(message, 'tool_call') > 0 THEN message ELSE '' END"
_WHOSE: Final = "session, conversation, user, tenant"
# A message is told once for each trace: by the call that it was said to, or by; only where there is
# none at all, by one that it was carried to. Of these by a model call, if there is one.
_SQL: Final = (
    "WITH found AS ("
    "SELECT time, trace_id, span_id, direction, position, role, model_call, "
    f"CASE WHEN text = '' THEN message ELSE text END AS text, {_WHOSE} "
    "FROM otelier.messages WHERE {messages} AND {filters}), "
    "ends AS (SELECT trace_id, span_id, max(position) AS final FROM otelier.messages "
    "WHERE direction = 'input' AND trace_id IN (SELECT trace_id FROM found) "
    "GROUP BY trace_id, span_id), "
    "said AS ("
    "SELECT found.time AS time, found.trace_id AS trace_id, found.span_id AS span_id, "
    "found.role AS role, found.text AS text, '' AS run, found.model_call AS model_call, "
    "found.direction != 'input' OR found.position = ends.final AS here, "
    f"{', '.join(f'found.{name} AS {name}' for name in _WHOSE.split(', '))} "
    "FROM found LEFT JOIN ends ON ends.trace_id = found.trace_id AND ends.span_id = found.span_id "
    "UNION ALL "
    "SELECT time, trace_id, span_id, 'tool' AS role, arguments || ' ' || result AS text, "
    f"span_id AS run, 0 AS model_call, 1 AS here, {_WHOSE} "
    "FROM otelier.tool_calls WHERE {tools} AND {filters}"
    "), "
    "known AS (SELECT *, max(here) OVER (PARTITION BY role, text, run) AS ever FROM said), "
    "placed AS (SELECT *, row_number() OVER (PARTITION BY trace_id, role, text, run "
    "ORDER BY model_call DESC, time, span_id) AS place FROM known WHERE here = ever{role}), "
    "counted AS (SELECT *, count(*) OVER (PARTITION BY role, text, run) AS traces, "
    "row_number() OVER (PARTITION BY role, text, run ORDER BY time DESC, trace_id DESC) AS latest "
    "FROM placed WHERE place = 1) "
    f"SELECT time, trace_id, span_id, role, text, traces, 0 AS more, {_WHOSE} "
    "FROM counted WHERE traces > 0{once}{page}"
)

SEARCH: Final = Question(
    "search",
    "Hit",
    "Messages, and arguments and results of tools, with a text.\n\n"
    "The newest first, in upper or lower case: what has all of the words, and what stands between "
    "double quotes as it stands. A local store finds words by how they begin, ClickHouse within "
    "words, too; what is no letters (``C++``, ``a_b``), and words of scripts without spaces, both "
    "find wherever it stands. A message is found once in each trace that said it, not where it "
    "was sent again as history; with ``once`` only where it was said last. Each run of a tool is "
    "told.",
    'search("parcel", user="ada")',
    (
        Parameter("text", "text", "what is looked for", required=True, subject=True),
        *p.PERIOD,
        Parameter("role", "text", "only said by this role: user, assistant, system, tool, ..."),
        p.SESSION,
        p.CONVERSATION,
        p.USER,
        p.TENANT,
        Parameter("once", "bool", "each message only once, where it was said last", False),
        Parameter(
            "cursor",
            "text",
            "with ``once``: only what comes behind an answer: its last row's cursor",
            form=_CURSOR,
        ),
        p.limit(50),
    ),
    (
        c.TIME,
        Column("role", "text", "who said it; tool for a tool's arguments and result"),
        Column("snippet", "text", "the words around what was found"),
        c.SESSION,
        c.USER,
        c.TENANT,
        c.CONVERSATION,
        c.TRACE,
        c.SPAN,
        Column("text", "text", "all of it", hidden=True),
        Column("traces", "int", "how many traces said it", hidden=True),
        Column("more", "bool", "whether it is more than so many", hidden=True),
        Column("cursor", "text", "with ``once``: what comes behind this answer", hidden=True),
    ),
    None,
    _search,
)

QUESTIONS: Final = (SEARCH,)
