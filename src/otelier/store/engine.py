"""What a store is to those who ask it: SQL over the views of ``otelier``, and whole spans.

Two kinds have it: the local SQLite file, and a ClickHouse that OpenTelemetry's collector fills.
Both have the same views with the same columns, and what is asked here is SQL that both understand:
the subset is described in CONTRIBUTING.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from otelier.store.spans import StoredSpan

# Named in SQL as ``:name``.
Parameter: TypeAlias = str | int | float | datetime | None


class StoreError(Exception):
    """A store that cannot be read or understood; the message is a line for its user."""


class MissingError(StoreError):
    """There is no store yet."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"there is no store at {path} yet: run a program by `otelier run python app.py`"
        )


class LateError(StoreError):
    """A query that took too long."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"it took longer than {seconds:g} s and was ended")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a query found. Times are texts, ``2026-11-28 21:04:05.123456789`` (UTC)."""

    columns: tuple[str, ...]
    rows: Sequence[tuple[Any, ...]]

    def dicts(self) -> Iterator[dict[str, Any]]:
        """The rows by names of columns."""
        return (dict(zip(self.columns, row, strict=True)) for row in self.rows)


class Engine(Protocol):
    """A store that is open for reading."""

    # "sqlite" or "clickhouse", where SQL has to differ.
    dialect: str
    # What was asked for, as the user may see it: a path, or a URL without its password.
    place: str

    def ask(
        self,
        sql: str,
        parameters: Mapping[str, Parameter] | None = None,
        *,
        most: int | None = None,
    ) -> Answer:
        """Run a query; at most ``most`` rows. Raises StoreError with what the engine says."""
        ...

    def trace(self, trace_id: str) -> list[StoredSpan]:
        """All spans of a trace, each once, in order of start; none where it is not stored."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...
