"""Runs of tools: arguments and result side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from otelier.web.shown import chat, values
from otelier.web.shown.chat import Part
from otelier.web.shown.values import Bounds


@dataclass(frozen=True, slots=True)
class Run:
    """A run, and what it was given and gave; None where that was not recorded."""

    row: Any
    given: Part | None
    gave: Part | None


def runs(rows: Iterable[Any]) -> list[Run]:
    """Rows of ``runs``, as a page shows them."""
    bounds = values.page()
    return [Run(row, _part(row.arguments, bounds), _part(row.result, bounds)) for row in rows]


def _part(told: Any, bounds: Bounds) -> Part | None:
    return None if told is None else chat.part_of_value(told, bounds)


def callers(rows: Iterable[Any]) -> list[tuple[str, int]]:
    """The models that asked for these runs, and how often each did; the most frequent first."""
    counts = Counter(row.model for row in rows if row.model)
    return sorted(counts.items(), key=lambda each: (-each[1], each[0]))
