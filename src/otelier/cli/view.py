"""``otelier view``: a file of OTLP/JSON lines as trees."""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from otelier.store.index import Index


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = "Options that choose traces may be combined: a trace must have all of it."
    parser.add_argument("file", help="file of OTLP/JSON lines; - for standard input")
    parser.add_argument("--messages", action="store_true", help="show messages below each step")
    parser.add_argument("--full", action="store_true", help="messages, nothing cut or folded")
    parser.add_argument("--errors", action="store_true", help="only failed steps, the way to them")
    parser.add_argument("--session", metavar="ID", help="only this session or conversation")
    parser.add_argument(
        "--grep", metavar="TEXT", help="only steps and messages that contain it, in any case"
    )
    parser.add_argument("--trace", metavar="ID", help="only traces whose id begins so")
    parser.add_argument("--last", metavar="N", type=number, help="only the last N traces")


def number(text: str) -> int:
    """How many: one or more. Raises ValueError; argparse tells this function's name."""
    found = int(text)
    if found < 1:
        raise ValueError(text)
    return found


def run(args: argparse.Namespace) -> int:
    """Print the traces; 1 if there is nothing to print."""
    from otelier.viewer import terminal
    from otelier.viewer.look import Look
    from otelier.viewer.selection import asked_for, has
    from otelier.viewer.tree import pieces

    look = Look(
        messages=args.messages,
        full=args.full,
        errors=args.errors,
        grep=args.grep or "",
        session=args.session or "",
        color=terminal.wants_color(sys.stdout),
        width=terminal.columns(sys.stdout),
        ascii=terminal.needs_ascii(sys.stdout),
    )
    try:
        with opened(args.file) as file:
            index = Index(file, (args.trace or "").lower(), lambda span: has(span, look))
            shown = False
            for piece in pieces(index.traces(asked_for(look), args.last), look):
                terminal.write(sys.stdout, piece)
                shown = True
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
