"""What failed: a group of failures that are the same, and one of them with its tries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from otelier.questions import moments

# Names that a row shows of models, tools and the like.
NAMES: Final = 3


@dataclass(frozen=True, slots=True)
class Of:
    """What failures are of: a model, a tool, a data source or a service."""

    kind: str
    """``model``, ``tool``, ``data_source`` or ``service``: the condition on calls."""
    names: tuple[str, ...]
    more: int
    """How many are not shown."""


@dataclass(frozen=True, slots=True)
class Try:
    """One try of a step."""

    name: str
    status: str
    error: str
    span_id: str
    seconds: float | None
    after: float
    """Seconds after the first one began."""
    this: bool
    """Whether it is the failure that is shown."""


_KINDS: Final[Mapping[str, str]] = {
    "models": "model",
    "tools": "tool",
    "sources": "data_source",
    "services": "service",
}


def of(rows: Sequence[Any]) -> list[tuple[Of, ...]]:
    """What each of the rows of ``errors`` is of.

    Without kinds of which it has none; where all are of one service, nobody needs to be told.
    """
    several = len({name for row in rows for name in row.services}) > 1
    kinds = {column: kind for column, kind in _KINDS.items() if several or column != "services"}
    return [tuple(_of(row, kinds)) for row in rows]


def _of(row: Any, kinds: Mapping[str, str]) -> Iterator[Of]:
    for column, kind in kinds.items():
        if names := getattr(row, column):
            yield Of(kind, names[:NAMES], max(0, len(names) - NAMES))


def tries(row: Any) -> tuple[Try, ...]:
    """All tries of the step that a row of ``failures`` is one of; none where it is the only one."""
    told: Sequence[Mapping[str, Any]] = row.tries or ()
    return tuple(_tries(told, row.span_id))


def _tries(told: Sequence[Mapping[str, Any]], span_id: str) -> Iterator[Try]:
    first: datetime | None = None
    for each in told:
        began = moments.read(str(each["time"]).rstrip("Z"))
        first = first or began
        yield Try(
            str(each["name"]),
            str(each["status"]),
            str(each["error"]),
            str(each["span_id"]),
            each["seconds"],
            (began - first).total_seconds(),
            each["span_id"] == span_id,
        )
