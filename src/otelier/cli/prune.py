"""``otelier prune``: forget the oldest spans of the local store."""

from __future__ import annotations

import argparse
import sqlite3
import sys
from pathlib import Path

from otelier import setting_texts
from otelier.cli import places
from otelier.cli.amounts import counted
from otelier.setting_texts import InvalidError
from otelier.store.engine import StoreError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = (
        "Without --keep and --size what OTELIER_STORE_KEEP and OTELIER_STORE_SIZE say, which "
        "programs that write the store keep to by themselves. Others may write and read meanwhile. "
        "Example: otelier prune --keep 30d --size 2g"
    )
    parser.add_argument("--keep", metavar="AGE", type=_age, help="how old spans may be: 30d, 12h")
    parser.add_argument("--size", metavar="BYTES", type=_size, help="how large the file may be: 2g")
    places.add_store(parser)


def _age(text: str) -> int:
    try:
        return setting_texts.age(text)
    except InvalidError as wanted:
        raise argparse.ArgumentTypeError(f"use {wanted}") from None


def _size(text: str) -> int:
    try:
        return setting_texts.store_size(text)
    except InvalidError as wanted:
        raise argparse.ArgumentTypeError(f"use {wanted}") from None


def run(args: argparse.Namespace) -> int:
    """Prune; 1 if the store cannot be pruned."""
    from otelier.store import sharing
    from otelier.store.prune import Pruned
    from otelier.store.writer import Writer
    from otelier.viewer.text import size

    path = places.store(args.store)
    if not path.exists():
        return _refuse(f"there is no store at {path}")
    before, most = sharing.limits(args.keep, args.size)
    done = Pruned()
    writer = Writer(path)
    try:
        for step in writer.prune(before, most):
            done.spans += step.spans
            done.events += step.events
            done.texts += step.texts
            done.bytes += step.bytes
        writer.shrink()
    except (OSError, sqlite3.Error, StoreError) as error:
        return _refuse(f"{path}: {sharing.fault(error)}")
    finally:
        writer.close()
    gone = counted(done.spans, done.events)
    print(f"{gone} forgotten, {size(done.bytes)} given back; {path} has {size(_bytes(path))}")
    return 0


def _bytes(path: Path) -> int:
    return sum(
        file.stat().st_size for file in (path, path.with_name(f"{path.name}-wal")) if file.exists()
    )


def _refuse(line: str) -> int:
    print(f"otelier prune: {line}", file=sys.stderr)
    return 1
