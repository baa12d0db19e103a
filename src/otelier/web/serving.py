"""An application on a socket, until Ctrl-C or SIGTERM."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from otelier.web.patience import IDLE, Patient

# Further connections are refused with 503.
_CONNECTIONS: Final = 256
# Requests that are under way when it ends have so long.
_END: Final = 10


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens there; port 0 for any that is free. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, _, _, _, address = found[0]
    return socket.create_server((str(address[0]), port), family=family, backlog=_CONNECTIONS)


def serve(
    app: ASGIApp,
    listener: socket.socket,
    welcome: Callable[[], None],
    until: Callable[[], object] | None = None,
) -> bool:
    """Answer requests until a signal ends it and all that was begun is done; whether it began.

    ``welcome``: says that it listens, once a signal ends it as it should. ``until``: returns when
    it is to end without one; it is called by a thread of its own.
    """
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            # Whatever else is installed: what is proved of one is not of the others.
            http=Patient,
            loop="asyncio",
            lifespan="on",
            ws="none",
            log_config=None,
            log_level="critical",
            access_log=False,
            server_header=False,
            limit_concurrency=_CONNECTIONS,
            timeout_keep_alive=IDLE,
            timeout_graceful_shutdown=_END,
        )
    )
    # It raises the signal that ended it once more when it is done: whoever pressed Ctrl-C wanted
    # just that, and it is no failure.
    before = {number: signal.signal(number, server.handle_exit) for number in _ENDING}
    if until is not None:
        threading.Thread(target=_ended, args=(server, until), daemon=True).start()
    try:
        welcome()
        # Some versions end the process where they could not begin.
        with suppress(SystemExit):
            server.run([listener])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return server.started


def _ended(server: uvicorn.Server, until: Callable[[], object]) -> None:
    until()
    server.should_exit = True


_ENDING: Final = (signal.SIGINT, signal.SIGTERM)
