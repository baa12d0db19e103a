"""``xai_sdk``: chats whole, streamed, parsed and deferred, batches, images."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from functools import cache
from typing import Any

import pytest
from opentelemetry.trace import INVALID_SPAN

from tests.servers import Json
from tests.transparency.app import App, resolve
from tests.transparency.providers import Case, Provider

_TRACED = tuple(f"xai_sdk.{kind}.{name}" for kind in ("sync", "aio") for name in ("chat", "image"))


def make(app: App) -> Any:
    sdk = pytest.importorskip("xai_sdk")
    from tests.servers.xai_grpc import XaiServer

    app.closing(_Quiet())
    server = app.closing(XaiServer(app.server).start())
    kind = sdk.AsyncClient if app.asynchronous else sdk.Client
    # Between retries there is a random pause.
    options = [("grpc.enable_retries", 0)]
    return kind(api_key="k", api_host=server.address, channel_options=options)


class _Quiet:
    """Until closed, the SDK makes no spans: otherwise its own would be current in users' loops."""

    def __init__(self) -> None:
        self._before: list[tuple[Any, Any]] = []
        for name in _TRACED:
            module = sys.modules.get(name)
            if hasattr(module, "tracer"):
                self._before.append((module, module.tracer))
                module.tracer = self

    def start_as_current_span(self, **options: Any) -> Any:
        return nullcontext(INVALID_SPAN)

    def close(self) -> None:
        for module, tracer in self._before:
            module.tracer = tracer


def wire() -> Any:
    from tests.servers import xai_grpc

    return xai_grpc


def chat(client: Any, **more: Any) -> Any:
    from xai_sdk.chat import system, user

    return client.chat.create("grok-4", messages=[system("Be brief."), user("Hi")], **more)


def tools() -> list[Any]:
    from xai_sdk.chat import tool

    return [tool("weather", "Weather", {"type": "object"})]


@cache
def shape() -> Any:
    from pydantic import create_model

    return create_model("Answer", city=(str, ...))


CALLS = [{"id": "call_1", "function": {"name": "weather", "arguments": '{"city": "Paris"}'}}]

PROVIDER = Provider(
    "xai",
    "xai_sdk",
    make,
    (
        Case("sample", lambda c, _: chat(c).sample(), lambda: wire().answer()),
        Case(
            "sample-tools",
            lambda c, _: chat(c, tools=tools()).sample(),
            lambda: wire().answer(wire().output(tool_calls=CALLS)),
        ),
        Case(
            "sample-batch",
            lambda c, _: chat(c).sample_batch(2),
            lambda: wire().answer(wire().output("One"), wire().output("Two", 1)),
        ),
        Case(
            "parse",
            lambda c, _: chat(c).parse(shape()),
            lambda: wire().answer(wire().output('{"city": "Paris"}')),
        ),
        Case("defer", lambda c, _: chat(c).defer(), lambda: wire().deferred(), requests=2),
        Case(
            "compact",
            lambda c, _: resolve(chat(c), "compact")(),
            lambda: wire().raw("CompactContextResponse", id="c", encrypted_content="x"),
        ),
        Case(
            "stored",
            lambda c, _: resolve(c.chat, "get_stored_completion")("resp_1"),
            lambda: wire().answer(),
        ),
        Case(
            "image",
            lambda c, _: c.image.sample("A cat", "grok-2-image"),
            lambda: wire().image(),
        ),
        Case("stream", lambda c, _: chat(c).stream(), lambda: wire().stream(), streamed=True),
        Case(
            "stream-batch",
            lambda c, _: chat(c).stream_batch(2),
            lambda: wire().stream(wire().output("One"), wire().output("Two", 1)),
            streamed=True,
        ),
    ),
    error=lambda: Json({"error": {"message": "no such model"}}, status=400),
)
