"""``otelier forward``: what the local store has to a backend, and what comes into it."""

from __future__ import annotations

import argparse
import contextlib
import sqlite3
import sys

from otelier.cli import places, posting
from otelier.cli.amounts import counted
from otelier.cli.stopping import stopped
from otelier.store.engine import StoreError
from otelier.store.sharing import fault


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = (
        "It sends in OTLP/HTTP protobuf and goes on as the store grows; Ctrl-C ends it. While the "
        "backend is down it waits; how far it came stands in the store, and the next time it goes "
        "on there. Example: otelier forward --to https://collector.example.org:4318"
    )
    parser.add_argument(
        "--to", required=True, metavar="URL", help="endpoint, such as http://localhost:4318"
    )
    posting.add_headers(parser)
    parser.add_argument("--once", action="store_true", help="end when all is sent")
    parser.add_argument(
        "--skip-refused", action="store_true", help="leave out what the backend refuses, and go on"
    )
    places.add_store(parser)


def run(args: argparse.Namespace) -> int:
    """Forward; 1 if something was refused, or the store cannot be read."""
    if posting.endpoint(args.to) is None:
        return _refuse(f"not an http or https URL: {posting.shown(args.to)}", 2)
    from otelier.cli.forwarder import SIGNALS, Forwarder, RefusedError
    from otelier.store.forwarding import Outbox

    urls = {each.path: posting.endpoint(args.to, each.path) or "" for each in SIGNALS}
    path = places.store(args.store)
    try:
        outbox = Outbox(path, posting.shown(urls[posting.TRACES]))
    except (OSError, sqlite3.Error) as error:
        return _refuse(f"{path}: {fault(error)}")
    except StoreError as error:
        return _refuse(str(error))
    posters = {each: posting.Poster(url, dict(args.header)) for each, url in urls.items()}
    code = 0
    with contextlib.closing(outbox), stopped() as stop:
        forwarder = Forwarder(outbox, posters, stop, args.skip_refused)
        try:
            forwarder.run(args.once)
            if args.once and stop.is_set():
                code = _refuse("it was ended before all was sent; the next time it goes on there")
        except RefusedError as error:
            code = _refuse(f"{error}; --skip-refused leaves such out")
        except (OSError, sqlite3.Error, StoreError) as error:
            code = _refuse(f"{path}: {fault(error)}")
    to = posters[posting.TRACES].shown
    sent = counted(forwarder.sent.get("span", 0), forwarder.sent.get("event", 0))
    print(f"forwarded {sent} to {to}", flush=True)
    refused = any(forwarder.refused.values()) and not args.skip_refused
    return code or int(refused)


def _refuse(line: str, code: int = 1) -> int:
    print(f"otelier forward: {line}", file=sys.stderr)
    return code
