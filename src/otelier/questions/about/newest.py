"""Calls, the newest first, page by page: what comes behind the last one of a page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from otelier.questions.asking import bound
from otelier.questions.model import Column, Parameter, Values

if TYPE_CHECKING:
    from otelier.store.engine import Engine

Row = Mapping[str, Any]

CURSOR: Final = Parameter(
    "cursor",
    "text",
    "only what comes behind a row of this list: that row's cursor",
    form=r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}/[0-9a-f]*/[0-9a-f]*",
)
PLACE: Final = Column("cursor", "text", "its place in the list: what comes behind it", hidden=True)
ORDER: Final = " ORDER BY time DESC, trace_id DESC, span_id DESC"
_BEHIND: Final = (
    " AND time <= :at AND (time < :at OR trace_id < :of_trace "
    "OR (trace_id = :of_trace AND span_id < :of_span))"
)
# Calls of one portion where it is not known how many are wanted; then many times more.
_FIRST: Final = 256
_MORE: Final = 4
_MOST: Final = 1 << 16


def newest(engine: Engine, query: str, values: Values) -> Iterator[Row]:
    """Rows with ``time``, ``trace_id`` and ``span_id`` behind the cursor, each with its ``cursor``.

    ``query``: ends with its conditions, the limits come behind it; or it has ``{page}`` where they
    are to stand. As many are asked for as ``limit`` says; more where more are taken.
    """
    told, behind = after(str(values["cursor"] or ""))
    most = int(str(values["limit"])) or _FIRST
    text = query if "{page}" in query else query + "{page}"
    while True:
        asked = text.replace("{page}", f"{told}{ORDER} LIMIT {most}")
        rows = list(engine.ask(asked, {**bound(asked, values), **behind}).dicts())
        for row in rows:
            yield {**row, "cursor": written(row)}
        if len(rows) < most:
            return
        told, behind = after(written(rows[-1]))
        most = min(max(most, _FIRST) * _MORE, _MOST)


def written(row: Row) -> str:
    """A row's place as a cursor."""
    return f"{row['time']}/{row['trace_id']}/{row['span_id']}".replace(" ", "T")


def after(cursor: str) -> tuple[str, dict[str, str]]:
    """The condition of what comes behind a cursor, and the values that it names."""
    if not cursor:
        return "", {}
    words = cursor.replace("T", " ").split("/")
    return _BEHIND, dict(zip(("at", "of_trace", "of_span"), words, strict=True))
