"""``otelier receive``: spans and events of other programs, by OTLP over HTTP, into the store."""

from __future__ import annotations

import argparse
import sqlite3
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from otelier import settings
from otelier.cli import address
from otelier.cli.address import RefusedError
from otelier.cli.extras import missing
from otelier.store.engine import StoreError
from otelier.store.sharing import fault
from otelier.viewer.text import clean

if TYPE_CHECKING:
    from otelier.store.writer import Writer

# Seconds for other writers to be done; exporters wait ten for an answer.
_PATIENCE: Final = 2.0
NOT_BEGUN: Final = "the server did not begin; newer versions may help: otelier[ui]"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = (
        "Ctrl-C ends it. Programs of this machine need no token unless --token or OTELIER_TOKEN "
        "says one; behind another --host one is demanded, and made if none is given. What is sent "
        "is not encrypted: beyond a network of your own, put a proxy with TLS before it."
    )
    address.add_arguments(parser)
    parser.add_argument("--store", metavar="PATH", help="the store's file")


def run(args: argparse.Namespace) -> int:
    """Receive until it is ended; 1 if it cannot begin, 2 if that was asked in a wrong way."""
    if missing("receive", "ui", "starlette", "uvicorn"):
        return 2
    try:
        return _run(args)
    except RefusedError as refused:
        _say(refused.line)
        return refused.code


def _run(args: argparse.Namespace) -> int:
    from otelier.store.opening import opened
    from otelier.web.api import Api
    from otelier.web.app import application
    from otelier.web.guarding import Door
    from otelier.web.serving import serve

    there = address.told(args)
    store = args.store or settings.store()
    if settings.is_url(store):
        scheme = store.partition(":")[0]
        raise RefusedError(f"it stores into a file; what goes to {scheme} a collector receives", 2)
    # The store first: who cannot write should not listen.
    path, writer = written(store)
    with address.listener(there) as listener:

        def welcome() -> None:
            url = address.url(listener, there.loopback)
            print(f"otelier receive: {url} into {clean(str(path))}; Ctrl-C ends it")
            print(f"Point programs here: {address.variables(there, url)}", flush=True)

        questions = Api(partial(opened, str(path))).routes()
        app = application(writer, Door(there.token, there.loopback), _say, questions)
        if not serve(app, listener, welcome):
            raise RefusedError(NOT_BEGUN, 1)
    return 0


def written(store: str) -> tuple[Path, Writer]:
    """The store's file, and it open for writing. Raises RefusedError."""
    from otelier.store.writer import Writer

    path = settings.store_file(store).absolute()
    try:
        writer = Writer(path, _PATIENCE)
        writer.write(())
    except (OSError, sqlite3.Error, StoreError) as error:
        raise RefusedError(f"{path}: {fault(error)}", 1) from None
    return path, writer


def _say(line: str) -> None:
    print(f"otelier receive: {clean(line)}", file=sys.stderr, flush=True)
