"""``otelier receive``: spans and events of other programs, by OTLP over HTTP, into the store."""

from __future__ import annotations

import argparse
import ipaddress
import re
import secrets
import socket
import sqlite3
import sys
from functools import partial
from pathlib import Path
from typing import Final

from otelier import settings
from otelier.cli.extras import missing
from otelier.store.engine import StoreError
from otelier.store.sharing import fault
from otelier.store.writer import Writer
from otelier.viewer.text import clean

# What exporters send to where nobody says otherwise.
_HOST: Final = "127.0.0.1"
_PORT: Final = 4318
# Seconds for other writers to be done; exporters wait ten for an answer.
_PATIENCE: Final = 2.0
# What may stand behind `Bearer`, by RFC 6750.
_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = (
        "Ctrl-C ends it. Programs of this machine need no token unless --token or OTELIER_TOKEN "
        "says one; behind another --host one is demanded, and made if none is given. What is sent "
        "is not encrypted: beyond a network of your own, put a proxy with TLS before it."
    )
    parser.add_argument("--host", default=_HOST, help=f"address to listen on ({_HOST})")
    parser.add_argument("--port", type=port, default=_PORT, help=f"port; 0 for any ({_PORT})")
    parser.add_argument("--store", metavar="PATH", help="the store's file")
    parser.add_argument(
        "--token", metavar="TEXT", help="what programs have to bring; others see it in `ps`"
    )


def port(text: str) -> int:
    """A port. Raises ValueError; argparse tells this function's name."""
    found = int(text)
    if not 0 <= found < 1 << 16:
        raise ValueError(text)
    return found


def run(args: argparse.Namespace) -> int:
    """Receive until it is ended; 1 if it cannot begin, 2 if that was asked in a wrong way."""
    if missing("receive", "ui", "starlette", "uvicorn"):
        return 2
    from otelier.store.opening import opened
    from otelier.web.api import Api
    from otelier.web.app import application
    from otelier.web.guarding import Door, is_loopback
    from otelier.web.serving import listening, serve

    loopback = is_loopback(args.host)
    token = settings.receiver_token() if args.token is None else args.token
    made = token is None and not loopback
    if made:
        token = secrets.token_urlsafe(24)
    if token is not None and not _TOKEN.fullmatch(token):
        return _refuse("a token has letters, digits and -._~+/= only", 2)
    store = args.store or settings.store()
    if settings.is_url(store):
        scheme = store.partition(":")[0]
        return _refuse(f"it stores into a file; what goes to {scheme} a collector receives", 2)
    path = settings.store_file(store).absolute()
    try:
        # The store first: who cannot write should not listen.
        writer = Writer(path, _PATIENCE)
        writer.write(())
    except (OSError, sqlite3.Error, StoreError) as error:
        return _refuse(f"{path}: {fault(error)}", 1)
    try:
        listener = listening(args.host, args.port)
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or error
        return _refuse(f"{args.host} port {args.port}: {why}", 1)
    with listener:
        welcome = partial(_welcome, _url(listener, loopback), path, token, made)
        questions = Api(partial(opened, str(path))).routes()
        app = application(writer, Door(token, loopback), _say, questions)
        if serve(app, listener, welcome):
            return 0
    return _refuse("the server did not begin; newer versions may help: otelier[ui]", 1)


def _welcome(url: str, path: Path, token: str | None, made: bool) -> None:
    """Where it listens, and what programs have to be told."""
    variables = f"OTEL_EXPORTER_OTLP_ENDPOINT={url} OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"
    if token is not None:
        # Only what nobody else knows is shown, and only here.
        shown = token if made else "TOKEN"
        variables += f" OTEL_EXPORTER_OTLP_HEADERS=Authorization=Bearer%20{shown}"
    print(f"otelier receive: {url} into {clean(str(path))}; Ctrl-C ends it")
    print(f"Point programs here: {variables}", flush=True)


def _url(listener: socket.socket, loopback: bool) -> str:
    host, port = listener.getsockname()[:2]
    if not loopback and ipaddress.ip_address(host).is_unspecified:
        host = socket.gethostname()
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _say(line: str) -> None:
    print(f"otelier receive: {clean(line)}", file=sys.stderr, flush=True)


def _refuse(line: str, code: int) -> int:
    _say(line)
    return code
