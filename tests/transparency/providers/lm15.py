"""``lm15``: chat completions, responses and messages."""

from __future__ import annotations

from typing import Any

import pytest

from tests.servers import Json, Sse, anthropic_wire, openai_wire
from tests.transparency.app import App
from tests.transparency.providers import Case, Provider

KEYS = ("openai-chat", "openai", "anthropic")


def make(app: App) -> Any:
    lm15 = pytest.importorskip("lm15")
    urls = dict.fromkeys(KEYS, f"{app.server.url}/v1")
    config = lm15.RouterConfig(api_keys=dict.fromkeys(KEYS, "k"), base_urls=urls)
    return (lm15.AsyncLMRouter if app.asynchronous else lm15.LMRouter)(config)


def _request(model: str) -> Any:
    import lm15

    return lm15.Request(model=model, messages=(lm15.Message.user("Hi"),))


def _chat_stream() -> Sse:
    message = openai_wire.chat_message("Hello there")
    return Sse(openai_wire.chat_chunks(message, include_usage=True))


PROVIDER = Provider(
    "lm15",
    "lm15",
    make,
    (
        Case(
            "chat",
            lambda c, _: c.complete(_request("openai-chat:gpt-4o-mini")),
            lambda: Json(openai_wire.chat_completion()),
        ),
        Case(
            "responses",
            lambda c, _: c.complete(_request("openai:gpt-4o-mini")),
            lambda: Json(openai_wire.response_object(openai_wire.message_item("Hello"))),
        ),
        Case(
            "messages",
            lambda c, _: c.complete(_request("anthropic:claude-sonnet-4-5")),
            lambda: Json(anthropic_wire.message()),
        ),
        Case(
            "chat-stream",
            lambda c, _: c.stream(_request("openai-chat:gpt-4o-mini")),
            _chat_stream,
            streamed=True,
            ahead=3,
        ),
    ),
    without={"cancelled": "where it is by then, sending or waiting, is a matter of time"},
)
