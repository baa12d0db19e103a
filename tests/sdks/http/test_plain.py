"""Plain HTTP to known endpoints: the same spans without an SDK, and none beside an SDK's."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from opentelemetry.trace import StatusCode

import otelier
from otelier import guard
from tests import installed as sdks
from tests.hooks.reading import facts, text
from tests.servers import Drop, Json, ProviderServer, Raw, Reply, ollama_wire
from tests.servers.replies import Gate, Sse
from tests.telemetry import Telemetry

pytestmark = sdks.httpx2

ASK = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}
CLAUDE = {**ASK, "model": "claude-sonnet-4-5", "max_tokens": 64}


@pytest.fixture
def telemetry(server: ProviderServer) -> Iterator[Telemetry]:
    host = server.url.removeprefix("http://")
    running = Telemetry().start(http=True, provider_hosts=f"{host}=openai")
    yield running
    running.stop()
    assert not guard.failures(), guard.failures()


# --- the four libraries, each as a function that gives the pieces of the body ------------------


def by_httpx(module: str) -> Callable[..., Any]:
    def post(url: str, body: Any, stream: bool, most: int) -> Any:
        httpx = pytest.importorskip(module)
        with httpx.Client() as client:
            if not stream:
                response = client.post(url, json=body)
                return type(response), response.status_code, [response.content]
            with client.stream("POST", url, json=body) as response:
                pieces = []
                for piece in response.iter_lines():
                    pieces.append(piece)
                    if len(pieces) == most:
                        break
            return type(response), response.status_code, pieces

    return post


def by_async_httpx(module: str) -> Callable[..., Any]:
    def post(url: str, body: Any, stream: bool, most: int) -> Any:
        httpx = pytest.importorskip(module)

        async def main() -> Any:
            async with httpx.AsyncClient() as client:
                if not stream:
                    response = await client.post(url, json=body)
                    return type(response), response.status_code, [response.content]
                async with client.stream("POST", url, json=body) as response:
                    pieces = await _taken(response.aiter_lines(), most)
                return type(response), response.status_code, pieces

        return asyncio.run(main())

    return post


def by_requests(url: str, body: Any, stream: bool, most: int) -> Any:
    requests = pytest.importorskip("requests")
    with requests.post(url, json=body, stream=stream) as response:
        if not stream:
            return type(response), response.status_code, [response.content]
        pieces = []
        for piece in response.iter_lines():
            pieces.append(piece)
            if len(pieces) == most:
                break
    return type(response), response.status_code, pieces


def by_aiohttp(url: str, body: Any, stream: bool, most: int) -> Any:
    aiohttp = pytest.importorskip("aiohttp")

    async def main() -> Any:
        async with aiohttp.ClientSession() as session:
            async with session.post(url, json=body) as response:
                if not stream:
                    return type(response), response.status, [await response.read()]
                pieces = await _taken(response.content, most)
            return type(response), response.status, pieces

    return asyncio.run(main())


async def _taken(source: AsyncIterator[Any], most: int) -> list[Any]:
    pieces = []
    async for piece in source:
        pieces.append(piece)
        if len(pieces) == most:
            break
    return pieces


POSTS = {
    "httpx": by_httpx("httpx"),
    "httpx2": by_httpx("httpx2"),
    "httpx-async": by_async_httpx("httpx"),
    "httpx2-async": by_async_httpx("httpx2"),
    "requests": by_requests,
    "aiohttp": by_aiohttp,
}


@pytest.fixture(params=POSTS)
def post(request: Any) -> Callable[..., Any]:
    return POSTS[request.param]


def compared(
    post: Callable[..., Any],
    server: ProviderServer,
    telemetry: Telemetry,
    path: str,
    body: Any,
    reply: Callable[[], Reply] | None = None,
    stream: bool = False,
    most: int = -1,
) -> Any:
    """Post without otelier and with it: the same on both sides."""

    def once() -> Any:
        server.clear()
        if reply is not None:
            server.script(reply())
        try:
            seen = post(server.url + path, body, stream, most)
        except Exception as error:
            seen = type(error), str(error)
        return seen, list(server.requests)

    telemetry.stop()
    bare = once()
    telemetry.clear()
    host = server.url.removeprefix("http://")
    telemetry.start(http=True, provider_hosts=f"{host}=openai")
    assert once() == bare
    return bare[0]


def test_chat(post: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    compared(post, server, telemetry, "/v1/chat/completions", ASK)
    span = telemetry.span()
    assert span.name == "chat gpt-4o"
    found = facts(span)
    assert found["gen_ai.provider.name"] == "openai"
    assert found["gen_ai.input.messages"] == [text("user", "Hi")]
    assert found["gen_ai.output.messages"][0]["role"] == "assistant"
    assert found["gen_ai.usage.input_tokens"] > 0
    assert found["gen_ai.usage.cost"] > 0
    assert found["otelier.provider.request_id"] == "req_local_1"


def test_chat_stream(post: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    body = {**ASK, "stream": True, "stream_options": {"include_usage": True}}
    compared(post, server, telemetry, "/v1/chat/completions", body, stream=True)
    found = facts(telemetry.span())
    assert found["gen_ai.request.stream"] is True
    assert found["gen_ai.response.finish_reasons"] == ["stop"]
    assert found["gen_ai.usage.output_tokens"] > 0
    assert "otelier.stream.end" not in found


def test_a_stream_that_is_read_as_a_whole(
    post: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    body = {**ASK, "stream": True}
    compared(post, server, telemetry, "/v1/chat/completions", body)
    found = facts(telemetry.span())
    assert found["gen_ai.response.finish_reasons"] == ["stop"]
    assert found["gen_ai.output.messages"]


def test_a_stream_that_is_left_early(
    post: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    events = [
        {"id": "c", "model": "gpt-4o", "choices": [{"index": 0, "delta": {"content": "x" * 400}}]}
    ] * 2_000
    body = {**ASK, "stream": True}
    compared(
        post, server, telemetry, "/v1/chat/completions", body, lambda: Sse(events), True, most=1
    )
    span = telemetry.span()
    assert span.attributes["otelier.stream.end"] == "closed"
    assert span.status.status_code is StatusCode.UNSET


def test_anthropic_stream(post: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    compared(post, server, telemetry, "/v1/messages", {**CLAUDE, "stream": True}, stream=True)
    found = facts(telemetry.span())
    assert found["gen_ai.request.model"] == "claude-sonnet-4-5"
    assert found["gen_ai.response.finish_reasons"] == ["stop"]
    assert found["gen_ai.usage.output_tokens"] > 0


def test_ollama_stream(post: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    body = {**ASK, "model": "llama3.2", "stream": True}
    compared(post, server, telemetry, "/api/chat", body, ollama_wire.chat_stream, stream=True)
    found = facts(telemetry.span())
    assert found["gen_ai.output.messages"] == [text("assistant", "Hello there")]
    assert found["gen_ai.usage.input_tokens"] == 26


def gemini(*texts: str) -> list[dict[str, Any]]:
    return [
        {
            "candidates": [{"content": {"role": "model", "parts": [{"text": piece}]}}],
            "usageMetadata": {"promptTokenCount": 4, "candidatesTokenCount": number},
            "modelVersion": "gemini-2.5-flash",
        }
        for number, piece in enumerate(texts, 1)
    ]


@pytest.mark.parametrize("as_events", [True, False])
def test_gemini_stream(
    post: Any, server: ProviderServer, telemetry: Telemetry, as_events: bool
) -> None:
    """Server-sent events, or one JSON array that comes in pieces."""
    pieces = gemini("Hel", "lo")
    host = server.url.removeprefix("http://")
    telemetry.stop()
    telemetry.start(http=True, provider_hosts=f"{host}=gcp.gemini")
    server.script(Sse(pieces, done=None) if as_events else Json(pieces))
    body = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}
    path = "/v1beta/models/gemini-2.5-flash:streamGenerateContent"
    post(server.url + path + ("?alt=sse" if as_events else ""), body, True, -1)
    found = facts(telemetry.span())
    assert found["gen_ai.request.model"] == "gemini-2.5-flash"
    assert found["gen_ai.input.messages"] == [text("user", "Hi")]
    assert found["gen_ai.output.messages"] == [text("model", "Hello")]
    assert found["gen_ai.usage.output_tokens"] == 2
    assert found["gen_ai.usage.cost"] > 0


def test_refused(post: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    error = {"error": {"message": "Slow down", "type": "requests", "code": "rate_limit_exceeded"}}
    compared(post, server, telemetry, "/v1/chat/completions", ASK, lambda: Json(error, status=429))
    span = telemetry.span()
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description == "Slow down"
    assert span.attributes["error.type"] == "429"
    assert span.attributes["http.response.status_code"] == 429
    assert span.attributes["otelier.provider.error_code"] == "rate_limit_exceeded"


def test_refused_without_json(post: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    page = Raw(b"<html>Bad gateway</html>", "text/html", 502)
    compared(post, server, telemetry, "/v1/chat/completions", ASK, lambda: page)
    assert telemetry.span().attributes["error.type"] == "502"


def test_dropped(post: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    kind, _ = compared(post, server, telemetry, "/v1/chat/completions", ASK, Drop)
    span = telemetry.span()
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes["error.type"].endswith(kind.__name__)


def test_cut(post: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    """The connection ends in the middle of the stream."""
    event = {"id": "c", "choices": [{"index": 0, "delta": {"content": "Hel"}}]}
    body = {**ASK, "stream": True}
    compared(
        post,
        server,
        telemetry,
        "/v1/chat/completions",
        body,
        lambda: Sse([event] * 3, drop_after=2),
        stream=True,
    )
    span = telemetry.span()
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes["gen_ai.response.finish_reasons"] == ("error",)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/models", ASK),
        ("/chat", ASK),
        ("/v1/chat/completions/extra", ASK),
    ],
)
def test_other_paths_are_not_seen(
    post: Any, server: ProviderServer, telemetry: Telemetry, path: str, body: Any
) -> None:
    compared(post, server, telemetry, path, body, lambda: Json({}))
    assert not telemetry.spans()


def test_unknown_hosts_must_be_asked_for_a_model(post: Any, server: ProviderServer) -> None:
    running = Telemetry().start(http=True)
    server.script(Json({}), Json({}))
    post(server.url + "/v1/messages", {"to": "ada", "text": "a mail"}, False, -1)
    assert not running.spans()
    post(server.url + "/v1/chat/completions", ASK, False, -1)
    assert running.span().attributes["gen_ai.provider.name"] == "127.0.0.1"
    running.stop()


def test_only_if_asked_for(post: Any, server: ProviderServer) -> None:
    running = Telemetry().start()
    post(server.url + "/v1/chat/completions", ASK, False, -1)
    assert not running.spans()
    running.stop()


def test_an_sdk_above_makes_the_only_span(server: ProviderServer, telemetry: Telemetry) -> None:
    openai = pytest.importorskip("openai")
    client = openai.OpenAI(base_url=server.url + "/v1", api_key="k")
    client.chat.completions.create(**ASK)
    for _ in client.chat.completions.create(**ASK, stream=True):
        pass
    assert len(telemetry.spans()) == 2

    async def main() -> None:
        made = openai.AsyncOpenAI(base_url=server.url + "/v1", api_key="k")
        async for _ in await made.chat.completions.create(**ASK, stream=True):
            pass

    telemetry.clear()
    asyncio.run(main())
    assert len(telemetry.spans()) == 1


def test_a_disabled_sdk_is_seen_below(server: ProviderServer, telemetry: Telemetry) -> None:
    telemetry.stop()
    host = server.url.removeprefix("http://")
    telemetry.start(http=True, provider_hosts=f"{host}=openai", disabled="openai")
    openai = pytest.importorskip("openai")
    client = openai.OpenAI(base_url=server.url + "/v1", api_key="k")
    client.chat.completions.create(**ASK)
    assert telemetry.span().name == "chat gpt-4o"


def test_bodies_that_are_streams_are_not_read(server: ProviderServer, telemetry: Telemetry) -> None:
    httpx = pytest.importorskip("httpx")
    requests = pytest.importorskip("requests")
    data, url = json.dumps(ASK).encode(), server.url + "/v1/chat/completions"

    def body(taken: list[int]) -> Iterator[bytes]:
        taken.append(1)
        yield data

    for post, name in ((httpx.post, "content"), (requests.post, "data")):
        taken: list[int] = []
        assert post(url, **{name: body(taken)}).status_code == 200
        assert taken == [1]
        assert server.requests[-1].body == data
    assert len(telemetry.spans()) == 2
    for span in telemetry.spans():
        assert "gen_ai.input.messages" not in span.attributes


def test_dropped_responses_end_their_spans(server: ProviderServer, telemetry: Telemetry) -> None:
    requests = pytest.importorskip("requests")
    url = server.url + "/v1/chat/completions"
    response = requests.post(url, json={**ASK, "stream": True}, stream=True)
    del response
    gc.collect()
    assert telemetry.span().attributes["otelier.stream.end"] == "abandoned"


def test_dropped_aiohttp_responses_end_their_spans(
    server: ProviderServer, telemetry: Telemetry
) -> None:
    aiohttp = pytest.importorskip("aiohttp")
    from otelier.sdks.http import aiohttp as http_aiohttp

    gate = Gate()
    reply = Sse([{"choices": []}] * 2, gate=gate)

    async def main() -> None:
        async with aiohttp.ClientSession() as session:
            server.script(reply)
            response = await session.post(
                server.url + "/v1/chat/completions", json={**ASK, "stream": True}
            )
            del response
            gc.collect()

    asyncio.run(main())
    assert telemetry.span().attributes["otelier.stream.end"] == "abandoned"
    assert not http_aiohttp._open_bodies


def test_uninstrument_restores(telemetry: Telemetry) -> None:
    for module, owner, name in (
        ("httpx", "Client", "send"),
        ("httpx2", "AsyncClient", "send"),
        ("requests", "Session", "send"),
        ("aiohttp", "ClientSession", "_request"),
    ):
        kind = getattr(pytest.importorskip(module), owner)
        assert hasattr(kind.__dict__[name], "__wrapped__")
    otelier.uninstrument()
    for module, owner, name in (
        ("httpx", "Client", "send"),
        ("aiohttp", "StreamReader", "feed_data"),
    ):
        kind = getattr(pytest.importorskip(module), owner)
        assert not hasattr(kind.__dict__[name], "__wrapped__")


def test_what_an_sdk_leaves_alone_is_left_alone_beneath(
    server: ProviderServer, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another instrumentation has the SDK's calls: its span is not current, and none is made."""
    from otelier.hooks import foreign

    openai = pytest.importorskip("openai")
    monkeypatch.setattr(foreign, "find", lambda library: "opentelemetry.instrumentation.openai")
    monkeypatch.setattr(foreign, "_answers", {})
    client = openai.OpenAI(base_url=server.url + "/v1", api_key="k")
    client.chat.completions.create(**ASK)

    async def main() -> None:
        made = openai.AsyncOpenAI(base_url=server.url + "/v1", api_key="k")
        await made.chat.completions.create(**ASK)

    asyncio.run(main())
    assert not telemetry.spans()


def test_calls_below_other_requests_are_seen(server: ProviderServer, telemetry: Telemetry) -> None:
    """A transport that runs the application in this process, which calls a model."""
    httpx = pytest.importorskip("httpx")

    def app(request: Any) -> Any:
        httpx.post(server.url + "/v1/chat/completions", json=ASK)
        return httpx.Response(200)

    with httpx.Client(transport=httpx.MockTransport(app)) as client:
        client.post("http://localhost/ask")
    assert telemetry.span().name == "chat gpt-4o"


def test_chained_reads_of_raw_bodies(server: ProviderServer, telemetry: Telemetry) -> None:
    requests = pytest.importorskip("requests")
    url, body = server.url + "/v1/chat/completions", {**ASK, "stream": True}
    pieces = list(requests.post(url, json=body, stream=True).raw.stream())
    assert b"[DONE]" in b"".join(pieces)
    assert telemetry.span().attributes["gen_ai.response.finish_reasons"] == ("stop",)
