"""``otelier trace``: traces of the store as trees."""

from __future__ import annotations

import argparse
import sys
from typing import Final

from otelier.cli import showing

# What chooses or draws trees: a trace's calls as rows are all of one trace.
_OF_TREES: Final = ("messages", "full", "errors", "session", "grep", "last")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "id", nargs="?", metavar="ID", help="traces whose id begins so; else the last one"
    )
    showing.add_options(parser)
    form = parser.add_mutually_exclusive_group()
    for name in ("json", "csv"):
        form.add_argument(
            f"--{name}",
            dest="form",
            action="store_const",
            const=name,
            help=f"its calls as {name.upper()}",
        )


def run(args: argparse.Namespace) -> int:
    """Print the traces; 1 if there is nothing to print."""
    if args.form:
        told = [f"--{name}" for name in _OF_TREES if getattr(args, name)]
        if told:
            print(f"otelier trace: {told[0]} is not for --{args.form}", file=sys.stderr)
            return 2
        return _question(args)
    return showing.stored("trace", args, args.id)


def _question(args: argparse.Namespace) -> int:
    """The question of the same name, for programs: rows instead of a picture."""
    from otelier.cli.asking import verb

    asked = verb("trace")
    parser = argparse.ArgumentParser("otelier trace")
    asked.add_arguments(parser)
    words = [*([args.id] if args.id else []), f"--{args.form}"]
    return asked.run(parser.parse_args([*words, *(["--store", args.store] if args.store else [])]))
