"""What an id is of: a trace, a step, a conversation, a session, a user."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from otelier import unicode
from otelier.questions.table import BY_NAME
from otelier.store.choosing import beginning
from otelier.store.engine import Engine
from otelier.web.pages.rendering import path

# Characters of the longest id that is looked up.
_MOST: Final = 500
_TRACE: Final = re.compile(r"[0-9a-fA-F]{8,32}")
# Digits of a whole id of a trace, and of the beginning of one that pages show.
_WHOLE: Final = 32
_BEGUN: Final = (
    "SELECT DISTINCT trace_id FROM otelier.spans WHERE trace_id >= :low AND trace_id < :high "
    "LIMIT 2"
)
_IS_TRACE: Final = "SELECT trace_id FROM otelier.spans WHERE trace_id = :id LIMIT 1"
_CALL: Final = str(BY_NAME["call"].sql)
# By column, what it is and where it is shown.
_OF: Final = {
    "conversation": ("conversations", ""),
    "session": ("sessions", ""),
    "user": ("traces", "user"),
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where an id leads to."""

    kind: str
    name: str
    url: str
    # Whether nothing but an id looks like that: who asks for it wants to be there.
    certain: bool


def places(engine: Engine, asked: str) -> list[Place]:
    """Where it leads to, if it is an id in this store. Raises StoreError."""
    told = unicode.well_formed(asked.strip())
    if not told or len(told) > _MOST or '"' in told or len(told.split()) > 1:
        return []
    return [*_traces(engine, told), *_steps(engine, told), *_others(engine, told)]


def straight(found: list[Place]) -> str:
    """The address to go to at once: of the only place that is meant; else ''."""
    return found[0].url if len(found) == 1 and found[0].certain else ""


def _traces(engine: Engine, told: str) -> Iterator[Place]:
    if not _TRACE.fullmatch(told):
        return
    begun = told.lower()
    if len(begun) == _WHOLE:
        rows = engine.ask(_IS_TRACE, {"id": begun}).rows
    else:
        rows = engine.ask(_BEGUN, dict(zip(("low", "high"), beginning(begun), strict=True))).rows
    for (trace_id,) in rows:
        yield Place("trace", str(trace_id), path("traces", trace_id), True)


def _steps(engine: Engine, told: str) -> Iterator[Place]:
    """By the id of a span, of an answer or of the provider's request."""
    span = told.lower() if _TRACE.fullmatch(told) else told
    for row in engine.ask(_CALL, {"id": span}).dicts():
        yield Place("step", row["name"], path("traces", row["trace_id"], row["span_id"]), True)


def _others(engine: Engine, told: str) -> Iterator[Place]:
    for column, (page, condition) in _OF.items():
        query = f"SELECT 1 AS one FROM otelier.calls WHERE {column} = :id LIMIT 1"
        if engine.ask(query, {"id": told}).rows:
            url = path(page, **{condition: told}) if condition else path(page, told)
            # A user may be called by a word that is looked for.
            yield Place(column, told, url, any(map(str.isdigit, told)))
