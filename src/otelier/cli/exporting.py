"""``otelier export``: spans and events as OTLP/JSON lines, spans as Parquet, a trace as a page."""

from __future__ import annotations

import argparse
import gzip
import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import IO, Final, TypeVar

from otelier.cli.amounts import counted
from otelier.cli.writing import into
from otelier.questions.moments import FORMS, moment
from otelier.store.choosing import Choice
from otelier.store.engine import StoreError
from otelier.store.spans import StoredLog, StoredSpan

# Spans of a line.
_LINE: Final = 128
_LINE_CHARACTERS: Final = 1 << 20

T = TypeVar("T", StoredSpan, StoredLog)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = (
        "A line is what POST /v1/traces (of events, /v1/logs) and a collector's otlpjsonfile "
        "receiver take, and what `otelier import`, `view` and `send` read. "
        "Example: otelier export --since 24h today.jsonl.gz. A page is redacted again by the rules "
        "in force (OTELIER_REDACT and its like), and opens in a browser without a server: "
        "otelier export --html 4bf92f"
    )
    parser.add_argument(
        "file",
        nargs="?",
        help="where to; .gz is compressed (default: standard output, of a page trace-ID.html)",
    )
    parser.add_argument("--trace", metavar="ID", help="only traces whose id begins so")
    parser.add_argument("--session", metavar="ID", help="only traces with this session")
    parser.add_argument("--since", metavar="TIME", type=_time, help=f"what began then: {FORMS}")
    parser.add_argument("--until", metavar="TIME", type=_time, help="what began before then")
    parser.add_argument(
        "--parquet", metavar="FILE", help="a row for each span into this Parquet file instead"
    )
    parser.add_argument(
        "--html",
        metavar="ID",
        help="the trace whose id begins so, or `last`, as one HTML file to be shared",
    )
    parser.add_argument("--store", metavar="PATH", help="the store (OTELIER_STORE)")


def _time(text: str) -> datetime:
    try:
        return moment(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def run(args: argparse.Namespace) -> int:
    """Write the spans; 1 if there are none, or the store or the file cannot be used."""
    if args.html is not None:
        from otelier.cli import sharing

        return sharing.run(args)
    from otelier.cli.extras import missing
    from otelier.cli.view import is_database
    from otelier.store.opening import opened
    from otelier.store.sqlite import SQLite

    name = args.file or "-"
    if args.parquet and name != "-":
        return _refuse("say FILE or --parquet FILE, not both", 2)
    if args.parquet and missing("export", "parquet", "pyarrow"):
        return 2
    target = args.parquet or name
    if is_database(target):
        return _refuse(f"{target} is a database and left as it is; --store names the store", 2)
    choice = Choice(args.trace or "", args.since, args.until, args.session or "")
    try:
        store = opened(args.store)
        try:
            if not isinstance(store, SQLite):
                return _refuse("what is exported is a local store; ClickHouse exports its own", 2)
            spans = _all(store.page, choice)
            if args.parquet:
                from otelier.store import parquet

                made = into(Path(args.parquet), lambda file: [parquet.write(file, spans), 0])
            else:
                made = _lines(name, spans, _all(store.event_page, choice))
        finally:
            store.close()
    except BrokenPipeError:
        raise
    except StoreError as error:
        return _refuse(str(error))
    except OSError as error:
        return _refuse(f"{target}: {error.strerror or error}")
    if not any(made):
        return _refuse("there are no such spans in the store")
    if target != "-":
        print(f"exported {counted(*made)} to {target}")
    return 0


def _all(next_page: Callable[[Choice, int], list[tuple[int, T]]], choice: Choice) -> Iterator[T]:
    after = 0
    while page := next_page(choice, after):
        yield from (item for _, item in page)
        after = page[-1][0]


def _lines(name: str, spans: Iterator[StoredSpan], events: Iterator[StoredLog]) -> list[int]:
    def write(file: IO[bytes]) -> list[int]:
        from otelier.store import logs, otlp_json

        return [_portions(file, spans, otlp_json.line), _portions(file, events, logs.line)]

    if name == "-":
        made = write(sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return made
    if name.endswith(".gz"):

        def compressed(file: IO[bytes]) -> list[int]:
            with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as zipped:
                return write(zipped)  # type: ignore[arg-type]

        return into(Path(name), compressed)
    return into(Path(name), write)


def _portions(file: IO[bytes], items: Iterator[T], line: Callable[[Iterable[T]], bytes]) -> int:
    from otelier.store.portions import portions

    count = 0
    for portion in portions(enumerate(items), _LINE, _LINE_CHARACTERS):
        file.write(line(item for _, item in portion))
        count += len(portion)
    return count


def _refuse(line: str, code: int = 1) -> int:
    print(f"otelier export: {line}", file=sys.stderr)
    return code
