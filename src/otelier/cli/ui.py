"""``otelier ui``: the store in a browser, live; programs may send their spans to it."""

from __future__ import annotations

import argparse
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from otelier import settings
from otelier.cli import address, extras, receive
from otelier.cli.address import Address, RefusedError
from otelier.store import query_process
from otelier.store.engine import StoreError
from otelier.viewer.text import clean

if TYPE_CHECKING:
    import socket

    from otelier.store.engine import Engine

# Of a query: whoever wants more has `otelier sql`.
_MOST_SECONDS: Final = 3600


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = (
        "Ctrl-C ends it. It listens for this machine alone unless --host says otherwise; then a "
        "token is demanded, and the link that is printed has it. Programs in any language that "
        "send OTLP over HTTP to the same address are shown, too."
    )
    address.add_arguments(parser)
    parser.add_argument("--store", help="a path or clickhouse://host/database, not OTELIER_STORE")
    parser.add_argument(
        "--sql-seconds",
        type=_seconds,
        default=query_process.SECONDS,
        metavar="N",
        help="how long a query of the page SQL may take (default: %(default)g)",
    )
    parser.add_argument("--no-open", action="store_true", help="open no browser")
    # Whoever started it tells so that it is to end: nothing else does, not even Ctrl-C.
    parser.add_argument("--until-input-ends", action="store_true", help=argparse.SUPPRESS)


def _seconds(text: str) -> float:
    with suppress(ValueError):
        if 0 < (seconds := float(text)) <= _MOST_SECONDS:
            return seconds
    raise argparse.ArgumentTypeError(f"it is a number up to {_MOST_SECONDS}, not {text!r}")


def run(args: argparse.Namespace) -> int:
    """Show the store until it is ended; 1 if it cannot begin, 2 if that was asked wrongly."""
    if extras.missing("ui", "ui", *extras.UI):
        return 2
    try:
        return _run(args)
    except RefusedError as refused:
        _say(refused.line)
        return refused.code


def _run(args: argparse.Namespace) -> int:
    from otelier.store.opening import opened
    from otelier.web import entrance
    from otelier.web.api import Api
    from otelier.web.app import application
    from otelier.web.guarding import Door
    from otelier.web.pages import site
    from otelier.web.serving import serve

    there = address.told(args)
    store = args.store or settings.store()
    writer = None
    if not settings.is_url(store):
        path, writer = receive.written(store)
        store = str(path)
    opens = partial(opened, store)
    asker = query_process.asker(store, args.sql_seconds)
    place = _place(opens)
    with _listener(there, chosen=args.port is not None) as listener:
        url = address.url(listener, there.loopback)
        pages = site.routes(opens, place, asker, url if writer is not None else "")
        door = Door(there.token, there.loopback, pages=True)
        app = application(writer, door, _say, [*Api(opens).routes(), *pages])
        link = entrance.link(url, there.token if there.made else None)

        def welcome() -> None:
            beside = args.until_input_ends
            end = "" if beside else "; Ctrl-C ends it"
            print(f"otelier ui: {link} shows {clean(place)}{end}")
            if writer is not None and not beside:
                print(f"Point programs here: {address.variables(there, url)}")
            sys.stdout.flush()
            if not args.no_open:
                _open(link)

        until = sys.stdin.read if args.until_input_ends else None
        if not serve(app, listener, welcome, until):
            raise RefusedError(receive.NOT_BEGUN, 1)
    return 0


def _place(opens: Callable[[], Engine]) -> str:
    """What its reader calls the store, which is there. Raises RefusedError."""
    try:
        engine = opens()
    except StoreError as error:
        raise RefusedError(str(error), 1) from None
    engine.close()
    return engine.place


def _listener(there: Address, *, chosen: bool) -> socket.socket:
    """Where it listens; another port where a collector has the usual one, and nobody chose."""
    try:
        return address.listener(there)
    except RefusedError:
        if chosen:
            raise
        return address.listener(replace(there, port=0))


def _open(link: str) -> None:
    """Open a browser where there is a screen; one of text would take the terminal."""
    import webbrowser

    if sys.platform in ("darwin", "win32") or settings.has_screen():
        # Some wait until the browser has come up.
        threading.Thread(target=webbrowser.open, args=(link,), daemon=True).start()


def _say(line: str) -> None:
    print(f"otelier ui: {clean(line)}", file=sys.stderr, flush=True)
