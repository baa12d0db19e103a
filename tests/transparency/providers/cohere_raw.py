"""``cohere``, raw responses: those of streams are read within a ``with``."""

from __future__ import annotations

from typing import Any

from tests.servers import Json, cohere_wire
from tests.servers.cohere_wire import ok
from tests.transparency.app import App
from tests.transparency.providers import Case, Provider
from tests.transparency.providers.cohere import CHAT, EMBED, ONCE, REFUSED, made


async def events(app: App, manager: Any) -> Any:
    """The events in a response that is entered, and left when the scenario ends."""
    response = await app.enter(manager)
    app._closing.append(_Left(app, manager))
    return response.data


class _Left:
    """Leaves a response's ``with``."""

    def __init__(self, app: App, manager: Any) -> None:
        self._app = app
        self._manager = manager

    async def aclose(self) -> None:
        await self._app.leave(self._manager)


PROVIDER = Provider(
    "cohere_raw",
    # Older versions have none.
    "cohere.v2.raw_client",
    lambda app: made(app, "ClientV2").with_raw_response,
    (
        Case(
            "chat",
            lambda c, _: c.chat(**CHAT, request_options=ONCE),
            lambda: ok(cohere_wire.chat()),
        ),
        Case(
            "embed",
            lambda c, _: c.embed(**EMBED, texts=["a"], request_options=ONCE),
            lambda: ok(cohere_wire.embed()),
        ),
        Case(
            "chat-stream",
            lambda c, _: c.chat_stream(**CHAT),
            cohere_wire.chat_stream,
            streamed=True,
            stream=events,
        ),
    ),
    error=lambda: Json(REFUSED, status=400),
)
