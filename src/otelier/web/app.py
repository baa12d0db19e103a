"""The application: what is received and what is shown, behind the guard."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from otelier.store.writer import Writer
from otelier.web.guarding import Door, Guard
from otelier.web.inbox import Inbox
from otelier.web.receiving import Receiver
from otelier.web.refusing import RefusedError, refusal
from otelier.web.sealing import Sealed


def application(
    writer: Writer | None, door: Door, say: Callable[[str], None], more: Sequence[BaseRoute] = ()
) -> Starlette:
    """Receives into ``writer``, if there is one; ``more``: other routes behind the same door.

    ``say`` tells the person at the terminal one line.
    """
    inbox = None if writer is None else Inbox(writer, say)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        if inbox is not None:
            await inbox.close()

    async def broken(request: Request, error: Exception) -> Response:
        say(f"{request.url.path}: {type(error).__name__}: {error}")
        return refusal(RefusedError(500, "a fault of the server; its terminal says more"))

    async def unknown(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        refused = refusal(RefusedError(error.status_code, error.detail))
        refused.headers.update(error.headers or {})
        return refused

    return Starlette(
        routes=[*(() if inbox is None else Receiver(inbox).routes()), *more],
        middleware=[Middleware(Sealed), Middleware(Guard, door=door)],
        lifespan=lifespan,
        exception_handlers={HTTPException: unknown, Exception: broken},
    )
