"""What is said of a whole trace above its steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from otelier import semconv
from otelier.store.spans import StoredSpan
from otelier.viewer import names
from otelier.viewer.facts import text, texts
from otelier.viewer.totals import Totals, totals
from otelier.web.shown import tree
from otelier.web.shown.tree import Nodes


@dataclass(frozen=True, slots=True)
class About:
    """A trace in a line."""

    services: Sequence[str]
    """The programs that took part."""
    began: datetime | None
    sums: Totals
    spans: int
    whose: Mapping[str, str]
    """Who and what it belongs to."""


def about(found: Nodes) -> About:
    """The sums of a trace, and what its spans say of it."""
    spans = [node.span for node, _ in found]
    starts = [span.start_ns for span in spans if span.start_ns > 0]
    began = moment(min(starts)) if starts else None
    return About(tree.services(spans), began, totals(found), len(spans), _whose(spans))


def moment(ns: int) -> datetime | None:
    """A time in nanoseconds since 1970, where a calendar has it."""
    try:
        return datetime.fromtimestamp(ns / 1e9, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _whose(spans: Sequence[StoredSpan]) -> dict[str, str]:
    """As the first span that says so has it."""
    told: dict[str, str] = {}
    for span in spans:
        for name, what in names.SESSION.items():
            if value := text(span.attributes, name):
                told.setdefault(what, value)
        if tags := texts(span.attributes, semconv.TAGS):
            told.setdefault("tags", ", ".join(tags))
    return told
