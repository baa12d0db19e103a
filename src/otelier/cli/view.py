"""``otelier view``: a file of OTLP/JSON lines as trees."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from otelier.store.otlp_json import decode
from otelier.store.spans import StoredSpan


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("file", help="file of OTLP/JSON lines; - for standard input")
    parser.add_argument("--messages", action="store_true", help="show messages below each step")
    parser.add_argument("--trace", metavar="ID", help="only traces whose id begins so")
    parser.add_argument("--last", metavar="N", type=_positive, help="only the last N traces")


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def run(args: argparse.Namespace) -> int:
    """Print the traces; 1 if there is nothing to print."""
    from otelier.viewer import terminal
    from otelier.viewer.forest import traces
    from otelier.viewer.tree import render

    broken = Broken()
    try:
        prefix = (args.trace or "").lower()
        spans = [span for span in read(args.file, broken) if span.trace_id.startswith(prefix)]
    except OSError as error:
        print(f"otelier view: {args.file}: {error.strerror or error}", file=sys.stderr)
        return 1
    if args.last:
        spans = [span for trace in traces(spans)[-args.last :] for span in trace]
    tree = render(
        spans,
        messages=args.messages,
        color=terminal.wants_color(sys.stdout),
        width=terminal.columns(sys.stdout),
    )
    terminal.write(sys.stdout, tree)
    broken.report("otelier view")
    if not spans:
        print(f"otelier view: no spans in {args.file}", file=sys.stderr)
        return 1
    return 0


class Broken:
    """Counts lines that are not OTLP/JSON."""

    def __init__(self) -> None:
        self.lines = 0

    def report(self, command: str) -> None:
        """Say on standard error how many there were, if any."""
        if self.lines:
            what = "1 line is" if self.lines == 1 else f"{self.lines:,} lines are"
            print(f"{command}: {what} not OTLP/JSON and left out", file=sys.stderr)


def lines(path: str) -> Iterator[bytes]:
    """The lines of a file, or of standard input for ``-``, that are not blank."""
    if path == "-":
        yield from _not_blank(sys.stdin.buffer)
    else:
        with Path(path).open("rb") as file:
            yield from _not_blank(file)


def _not_blank(source: Iterable[bytes]) -> Iterator[bytes]:
    return (line for line in source if line.strip())


def read(path: str, broken: Broken) -> Iterator[StoredSpan]:
    """The spans of a file; raises OSError if it cannot be read."""
    for line in lines(path):
        try:
            spans = decode(line)
        except ValueError:
            broken.lines += 1
            continue
        yield from spans
