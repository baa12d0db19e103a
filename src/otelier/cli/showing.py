"""Traces as trees on standard output: what ``otelier view`` and ``otelier trace`` share."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from otelier.store.spans import StoredSpan
    from otelier.viewer.look import Look


class Traces(Protocol):
    """Where traces are: a file's index, or a store."""

    def traces(self, needed: frozenset[str], last: int | None) -> Iterator[list[StoredSpan]]:
        """Those that have what is ``needed``, or only the last of them, by start."""
        ...


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options that say what is shown, and how."""
    parser.epilog = "Options that choose traces may be combined: a trace must have all of it."
    parser.add_argument("--messages", action="store_true", help="show messages below each step")
    parser.add_argument("--full", action="store_true", help="messages, nothing cut or folded")
    parser.add_argument("--errors", action="store_true", help="only failed steps, the way to them")
    parser.add_argument("--session", metavar="ID", help="only this session or conversation")
    parser.add_argument(
        "--grep", metavar="TEXT", help="only steps and messages that contain it, in any case"
    )
    parser.add_argument("--last", metavar="N", type=number, help="only the last N traces")
    parser.add_argument("--store", metavar="STORE", help="a path, or the URL of a ClickHouse")


def number(text: str) -> int:
    """How many: one or more. Raises ValueError; argparse tells this function's name."""
    found = int(text)
    if found < 1:
        raise ValueError(text)
    return found


def look_of(args: argparse.Namespace) -> Look:
    """The picture that was asked for, as standard output can show it."""
    from otelier.viewer import terminal
    from otelier.viewer.look import Look

    return Look(
        messages=args.messages,
        full=args.full,
        errors=args.errors,
        grep=args.grep or "",
        session=args.session or "",
        color=terminal.wants_color(sys.stdout),
        width=terminal.columns(sys.stdout),
        ascii=terminal.needs_ascii(sys.stdout),
    )


def show(source: Traces, look: Look, last: int | None) -> bool:
    """Print the traces; whether there was anything to print."""
    from otelier.viewer import terminal
    from otelier.viewer.selection import asked_for
    from otelier.viewer.tree import pieces

    shown = False
    for piece in pieces(source.traces(asked_for(look), last), look):
        terminal.write(sys.stdout, piece)
        shown = True
    return shown


def stored(command: str, args: argparse.Namespace, trace: str | None) -> int:
    """Print a store's traces, the last one if none are chosen; 1 if there is nothing to print."""
    from otelier.store.engine import StoreError
    from otelier.store.finding import Found
    from otelier.store.opening import opened
    from otelier.viewer.selection import asked_for, has
    from otelier.viewer.text import clean

    look = look_of(args)
    chosen = bool(trace or asked_for(look))
    try:
        engine = opened(args.store)
        try:
            source = Found(
                engine, (trace or "").lower(), lambda span: has(span, look), look.session
            )
            if show(source, look, args.last or (None if chosen else 1)):
                return 0
            what = "nothing of what was asked for" if source else "no spans"
        finally:
            engine.close()
        problem = f"{what} in {engine.place}"
    except StoreError as error:
        problem = str(error)
    print(f"otelier {command}: {clean(problem)}", file=sys.stderr)
    return 1
