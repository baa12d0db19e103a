"""Questions for what was said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from otelier.questions import columns as c
from otelier.questions import parameters as p
from otelier.questions.model import Column, Parameter, Question, Values

if TYPE_CHECKING:
    from otelier.store.engine import Engine

_AROUND: Final = 60


def _snippets(
    engine: Engine, values: Values, rows: Sequence[Mapping[str, Any]]
) -> Iterable[Mapping[str, Any]]:
    """Each row with the words around what was found."""
    words = str(values["text"])
    for row in rows:
        yield {**row, "snippet": snippet(str(row["text"]), words)}


def snippet(text: str, words: str) -> str:
    """A line of the text around the words; its beginning where they are not in it."""
    at = max(text.lower().find(words.lower()), 0)
    start, end = max(0, at - _AROUND), at + len(words) + _AROUND
    cut = " ".join(text[start:end].split())
    return ("…" if start else "") + cut + ("…" if end < len(text) else "")


def _has(column: str) -> str:
    return f"instr(lower({column}), lower(:text)) > 0"


SEARCH: Final = Question(
    "search",
    "Hit",
    "Messages, and arguments and results of tools, with a text.\n\n"
    "The newest first, in upper or lower case. A message is found once in a trace, where it was "
    "first said.",
    'search("parcel", user="ada")',
    (
        Parameter("text", "text", "what is looked for", required=True, subject=True),
        *p.PERIOD,
        p.text("role", "only said by this role: user, assistant, system, tool, ..."),
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
    "WITH said AS ("
    "SELECT time, trace_id, span_id, role, "
    f"CASE WHEN {_has('text')} THEN text ELSE message END AS text, "
    "session, conversation, user, tenant "
    f"FROM otelier.messages WHERE {_has('text')} OR {_has('message')} "
    "UNION ALL "
    "SELECT time, trace_id, span_id, 'tool' AS role, "
    f"CASE WHEN {_has('arguments')} THEN arguments ELSE result END AS text, "
    "session, conversation, user, tenant "
    f"FROM otelier.tool_calls WHERE {_has('arguments')} OR {_has('result')}"
    "), "
    "placed AS (SELECT *, "
    "row_number() OVER (PARTITION BY trace_id, role, text ORDER BY time, span_id) AS place "
    "FROM said WHERE {filters}) "
    "SELECT time, trace_id, span_id, role, text, session, conversation, user, tenant "
    "FROM placed WHERE place = 1 ORDER BY time DESC {limit}",
    _snippets,
)

QUESTIONS: Final = (SEARCH,)
