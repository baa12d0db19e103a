"""The same spans in other stores: what they take to write, weigh, and take to ask.

Each module below ``others`` has ``measure(spans, folder)``, which writes spans in batches of 512 as
a batch processor hands them over, asks what is asked of a list of traces, and gives back the
numbers of :data:`FIGURES`; what a store has no answer to is absent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks import written
from benchmarks.store.others import local, parquet, phoenix, rows
from benchmarks.store.workload import spans
from otelier.store.spans import StoredSpan

Figures = dict[str, float]

HEADS: Final = (
    "Store",
    "Spans",
    "spans per CPU second",
    "bytes a span",
    "a trace, ms",
    "50 newest traces",
    "cost by model, 24 h",
    "over all",
    "rare word",
    "common word",
)
# What is measured, and its unit. Times are the best of five, in milliseconds.
FIGURES: Final[Mapping[str, str]] = {
    "rate": "spans per CPU second of writing",
    "size": "bytes a span on the disk",
    "trace": "a trace's spans, whole",
    "recent": "the 50 newest traces: when, spans, cost",
    "cost_day": "cost by model over the last 24 hours",
    "cost": "cost by model over all",
    "rare": "the 50 newest spans that say a rare word",
    "common": "the 50 newest spans that say a common word",
}


@dataclass(frozen=True, slots=True)
class Peer:
    """A store, and at most how many spans it is given: where more would take hours."""

    name: str
    measure: Callable[[Iterable[StoredSpan], Path], Figures]
    most: int | None = None


PEERS: Final = (
    Peer("otelier", local.measure),
    Peer("SQLite, a row a span with the whole as JSON", rows.measure),
    Peer("Parquet (zstd), read by DuckDB", parquet.measure),
    Peer("Phoenix, by OTLP over HTTP", phoenix.measure, 5000),
)


def compared(folder: Path, count: int) -> Iterator[list[str]]:
    """A row for each store, below :data:`HEADS`; what it has no answer to is a dash."""
    for number, peer in enumerate(PEERS):
        given = min(count, peer.most or count)
        place = folder / f"peer{number}"
        place.mkdir()
        found = peer.measure(spans(given, "real"), place)
        yield [peer.name, f"{given:,}", *(shown(name, found.get(name)) for name in FIGURES)]


def shown(name: str, value: float | None) -> str:
    """A figure in a table."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if name in ("rate", "size") else written.milliseconds(value / 1000)
