"""``otelier view``: traces as trees, of a file of OTLP/JSON lines or of the store."""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

from otelier import settings
from otelier.cli import showing
from otelier.store.index import Index

_SQLITE: Final = b"SQLite format 3\0"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "file",
        nargs="?",
        help="file of OTLP/JSON lines; - for standard input; without it the store",
    )
    showing.add_options(parser)
    parser.add_argument("--trace", metavar="ID", help="only traces whose id begins so")


def run(args: argparse.Namespace) -> int:
    """Print the traces; 1 if there is nothing to print."""
    if args.file is not None and args.store is None and _is_store(args.file):
        args.file, args.store = None, args.file
    if args.file is None:
        return showing.stored("view", args, args.trace)
    if args.store is not None:
        print("otelier view: a file, or --store, but not both", file=sys.stderr)
        return 2
    from otelier.viewer.selection import has

    look = showing.look_of(args)
    try:
        with opened(args.file) as file:
            index = Index(file, (args.trace or "").lower(), lambda span: has(span, look))
            shown = showing.show(index, look, args.last)
    except BrokenPipeError:
        raise
    except OSError as error:
        print(f"otelier view: {args.file}: {error.strerror or error}", file=sys.stderr)
        return 1
    index.broken.report("otelier view")
    if not shown:
        what = "nothing of what was asked for" if index.spans else "no spans"
        print(f"otelier view: {what} in {args.file}", file=sys.stderr)
        return 1
    return 0


def _is_store(path: str) -> bool:
    """Whether it is a database or a URL, as stores are."""
    return settings.is_url(path) or is_database(path)


def is_database(path: str) -> bool:
    """Whether it is a file of SQLite's, as the store is. Of a pipe nothing is taken away."""
    try:
        if not Path(path).is_file():
            return False
        with Path(path).open("rb") as file:
            return file.read(len(_SQLITE)) == _SQLITE
    except OSError:
        return False


@contextlib.contextmanager
def opened(path: str) -> Iterator[BinaryIO]:
    """A file that can be read twice; a pipe is read into memory."""
    if path == "-":
        yield io.BytesIO(sys.stdin.buffer.read())
        return
    with Path(path).open("rb") as file:
        yield file if file.seekable() else io.BytesIO(file.read())


def lines(path: str) -> Iterator[bytes]:
    """The lines of a file, or of standard input for ``-``, that are not blank."""
    if path == "-":
        yield from _not_blank(sys.stdin.buffer)
    else:
        with Path(path).open("rb") as file:
            yield from _not_blank(file)


def _not_blank(source: Iterable[bytes]) -> Iterator[bytes]:
    return (line for line in source if line.strip())
