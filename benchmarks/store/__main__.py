"""``make bench-store``: what the local store takes to write, weighs, and takes to ask.

Printed, and written into ``benchmarks/README.md`` with ``--write``. Numbers are of this machine:
what is written is processor seconds of the writer alone, what is asked are milliseconds, best of
five warm and the first.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from benchmarks.store import asking, filling, pages, peers
from benchmarks.store.workload import Size, conversation, spans
from benchmarks.written import README, milliseconds, publish, table

MARK: Final = "the store's numbers"
TURNS: Final = (20, 200, 2000)
MESSAGE: Final = 300
_WRITTEN: Final = ("Written", "spans per CPU second", "slowest batch, ms", "bytes a span", "sent")


def written(name: str, found: filling.Filled) -> list[str]:
    """A row of what writing took."""
    return [
        name,
        f"{found.rate:,.0f}",
        milliseconds(found.slowest),
        f"{found.size / found.spans:,.0f}",
        f"{found.sent / found.spans:,.0f}",
    ]


def conversations(folder: Path, turns: tuple[int, ...]) -> Iterator[list[str]]:
    """Rows of long conversations: what was sent, what is stored."""
    for number in turns:
        found = filling.store(folder / f"{number}.db", conversation(number, MESSAGE))
        yield [
            f"{number:,}",
            f"{found.sent / 1e6:,.1f} MB",
            f"{found.size / 1e6:,.2f} MB",
            f"{found.sent / found.size:,.0f}",
            f"{found.rate:,.0f}",
        ]


def report(
    folder: Path, counts: dict[Size, int], turns: tuple[int, ...], beside: int
) -> Iterator[str]:
    """The tables, one after the other."""
    rows, stores = [], {}
    for size, count in counts.items():
        name = f"{count:,} spans, {'with messages' if size == 'real' else 'no content'}"
        path = stores[name] = folder / f"{size}.db"
        made = spans(count, size, end_ns=time.time_ns())
        rows.append(written(name, filling.store(path, made)))
    yield table(_WRITTEN, rows)
    heads = ("Turns", "Sent", "Stored", "Times smaller", "calls per CPU second")
    yield table(heads, conversations(folder, turns))
    for name, path in stores.items():
        heads = (f"Asked of {name}", "best, ms", "first, ms", "rows")
        yield table(heads, map(asked, asking.everything(path)))
        heads = (f"Page over {name}", "best, ms", "first, ms", "bytes")
        yield table(heads, map(asked, pages.everything(path)))
    if beside:
        yield table(peers.HEADS, peers.compared(folder, beside))


def asked(timing: asking.Timing) -> list[str]:
    """A row of what asking took."""
    if timing.failed:
        return [f"`{timing.name}`", timing.failed, "", ""]
    times = (milliseconds(timing.best), milliseconds(timing.first))
    return [f"`{timing.name}`", *times, f"{timing.rows:,}"]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.store", description=__doc__)
    parser.add_argument("--spans", type=int, default=100_000, help="with messages")
    parser.add_argument("--small", type=int, default=1_000_000, help="without content")
    parser.add_argument("--turns", type=int, nargs="*", default=TURNS, help="of conversations")
    parser.add_argument(
        "--beside", type=int, default=100_000, help="in other stores, with messages; 0: none"
    )
    parser.add_argument("--write", type=Path, nargs="?", const=README, help="into this document")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        counts: dict[Size, int] = {"real": given.spans, "small": given.small}
        parts = report(Path(folder), counts, tuple(given.turns), given.beside)
        publish(parts, MARK, given.write)


if __name__ == "__main__":
    main()
