"""``cohere``, version 2 of its API; version 1 is in ``cohere_v1``."""

from __future__ import annotations

from importlib import metadata
from typing import Any

import pytest

from tests.servers import Json, cohere_wire
from tests.servers.cohere_wire import ok
from tests.transparency.app import ASK, App
from tests.transparency.providers import Case, Provider


def made(app: App, name: str) -> Any:
    """A client, with an HTTP client that does not load certificates."""
    cohere = pytest.importorskip("cohere")
    httpx = pytest.importorskip("httpx")
    prefix = "Async" if app.asynchronous else ""
    http = getattr(httpx, f"{prefix}Client")(verify=False)
    app._closing.append(http)
    client = getattr(cohere, f"{prefix}{name}")
    return client(api_key="k", base_url=app.server.url, httpx_client=http)


def without() -> dict[str, str]:
    """Paths that end at different places from run to run, without otelier, too."""
    try:
        major, minor = map(int, metadata.version("cohere").split(".")[:2])
    except metadata.PackageNotFoundError:
        return {}
    if (major, minor) >= (5, 16):
        return {}
    reason = "streams of this version swallow what closes them, and read on"
    return dict.fromkeys(("break_and_drop", "next_and_close", "raise_inside"), reason)


TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]
CHAT: dict[str, Any] = {"model": "command-a-03-2025", "messages": ASK}
EMBED: dict[str, Any] = {
    "model": "embed-v4.0",
    "input_type": "search_document",
    "embedding_types": ["float"],
}
RERANK: dict[str, Any] = {"model": "rerank-v3.5", "query": "Q", "documents": ["a", "b"]}
# Without waiting for what a real client would wait for.
ONCE = {"max_retries": 0}

REFUSED = {"message": "invalid request: message must not be empty"}

PROVIDER = Provider(
    "cohere",
    "cohere",
    lambda app: made(app, "ClientV2"),
    (
        Case(
            "chat",
            lambda c, _: c.chat(**CHAT, request_options=ONCE),
            lambda: ok(cohere_wire.chat()),
        ),
        Case(
            "chat-tools",
            lambda c, _: c.chat(**CHAT, tools=TOOLS, request_options=ONCE),
            lambda: ok(cohere_wire.tool_call()),
        ),
        Case(
            "embed",
            lambda c, _: c.embed(**EMBED, texts=["a", "b"], request_options=ONCE),
            lambda: ok(cohere_wire.embed(2)),
        ),
        Case(
            "rerank",
            lambda c, _: c.rerank(**RERANK, request_options=ONCE),
            lambda: ok(cohere_wire.rerank()),
        ),
        Case(
            "models",
            lambda c, _: c.models.list(request_options=ONCE),
            lambda: ok({"models": []}),
            spans=0,
        ),
        Case(
            "chat-stream",
            lambda c, _: c.chat_stream(**CHAT),
            cohere_wire.chat_stream,
            streamed=True,
        ),
        Case(
            "tool-stream",
            lambda c, _: c.chat_stream(**CHAT, tools=TOOLS),
            cohere_wire.tool_stream,
            streamed=True,
        ),
    ),
    error=lambda: Json(REFUSED, status=400),
    without=without(),
)
