"""Failures of ours while a stream is read: the program has its stream, and the rest is seen."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Iterator
from typing import Any

import pytest
from opentelemetry.trace import StatusCode

from otelier import guard, semconv
from otelier.call import Call
from otelier.hooks import streams
from otelier.protocols.openai import chat
from tests.hooks.test_generators import opened
from tests.installed import openai_streams
from tests.servers import ProviderServer, Sse
from tests.servers.openai_wire import chat_chunks, chat_message
from tests.telemetry import Telemetry

openai = pytest.importorskip("openai")
ASKED: dict[str, Any] = {"model": "gpt-4o", "messages": [], "stream": True}
TEXT = "One two three four five six seven"


@pytest.fixture
def local(server: ProviderServer) -> Iterator[Telemetry]:
    """As ``telemetry``, for tests in which ours fails."""
    server.script(Sse(chat_chunks(chat_message(TEXT))))
    running = Telemetry().start(provider_hosts=f"{server.url.removeprefix('http://')}=openai")
    yield running
    running.stop()


class _Raises:
    """An iterator of the program's own, which tells nothing of itself."""

    def __next__(self) -> Any:
        raise ValueError("its own")

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name) if name.endswith("_running") else AttributeError(name)


def test_what_an_iterator_raises_is_not_hidden(local: Telemetry) -> None:
    call = opened()
    assert call is not None
    with pytest.raises(ValueError, match="its own"):
        next(streams.Items(_Raises(), call))
    assert local.span("chat").status.status_code is StatusCode.ERROR


def test_closed_while_the_sdk_waits(telemetry: Telemetry) -> None:
    """As when a loop is gone before its tasks are: nothing more comes, whoever has the stream."""

    async def chunks() -> AsyncGenerator[Any, None]:
        yield {"id": "c", "choices": []}
        await _Suspends()
        yield {"id": "d", "choices": []}

    async def read_it() -> None:
        async for _ in observed:
            pass

    call = opened()
    assert call is not None
    observed = streams.AsyncItems(chunks(), call)
    reading = read_it()
    reading.send(None)
    with pytest.raises(GeneratorExit):
        reading.throw(GeneratorExit())
    assert (telemetry.span("chat").attributes or {})[semconv.STREAM_END] == "abandoned"


class _Suspends:
    def __await__(self) -> Iterator[None]:
        yield


def read(server: ProviderServer, way: str) -> list[Any]:
    """All chunks of a stream, by a loop or one by one."""
    given: dict[str, Any] = {"base_url": f"{server.url}/v1", "api_key": "k"}
    if not way.startswith("async"):
        with openai.OpenAI(**given) as client:
            stream = client.chat.completions.create(**ASKED)
            return [*stream] if way == "loop" else [*iter(stream.__next__, None)]

    async def read_it() -> list[Any]:
        async with openai.AsyncOpenAI(**given) as client:
            stream = await client.chat.completions.create(**ASKED)
            if way == "async loop":
                return [chunk async for chunk in stream]
            found = []
            try:
                while True:
                    found.append(await stream.__anext__())
            except StopAsyncIteration:
                return found

    return asyncio.run(read_it())


def failing(function: Callable[..., Any], when: int) -> Callable[..., Any]:
    """The same, but for one of its calls."""
    calls = iter(range(1_000_000))

    def fails(*args: Any) -> Any:
        if next(calls) == when:
            raise RuntimeError("ours")
        return function(*args)

    return fails


@openai_streams
@pytest.mark.parametrize("way", ["loop", "next", "async loop", "async next"])
@pytest.mark.parametrize(
    ("owner", "name", "when"),
    [(Call, "begin_chunks", 0), (chat.Reader, "_texts", 0), (chat.Reader, "_texts", 3)],
    ids=["the beginning", "the first", "one between"],
)
def test_the_rest_is_seen(
    server: ProviderServer,
    local: Telemetry,
    monkeypatch: pytest.MonkeyPatch,
    way: str,
    owner: Any,
    name: str,
    when: int,
) -> None:
    monkeypatch.setattr(owner, name, failing(getattr(owner, name), when))
    chunks = read(server, way)
    said = [each.choices[0].delta.content or "" for each in chunks if each.choices]
    assert "".join(said) == TEXT
    assert guard.failures() == {"streams.look": 1}
    span = local.span("chat")
    found = span.attributes or {}
    assert span.status.is_unset and semconv.STREAM_END not in found
    assert found[semconv.RESPONSE_FINISH_REASONS] == ("stop",)
    (message,) = json.loads(str(found[semconv.OUTPUT_MESSAGES]))
    seen = message["parts"][0]["content"]
    lost = said[when] if name == "_texts" else said[0]
    assert seen == TEXT.replace(lost, "", 1)
