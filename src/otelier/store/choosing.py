"""Whole spans and events of a store, of some traces or times, in the order of their writing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from otelier.store import rows
from otelier.store.portions import portions
from otelier.store.reading import Reader
from otelier.store.spans import StoredLog, StoredSpan

_PAGE: Final = 512
_CHARACTERS: Final = 4 << 20
_SESSION: Final = (
    "s.trace_id IN (SELECT trace_id FROM {schema}.span WHERE session = ?"
    " UNION SELECT trace_id FROM {schema}.span WHERE conversation = ?)"
)


@dataclass(frozen=True, slots=True)
class Choice:
    """Which spans and events: all that meet every condition that is given."""

    # How the ids of traces begin.
    trace: str = ""
    since: datetime | None = None
    until: datetime | None = None
    # Of whole traces: those in which the session or conversation is.
    session: str = ""

    def condition(self, schema: str) -> tuple[str, tuple[Any, ...]]:
        """As SQL over ``span AS s`` or ``event AS s``, and what it is given."""
        prefix = self.trace.lower()
        found: list[tuple[bool, str, tuple[Any, ...]]] = [
            (bool(prefix), "s.trace_id >= ? AND s.trace_id < ?", beginning(prefix)),
            (self.since is not None, "s.time >= ?", _moment(self.since)),
            (self.until is not None, "s.time < ?", _moment(self.until)),
            (bool(self.session), _SESSION.format(schema=schema), (self.session,) * 2),
        ]
        asked = [(sql, given) for is_asked, sql, given in found if is_asked]
        return (
            " AND ".join(["s.id > ?", *(sql for sql, _ in asked)]),
            tuple(value for _, given in asked for value in given),
        )


def beginning(prefix: str) -> tuple[str, str]:
    """Between what ids in hexadecimal digits are that begin so: from the first to the second."""
    return prefix, f"{prefix}g"


def _moment(moment: datetime | None) -> tuple[str, ...]:
    return () if moment is None else (rows.of(moment),)


def page(
    reader: Reader, choice: Choice, after: int = 0, schema: str = "main"
) -> list[tuple[int, StoredSpan]]:
    """The next spans after the one of this number, with their numbers; none at the end.

    As many as can be held in memory; nothing in the store waits while somebody looks at them.
    """
    condition, given = choice.condition(schema)
    found = reader.where(condition, (after, *given))
    return next(portions(found, _PAGE, _CHARACTERS), [])


def event_page(
    reader: Reader, choice: Choice, after: int = 0, schema: str = "main"
) -> list[tuple[int, StoredLog]]:
    """The same of events."""
    condition, given = choice.condition(schema)
    found = reader.events_where(condition, (after, *given))
    return next(portions(found, _PAGE, _CHARACTERS), [])
