"""Makes the spans of a trace in the order in which they happen, as a program would."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from otelier import semconv as s
from otelier.store.spans import StoredSpan
from tests.store.made import MOMENT, SECOND, span


@dataclass
class Trace:
    """One trace under way. Spans are in ``spans`` when they have ended, inner ones first."""

    # What all its spans say: whose it is.
    about: Mapping[str, Any]
    now_ns: int = MOMENT
    number: int = 1
    spans: list[StoredSpan] = field(default_factory=list)
    _open: list[str] = field(default_factory=list)
    _ids: Iterator[int] = field(default_factory=lambda: count(1))

    def spend(self, seconds: float) -> None:
        """Time passes."""
        self.now_ns += round(seconds * SECOND)

    @contextmanager
    def span(
        self, name: str, attributes: Mapping[str, Any] = {}, **more: Any
    ) -> Iterator[dict[str, Any]]:
        """A span that takes what is spent in the block; gives its attributes, to be added to.

        ``more``: further fields of a StoredSpan.
        """
        span_id, began = f"{self.number:08x}{next(self._ids):08x}", self.now_ns
        parent = self._open[-1] if self._open else None
        told = {**self.about, **attributes}
        self._open.append(span_id)
        yield told
        self._open.pop()
        given = {
            "trace_id": f"{self.number:032x}",
            "span_id": span_id,
            "parent_id": parent,
            "start_ns": began,
            "end_ns": self.now_ns,
            "attributes": told,
            "flags": 0x100,
        }
        self.spans.append(span(0, name, **{**given, **more}))

    def did(
        self, name: str, seconds: float, attributes: Mapping[str, Any] = {}, **more: Any
    ) -> StoredSpan:
        """A span with none below it; the same."""
        with self.span(name, attributes, **more):
            self.spend(seconds)
        return self.spans[-1]


def failed(error: str, message: str, **attributes: Any) -> dict[str, Any]:
    """The fields of a span that failed; ``attributes`` are further ones."""
    return {
        "status": "ERROR",
        "status_message": message,
        "attributes": {s.ERROR_TYPE: error, **attributes},
    }
