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
_ORDER: Final = " ORDER BY time DESC, trace_id DESC, span_id DESC"
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
    behind = _read(str(values["cursor"] or ""))
    most = int(str(values["limit"])) or _FIRST
    text = query if "{page}" in query else query + "{page}"
    while True:
        told = text.replace("{page}", f"{_BEHIND if behind else ''}{_ORDER} LIMIT {most}")
        rows = list(engine.ask(told, {**bound(told, values), **behind}).dicts())
        for row in rows:
            behind = _place(row)
            yield {**row, "cursor": "/".join(behind.values()).replace(" ", "T")}
        if len(rows) < most:
            return
        most = min(max(most, _FIRST) * _MORE, _MOST)


def _place(row: Row) -> dict[str, str]:
    return {"at": str(row["time"]), "of_trace": row["trace_id"], "of_span": row["span_id"]}


def _read(cursor: str) -> dict[str, str]:
    """A cursor as the place that it is of."""
    words = cursor.replace("T", " ").split("/")
    return dict(zip(("at", "of_trace", "of_span"), words, strict=True)) if cursor else {}
