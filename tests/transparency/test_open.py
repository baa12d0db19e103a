"""Streams that are open when the provider shuts down: their spans are sent, and they go on."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from opentelemetry.trace import StatusCode

from otelier import guard, semconv, under_way
from tests import installed as sdks
from tests.servers import ProviderServer
from tests.telemetry import Telemetry
from tests.transparency.app import ASK, App, drive
from tests.transparency.calls import STREAMS, Call
from tests.transparency.providers import Case, Provider, open_client, providers


@pytest.fixture(scope="module")
def server() -> Iterator[ProviderServer]:
    with ProviderServer() as running:
        yield running


def of_provider(provider: Provider, case: Case) -> Callable[[App], Awaitable[Any]]:
    async def opened(app: App) -> Any:
        app.script(*(case.reply() for _ in range(case.requests)))
        client = open_client(provider, app)
        return await case.stream(app, await app.got(case.start(client, app.asynchronous)))

    return opened


def of_call(call: Call, view: str = "") -> Callable[[App], Awaitable[Any]]:
    async def opened(app: App) -> Any:
        return await app.got(call.start(app, view=view))

    return opened


def play(
    server: ProviderServer, asynchronous: bool, opened: Callable[[App], Any], **options: Any
) -> None:
    """Read one item, shut the provider down, read on."""
    server.clear()
    host = server.url.removeprefix("http://")
    telemetry = Telemetry().start(provider_hosts=f"{host}=openai", **options)
    app = App(server, telemetry, asynchronous)

    def ours() -> list[Any]:
        scopes = [(each, each.instrumentation_scope) for each in telemetry.spans()]
        return [each for each, scope in scopes if scope is not None and scope.name == "otelier"]

    async def scenario() -> None:
        gate = app.gate()
        stream = await opened(app)
        # LiteLLM's are of both kinds.
        both = hasattr(stream, "__iter__") and not asynchronous
        iterator = iter(stream) if both else app.iterate(stream)
        next(iterator) if both else await app.next(iterator)
        before = len(ours())
        if not under_way.anything():
            pytest.skip("all of it has come")
        telemetry.tracer_provider.shutdown()
        ended = ours()[before:]
        # A loop of functions is a span beside its call's.
        assert ended
        for span in ended:
            assert span.attributes[semconv.STREAM_END] == "abandoned"
            assert span.status.status_code is StatusCode.UNSET
        gate.open()
        if both:
            with contextlib.suppress(Exception):  # One of them breaks.
                list(iterator)
        else:
            await app.attempt(app.drain(iterator))
        assert len(ours()) == before + len(ended)
        await app.finish()

    try:
        asyncio.run(scenario()) if asynchronous else drive(scenario())
    finally:
        telemetry.stop()
    assert not guard.failures(), guard.failures()


def _parameters() -> list[Any]:
    found = [
        pytest.param(provider, case, id=f"{provider.name}-{case.name}")
        for provider in providers()
        for case in provider.cases
        if case.streamed and case.spans
    ]
    assert found
    return found


@pytest.mark.parametrize(("provider", "case"), _parameters())
def test_provider(
    server: ProviderServer, provider: Provider, case: Case, asynchronous: bool
) -> None:
    if ("async" if asynchronous else "sync") not in case.flavours:
        pytest.skip(f"{provider.name} has no such call")
    pytest.importorskip((asynchronous and provider.asynchronous) or provider.module)
    play(server, asynchronous, of_provider(provider, case))


@pytest.mark.parametrize("call", STREAMS, ids=str)
def test_call(server: ProviderServer, call: Call, asynchronous: bool) -> None:
    play(server, asynchronous, of_call(call))


@sdks.httpx2
@pytest.mark.parametrize("module", ["httpx", "httpx2"])
def test_http(server: ProviderServer, module: str, asynchronous: bool) -> None:
    httpx = pytest.importorskip(module)

    async def opened(app: App) -> Any:
        client = app.closing((httpx.AsyncClient if app.asynchronous else httpx.Client)())
        body = {"model": "gpt-4o", "messages": ASK, "stream": True}
        request = client.build_request("POST", f"{server.url}/v1/chat/completions", json=body)
        response = await app.got(client.send(request, stream=True))
        return response.aiter_lines() if app.asynchronous else response.iter_lines()

    play(server, asynchronous, opened, http=True)
