"""Fills a store and says what that took."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from otelier.store.spans import StoredSpan
from otelier.store.writer import Writer

BATCH: Final = 512


@dataclass(frozen=True, slots=True)
class Filled:
    """What writing took: of the writer alone, without the making of spans."""

    spans: int
    # Processor seconds, and seconds of the slowest batch.
    seconds: float
    slowest: float
    # Of the files when all is written, and of the texts that came.
    size: int
    sent: int

    @property
    def rate(self) -> float:
        """Spans per second of processor."""
        return self.spans / self.seconds


def batches(spans: Iterable[StoredSpan], size: int = BATCH) -> Iterator[list[StoredSpan]]:
    """As a batch processor hands them over."""
    rest = iter(spans)
    while found := list(islice(rest, size)):
        yield found


def texts(spans: Iterable[StoredSpan]) -> int:
    """Bytes of all texts among the attributes."""
    return sum(
        len(value.encode())
        for span in spans
        for value in span.attributes.values()
        if isinstance(value, str)
    )


def fill(
    write: Callable[[Sequence[StoredSpan]], object], spans: Iterable[StoredSpan]
) -> tuple[int, float, float, int]:
    """Hand spans over in batches: how many, processor seconds, seconds of the slowest, bytes."""
    count, used, slowest, sent = 0, 0.0, 0.0, 0
    for batch in batches(spans):
        sent += texts(batch)
        began, processor = time.perf_counter(), time.process_time()
        write(batch)
        used += time.process_time() - processor
        slowest = max(slowest, time.perf_counter() - began)
        count += len(batch)
    return count, used, slowest, sent


def store(path: Path, spans: Iterable[StoredSpan]) -> Filled:
    """A new store of these spans."""
    writer = Writer(path)
    count, used, slowest, sent = fill(writer.write, spans)
    began = time.process_time()
    # Which moves the log into the file.
    writer.close()
    used += time.process_time() - began
    return Filled(count, used, slowest, path.stat().st_size, sent)
