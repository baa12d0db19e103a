"""``otelier import``: files of OTLP/JSON lines into the local store."""

from __future__ import annotations

import argparse
import gzip
import sqlite3
import sys
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from otelier.cli import places
from otelier.cli.amounts import counted
from otelier.cli.view import lines
from otelier.store import checking, logs
from otelier.store.engine import StoreError
from otelier.store.index import Broken
from otelier.store.otlp_json import decode
from otelier.store.sharing import fault
from otelier.store.spans import StoredLog, StoredSpan
from otelier.store.writer import Writer

_EVENTS: Final = b'"resourceLogs"'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = (
        "What is there already is left as it is: importing a file twice does no harm. "
        "Example: otelier import monday.jsonl tuesday.jsonl.gz"
    )
    parser.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="OTLP/JSON lines, compressed if named .gz; - for standard input",
    )
    places.add_store(parser)


def run(args: argparse.Namespace) -> int:
    """Store the spans; 1 if a file cannot be read or the store not be written, or nothing came."""
    path = places.store(args.store)
    writer = Writer(path, 30.0)
    broken = Broken()
    left_out: Counter[str] = Counter()
    # Spans, and events.
    seen, new = [0, 0], [0, 0]
    try:
        for name in args.files:
            try:
                for line in _lines(name):
                    try:
                        spans, events = _read(line, left_out)
                    except ValueError:
                        broken.lines += 1
                        continue
                    seen[0] += len(spans)
                    seen[1] += len(events)
                    if spans:
                        new[0] += writer.write(spans)
                    if events:
                        new[1] += writer.write((), events)
            except (sqlite3.Error, StoreError):
                raise
            except (OSError, EOFError, zlib.error) as error:
                return _refuse(f"{name}: {getattr(error, 'strerror', None) or error}")
    except (sqlite3.Error, StoreError) as error:
        return _refuse(f"{path}: {fault(error)}")
    finally:
        writer.close()
    broken.report("otelier import")
    for why, number in left_out.items():
        print(f"otelier import: {number:,} left out: {why}", file=sys.stderr)
    if not any(seen):
        return _refuse("no spans came")
    known = [of - fresh for of, fresh in zip(seen, new, strict=True)]
    before = f"; {counted(*known)} known before" if any(known) else ""
    print(f"imported {counted(*new)} into {path}{before}")
    return 0


def _read(line: bytes, left_out: Counter[str]) -> tuple[Sequence[StoredSpan], Sequence[StoredLog]]:
    """The spans and events of a line that may be stored. Raises ValueError."""
    spans = checking.spans(decode(line))
    # Few lines have any: the others are read once.
    found = checking.logs(logs.decode(line) if _EVENTS in line else ())
    for checked in (spans, found):
        if checked.left_out:
            left_out[checked.why.partition(": ")[2]] += checked.left_out
    events = [log for log in found.kept if logs.is_kept(log)]
    if len(events) < len(found.kept):
        left_out["of log records only events of GenAI are kept"] += len(found.kept) - len(events)
    return spans.kept, events


def _lines(name: str) -> Iterator[bytes]:
    if not name.endswith(".gz"):
        yield from lines(name)
        return
    with gzip.open(name) as file:
        yield from (line for line in file if line.strip())


def _refuse(line: str) -> int:
    print(f"otelier import: {line}", file=sys.stderr)
    return 1
