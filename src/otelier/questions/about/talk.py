"""Questions for what was said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from otelier.questions import columns as c
from otelier.questions import parameters as p
from otelier.questions.asking import bound, filters
from otelier.questions.model import Column, Parameter, Question, Values

if TYPE_CHECKING:
    from otelier.store.engine import Engine

_AROUND: Final = 60


def _search(
    engine: Engine, values: Values, rows: Sequence[Mapping[str, Any]]
) -> Iterable[Mapping[str, Any]]:
    """The newest hits, each with the words around what was found."""
    from otelier.store.words import terms

    found = _indexed(engine, values)
    phrases, words = terms(str(values["text"]))
    looked_for = [*phrases, *words]
    if found is None:
        found = _looked_through(engine, values, looked_for)
    role = values["role"]
    hits = [row for row in found if role is None or row["role"] == role]
    hits.sort(key=lambda row: str(row["time"]), reverse=True)
    limit = values["limit"]
    for row in hits[: int(str(limit))] if limit else hits:
        yield {**row, "snippet": snippet(str(row["text"]), looked_for)}


def _indexed(engine: Engine, values: Values) -> Iterable[Mapping[str, Any]] | None:
    """By the local store's indexes; None where there are none."""
    if engine.dialect != "sqlite":
        return None
    from otelier.store.searching import search
    from otelier.store.sqlite import SQLite

    if not isinstance(engine, SQLite):
        return None
    where = filters(SEARCH.parameters, values)
    role = values["role"]
    return search(
        engine,
        str(values["text"]),
        where,
        bound(where, values),
        None if role is None else str(role),
        int(str(values["limit"])),
    )


def _looked_through(
    engine: Engine, values: Values, terms: Sequence[str]
) -> Iterable[Mapping[str, Any]]:
    """By looking at every message."""
    given = {f"term{index}": term for index, term in enumerate(terms)}
    told = filters(SEARCH.parameters, values)
    query = _SQL.format(
        messages=_has(("text", _CALLS), given),
        tools=_has(("arguments", "result"), given),
        filters=told,
    )
    return engine.ask(query, {**bound(told, values), **given}).dicts() if given else ()


def _has(columns: Sequence[str], given: Mapping[str, Any]) -> str:
    """That each of what was given is in one of the columns."""
    return " AND ".join(
        "(" + " OR ".join(f"instr(lower({name}), lower(:{term})) > 0" for name in columns) + ")"
        for term in given
    )


def snippet(text: str, terms: Sequence[str]) -> str:
    """A line of the text around the first of the words; its beginning where none is in it."""
    lower = text.lower()
    places = [(lower.find(term.lower()), len(term)) for term in terms]
    at, length = min((place for place in places if place[0] >= 0), default=(0, 0))
    start, end = max(0, at - _AROUND), at + length + _AROUND
    cut = " ".join(text[start:end].split())
    return ("…" if start else "") + cut + ("…" if end < len(text) else "")


# All of a message in which tools are called or answer: words of JSON are found there, too.
_CALLS: Final = "CASE WHEN instr(message, 'tool_call') > 0 THEN message ELSE '' END"
# A text is told once for each trace, where it was first said.
_SQL: Final = (
    "WITH said AS ("
    "SELECT time, trace_id, span_id, role, CASE WHEN text = '' THEN message ELSE text END AS text, "
    "session, conversation, user, tenant "
    "FROM otelier.messages WHERE {messages} AND {filters} "
    "UNION ALL "
    "SELECT time, trace_id, span_id, 'tool' AS role, arguments || ' ' || result AS text, "
    "session, conversation, user, tenant "
    "FROM otelier.tool_calls WHERE {tools} AND {filters}"
    "), "
    "placed AS (SELECT *, "
    "row_number() OVER (PARTITION BY trace_id, role, text ORDER BY time, span_id) AS place "
    "FROM said) "
    "SELECT time, trace_id, span_id, role, text, session, conversation, user, tenant "
    "FROM placed WHERE place = 1"
)

SEARCH: Final = Question(
    "search",
    "Hit",
    "Messages, and arguments and results of tools, with a text.\n\n"
    "The newest first, in upper or lower case: what has all of the words, and what stands between "
    "double quotes as it stands. A local store finds words by how they begin, ClickHouse within "
    "words, too; what is no letters (``C++``, ``a_b``), and words of scripts without spaces, both "
    "find wherever it stands. A message is found once in a trace, where it was first said.",
    'search("parcel", user="ada")',
    (
        Parameter("text", "text", "what is looked for", required=True, subject=True),
        *p.PERIOD,
        Parameter("role", "text", "only said by this role: user, assistant, system, tool, ..."),
        p.SESSION,
        p.CONVERSATION,
        p.USER,
        p.TENANT,
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
    ),
    None,
    _search,
)

QUESTIONS: Final = (SEARCH,)
