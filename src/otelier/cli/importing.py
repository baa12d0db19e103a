"""``otelier import``: files of OTLP/JSON lines into the local store."""

from __future__ import annotations

import argparse
import gzip
import sqlite3
import sys
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from otelier import settings
from otelier.cli.view import lines
from otelier.store import checking
from otelier.store.engine import StoreError
from otelier.store.index import Broken
from otelier.store.otlp_json import decode
from otelier.store.sharing import fault
from otelier.store.writer import Writer


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
    parser.add_argument("--store", metavar="PATH", help="the store (OTELIER_STORE)")


def run(args: argparse.Namespace) -> int:
    """Store the spans; 1 if a file cannot be read or the store not be written, or nothing came."""
    path = Path(args.store or settings.store_path()).expanduser()
    writer = Writer(path, 30.0)
    broken = Broken()
    left_out: Counter[str] = Counter()
    seen = new = 0
    try:
        for name in args.files:
            try:
                for line in _lines(name):
                    try:
                        checked = checking.spans(decode(line))
                    except ValueError:
                        broken.lines += 1
                        continue
                    seen += len(checked.kept)
                    if checked.left_out:
                        left_out[checked.why.partition(": ")[2]] += checked.left_out
                    if checked.kept:
                        new += writer.write(checked.kept)
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
        print(f"otelier import: {_spans(number)} left out: {why}", file=sys.stderr)
    if not seen:
        return _refuse("no spans came")
    known = f"; {_spans(seen - new)} known before" if seen > new else ""
    print(f"imported {_spans(new)} into {path}{known}")
    return 0


def _lines(name: str) -> Iterator[bytes]:
    if not name.endswith(".gz"):
        yield from lines(name)
        return
    with gzip.open(name) as file:
        yield from (line for line in file if line.strip())


def _spans(count: int) -> str:
    return "1 span" if count == 1 else f"{count:,} spans"


def _refuse(line: str) -> int:
    print(f"otelier import: {line}", file=sys.stderr)
    return 1
