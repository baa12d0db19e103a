"""What became spans in a run: counted in the store, in a file, or by the program's processes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from otelier.store.spans import StoredSpan

# Reading more than that would be a wait of its own.
_MOST_BYTES: Final = 64 << 20
_MOST_SPANS: Final = 100_000


@dataclass(slots=True)
class Seen:
    """What became spans."""

    traces: int = 0
    calls: int = 0
    errors: int = 0
    cost: float | None = None
    unpriced: int = 0
    partial: int = 0
    # What is too much to be counted, in words.
    much: str = ""
    # Spans that were to be stored and are not there.
    lost: int = 0
    # One of the traces.
    trace_id: str = ""

    def add(self, spans: Sequence[StoredSpan]) -> None:
        """Add a trace's spans, in order of start."""
        from otelier.viewer.facts import facts
        from otelier.viewer.forest import walk
        from otelier.viewer.totals import totals

        sums = totals([(node, facts(node.span)) for node in walk(spans)])
        self.traces += 1
        self.calls += sums.calls
        self.errors += sums.errors
        self.unpriced += sums.unpriced
        self.partial += sums.partial
        self.trace_id = spans[0].trace_id
        if sums.cost is not None:
            self.cost = (self.cost or 0.0) + sums.cost


def in_store(path: Path, folder: Path) -> Seen:
    """What a store has of the spans that were told in ``folder``, and of no others."""
    from otelier.store import telling
    from otelier.store.reading import Reader

    number = telling.count(folder, path)
    if number > _MOST_SPANS:
        return Seen(much=f"{number:,} spans")
    told = telling.told(folder, path)
    seen = Seen(lost=sum(map(len, told.values())))
    if not told:
        return seen
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
            reader = Reader(connection, texts=False)
            for trace_id, ids in told.items():
                spans = [span for span in reader.trace(trace_id) if span.span_id in ids]
                seen.lost -= len({span.span_id for span in spans})
                if spans:
                    seen.add(spans)
    except sqlite3.Error:
        # It is not there, or broken: what was not found is lost.
        return seen
    return seen


def size(path: Path) -> int:
    """How large a file is now; 0 where there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def in_file(path: Path, begin: int) -> Seen:
    """What a file of OTLP/JSON lines has from byte ``begin`` on."""
    from otelier.store.otlp_json import decode
    from otelier.viewer.forest import traces

    seen = Seen()
    more = size(path) - begin
    if more <= 0:
        return seen
    if more > _MOST_BYTES:
        seen.much = f"{more / 1e6:,.0f} MB of traces"
        return seen
    spans: list[StoredSpan] = []
    with path.open("rb") as file:
        file.seek(begin)
        for line in file:
            try:
                spans += decode(line)
            except ValueError:
                continue
    for group in traces(spans):
        seen.add(group)
    return seen


def counted(told: Iterable[Mapping[str, Any]]) -> Seen:
    """What processes counted of spans that went into neither."""
    all_ = [each["counted"] for each in told if each.get("counted")]
    if not all_:
        return Seen()
    traces, calls, cost = (sum(numbers) for numbers in zip(*all_, strict=True))
    return Seen(traces=traces, calls=calls, cost=cost or None)
