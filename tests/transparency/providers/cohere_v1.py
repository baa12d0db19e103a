"""``cohere``, version 1 of its API."""

from __future__ import annotations

from typing import Any

from tests.servers import Json, cohere_wire
from tests.servers.cohere_wire import ok
from tests.transparency.providers import Case, Provider
from tests.transparency.providers.cohere import EMBED, ONCE, REFUSED, RERANK, made, without

CHAT: dict[str, Any] = {"model": "command-r-08-2024", "message": "Hi"}
PROMPT: dict[str, Any] = {"model": "command", "prompt": "Hi"}

PROVIDER = Provider(
    "cohere_v1",
    "cohere",
    lambda app: made(app, "Client"),
    (
        Case(
            "chat",
            lambda c, _: c.chat(**CHAT, request_options=ONCE),
            lambda: ok(cohere_wire.chat_v1()),
        ),
        Case(
            "generate",
            lambda c, _: c.generate(**PROMPT, request_options=ONCE),
            lambda: ok(cohere_wire.generate()),
        ),
        Case(
            "embed",
            lambda c, _: c.embed(**EMBED, texts=["a", "b"], request_options=ONCE),
            lambda: ok(cohere_wire.embed(2)),
        ),
        Case(
            "embed-unbatched",
            lambda c, _: c.embed(**EMBED, texts=["a"], batching=False, request_options=ONCE),
            lambda: ok(cohere_wire.embed()),
        ),
        Case(
            "rerank",
            lambda c, _: c.rerank(**RERANK, request_options=ONCE),
            lambda: ok(cohere_wire.rerank()),
        ),
        Case(
            "chat-stream",
            lambda c, _: c.chat_stream(**CHAT),
            cohere_wire.chat_stream_v1,
            streamed=True,
        ),
        Case(
            "generate-stream",
            lambda c, _: c.generate_stream(**PROMPT),
            cohere_wire.generate_stream,
            streamed=True,
        ),
    ),
    error=lambda: Json(REFUSED, status=400),
    without=without(),
)
