"""A file of OTLP/JSON lines by trace, without holding more than a few lines of it."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import BinaryIO, Final

from otelier.store.otlp_json import decode
from otelier.store.spans import StoredSpan

_LINES_HELD: Final = 16


class Broken:
    """Counts lines that are not OTLP/JSON."""

    def __init__(self) -> None:
        self.lines = 0

    def report(self, command: str) -> None:
        """Say on standard error how many there were, if any."""
        if self.lines:
            what = "1 line is" if self.lines == 1 else f"{self.lines:,} lines are"
            print(f"{command}: {what} not OTLP/JSON and left out", file=sys.stderr)


@dataclass(slots=True)
class _Entry:
    """Where a trace's spans are, when the first one began, and what they have."""

    start: int
    offsets: array[int] = field(default_factory=lambda: array("q"))
    has: set[str] = field(default_factory=set)


class Index:
    """Reads a file once to find its traces, and parts of it again to show them.

    What it holds grows by some hundred bytes for each trace, whatever is in the spans.
    """

    def __init__(
        self, file: BinaryIO, prefix: str, has: Callable[[StoredSpan], Iterable[str]]
    ) -> None:
        """``prefix``: how trace ids begin; ``has``: what of interest is in a span."""
        self._file = file
        self.broken = Broken()
        self.spans = 0
        self._entries: dict[str, _Entry] = {}
        self._decoded = lru_cache(maxsize=_LINES_HELD)(self._line)
        offset = 0
        for line in file:
            self._read(line, offset, prefix, has)
            offset += len(line)

    def _read(
        self, line: bytes, offset: int, prefix: str, has: Callable[[StoredSpan], Iterable[str]]
    ) -> None:
        if not line.strip():
            return
        try:
            spans = decode(line)
        except ValueError:
            self.broken.lines += 1
            return
        for span in spans:
            self.spans += 1
            if not span.trace_id.startswith(prefix):
                continue
            entry = self._entries.setdefault(span.trace_id, _Entry(span.start_ns))
            entry.start = min(entry.start, span.start_ns)
            entry.has.update(has(span))
            if not entry.offsets or entry.offsets[-1] != offset:
                entry.offsets.append(offset)

    def traces(self, needed: frozenset[str], last: int | None) -> Iterator[list[StoredSpan]]:
        """The traces that have what is ``needed``, or only the last of them, by start.

        A span that is there twice (a file was sent twice) is kept once.
        """
        found = [(id, entry) for id, entry in self._entries.items() if entry.has >= needed]
        found.sort(key=lambda pair: pair[1].start)
        for trace_id, entry in found[-last:] if last else found:
            spans = [
                span for offset in entry.offsets for span in self._decoded(offset).get(trace_id, ())
            ]
            yield unique(spans)

    def _line(self, offset: int) -> dict[str, list[StoredSpan]]:
        self._file.seek(offset)
        traces: dict[str, list[StoredSpan]] = {}
        for span in decode(self._file.readline()):
            traces.setdefault(span.trace_id, []).append(span)
        return traces


def unique(spans: Iterable[StoredSpan]) -> list[StoredSpan]:
    """The spans of one trace in order of start, each once."""
    kept: dict[tuple[object, ...], StoredSpan] = {}
    for span in spans:
        identity = (span.span_id, span.parent_id, span.name, span.start_ns, span.end_ns)
        kept.setdefault(identity, span)
    return sorted(kept.values(), key=lambda span: span.start_ns)
