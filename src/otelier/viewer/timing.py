"""When in its trace a span ran, as a small bar."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from otelier.store.spans import StoredSpan
from otelier.viewer.look import Look

_CELLS: Final = 12
# Narrower terminals need their columns for words.
_WIDE: Final = 110


def period(spans: Sequence[StoredSpan]) -> tuple[int, int]:
    """When the first span began and the last one ended; zeros if no clock says anything of use."""
    timed = [span for span in spans if 0 < span.start_ns <= span.end_ns]
    if not timed:
        return 0, 0
    return min(span.start_ns for span in timed), max(span.end_ns for span in timed)


def bar(span: StoredSpan, whole: tuple[int, int], look: Look) -> str:
    """The span's place and share of the trace's time; empty where there is no room for it."""
    begin, end = whole
    if look.columns < _WIDE or end <= begin or not 0 < span.start_ns <= span.end_ns:
        return ""
    cell = (end - begin) / _CELLS
    first = min(int((span.start_ns - begin) / cell), _CELLS - 1)
    length = (span.end_ns - span.start_ns) / cell
    cells = "━" * min(round(length), _CELLS - first) if length >= 0.5 else "╸"
    return look.clean((" " * first + cells).ljust(_CELLS))
