"""Plain HTTP: streams of every kind, with and without a content type that says so; forms; hosts."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from opentelemetry.trace import StatusCode

from otelier import guard
from otelier.protocols.eventstream import Frames
from otelier.sdks.http import forms as http_forms
from otelier.sdks.http import httpx as http
from tests import installed as sdks
from tests.hooks.reading import facts, text
from tests.sdks.http.test_plain import ASK, POSTS, gemini
from tests.servers import (
    Json,
    ProviderServer,
    Raw,
    Reply,
    bedrock_wire,
    cohere_wire,
    eventstream,
    ollama_wire,
)
from tests.servers.replies import Chunked, Sse, encode_json
from tests.telemetry import Telemetry

pytestmark = sdks.httpx2

CHAT = "/v1/chat/completions"
SAID = [text("assistant", "Hello")]
EVENTS = [
    {"id": "c", "model": "gpt-4o", "choices": [{"index": 0, "delta": {"content": piece}}]}
    for piece in ("Hel", "lo")
] + [{"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}]
WHOLE = {
    "id": "c",
    "model": "gpt-4o",
    "choices": [{"index": 0, "message": {"content": "Hello"}, "finish_reason": "stop"}],
}


@pytest.fixture(params=POSTS)
def post(request: Any) -> Callable[..., Any]:
    return POSTS[request.param]


@pytest.fixture
def started(server: ProviderServer) -> Iterator[Callable[[str], Telemetry]]:
    running = []

    def start(provider: str = "openai") -> Telemetry:
        host = server.url.removeprefix("http://")
        running.append(Telemetry().start(http=True, provider_hosts=f"{host}={provider}"))
        return running[-1]

    yield start
    for each in running[-1:]:  # None where the test was skipped.
        each.stop()
    assert not guard.failures(), guard.failures()


def typed(reply: Sse | Chunked, kind: str | None, split: int | None = None) -> Chunked:
    parts = reply.chunked() if isinstance(reply, Sse) else reply
    return replace(parts, headers={**parts.headers, "content-type": kind}, split=split)


# How a stream may be sent that its content type does not tell.
STREAMS: dict[str, Callable[[str | None], Reply]] = {
    "events": lambda kind: typed(Sse(EVENTS), kind),
    "events in bytes": lambda kind: typed(Sse(EVENTS), kind, split=1),
    "events with names": lambda kind: typed(Sse(EVENTS, named=True), kind),
    "events after a comment": lambda kind: typed(
        Sse(raw_lines=[": waiting", "", *Sse(EVENTS).chunked().parts]), kind
    ),
    "lines": lambda kind: typed(Chunked([encode_json(e) + b"\n" for e in EVENTS]), kind),
    "lines in bytes": lambda kind: typed(
        Chunked([encode_json(e) + b"\n" for e in EVENTS]), kind, split=1
    ),
}


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("kind", [None, "application/octet-stream", "application/json"])
@pytest.mark.parametrize("make", STREAMS.values(), ids=STREAMS)
def test_what_the_content_type_does_not_tell(
    post: Any, server: ProviderServer, started: Any, make: Any, kind: str | None, stream: bool
) -> None:
    telemetry = started()
    server.script(make(kind), make(kind))
    url = server.url + CHAT
    seen = post(url, {**ASK, "stream": True}, stream, -1)
    telemetry.stop()
    assert seen == post(url, {**ASK, "stream": True}, stream, -1)
    found = facts(telemetry.span())
    assert found["gen_ai.output.messages"] == SAID
    assert found["gen_ai.response.finish_reasons"] == ["stop"]


def test_images_that_are_streamed_without_a_type(
    post: Any, server: ProviderServer, started: Any
) -> None:
    telemetry = started()
    last = {"type": "image_generation.completed", "usage": {"input_tokens": 7, "output_tokens": 9}}
    server.script(typed(Sse([last], done=None), None))
    body = {"model": "gpt-image-1", "prompt": "A cat", "stream": True}
    post(server.url + "/v1/images/generations", body, True, -1)
    assert facts(telemetry.span())["gen_ai.usage.output_tokens"] == 9


PRETTY = (
    b'{\n "id": "c",\n "model": "gpt-4o",\n "choices": [\n  {"message": {"content": "Hello"}}]}\n'
)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("kind", [None, "application/json", "application/json; charset=utf-8"])
@pytest.mark.parametrize(
    "body",
    [encode_json(WHOLE), encode_json(WHOLE) + b"\n", b"\n\n" + encode_json(WHOLE), PRETTY],
    ids=["one line", "with an end", "after blank lines", "many lines"],
)
def test_a_whole_answer_is_no_stream(
    post: Any, server: ProviderServer, started: Any, body: bytes, kind: str | None, stream: bool
) -> None:
    telemetry = started()
    server.script(typed(Chunked([body]), kind, split=7))
    post(server.url + CHAT, ASK, stream, -1)
    assert facts(telemetry.span())["gen_ai.output.messages"] == SAID


def test_bytes_that_are_no_text_are_nothing(
    post: Any, server: ProviderServer, started: Any
) -> None:
    telemetry = started()
    sound = bytes(range(256)) * 64
    server.script(Chunked([sound], headers={"content-type": None}))
    body = {"model": "tts-1", "input": "Hi", "voice": "alloy"}
    _, _, pieces = post(server.url + "/v1/audio/speech", body, False, -1)
    assert b"".join(pieces) == sound
    assert "gen_ai.output.messages" not in facts(telemetry.span())


KINDS = [
    "application/stream+json",
    "application/x-ndjson",
    "application/jsonl",
    "application/json-seq",
    "application/x-json-stream",
]


@pytest.mark.parametrize("kind", KINDS)
def test_lines_of_json(post: Any, server: ProviderServer, started: Any, kind: str) -> None:
    telemetry = started()
    mark = b"\x1e" if "seq" in kind else b""
    server.script(Chunked([mark + encode_json(each) + b"\n" for each in EVENTS], kind))
    post(server.url + CHAT, {**ASK, "stream": True}, True, -1)
    assert facts(telemetry.span())["gen_ai.output.messages"] == SAID


def test_cohere_v1_stream(post: Any, server: ProviderServer, started: Any) -> None:
    telemetry = started("cohere")
    server.script(cohere_wire.chat_stream_v1())
    body = {"model": "command-r", "message": "Hi", "stream": True}
    post(server.url + "/v1/chat", body, True, -1)
    found = facts(telemetry.span())
    assert found["gen_ai.output.messages"] == [text("assistant", "Hello there")]
    assert found["gen_ai.response.finish_reasons"] == ["stop"]
    assert found["gen_ai.usage.input_tokens"] == 5


def encoded(data: bytes, coding: str) -> bytes:
    if coding == "gzip":
        return gzip.compress(data)
    if coding == "deflate":
        return zlib.compress(data)
    return bytes(pytest.importorskip("brotli").compress(data))


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br"])
@pytest.mark.parametrize("stream", [True, False])
def test_bodies_that_are_encoded(
    post: Any, server: ProviderServer, started: Any, coding: str, stream: bool
) -> None:
    telemetry = started()
    whole = b"".join(Sse(EVENTS).chunked().parts)
    data = encoded(whole, coding)
    server.script(Raw(data, "text/event-stream", headers={"content-encoding": coding}))
    post(server.url + CHAT, {**ASK, "stream": True}, stream, -1)
    assert facts(telemetry.span())["gen_ai.output.messages"] == SAID


def test_a_redirect_is_one_call(post: Any, server: ProviderServer, started: Any) -> None:
    telemetry = started()
    server.script(Raw(b"", status=307, headers={"location": CHAT}), Json(WHOLE))
    _, status, _ = post(server.url + "/old" + CHAT, ASK, False, -1)
    # httpx follows only where it is asked to.
    assert len(telemetry.spans()) == 1
    if status == 200:
        assert facts(telemetry.span())["gen_ai.output.messages"] == SAID


def test_bedrock_streams(post: Any, server: ProviderServer, started: Any) -> None:
    telemetry = started("aws.bedrock")
    body = {"messages": [{"role": "user", "content": [{"text": "Hi"}]}]}
    server.script(replace(bedrock_wire.converse_stream(), split=5))
    post(server.url + "/model/amazon.nova-lite-v1%3A0/converse-stream", body, False, -1)
    found = facts(telemetry.span())
    assert found["gen_ai.request.stream"] is True
    assert found["gen_ai.output.messages"] == [text("assistant", "Hello there")]
    assert found["gen_ai.usage.input_tokens"] == 10
    assert found["gen_ai.response.finish_reasons"] == ["stop"]


def test_bedrock_streams_that_fail(post: Any, server: ProviderServer, started: Any) -> None:
    telemetry = started("aws.bedrock")
    body = {"messages": [{"role": "user", "content": [{"text": "Hi"}]}]}
    failed = eventstream.exception_frame("throttlingException", "Slow down")
    events = [("messageStart", {"role": "assistant"}), *bedrock_wire.text_events("Hel")]
    server.script(bedrock_wire.events(*events, error=failed))
    post(server.url + "/model/amazon.nova-lite-v1%3A0/converse-stream", body, False, -1)
    span = telemetry.span()
    found = facts(span)
    assert (found["error.type"], span.status.description) == ("throttlingException", "Slow down")
    assert found["gen_ai.response.finish_reasons"] == ["error"]
    assert found["gen_ai.output.messages"] == [text("assistant", "Hel")]


def test_bedrock_models_own_streams(post: Any, server: ProviderServer, started: Any) -> None:
    telemetry = started("aws.bedrock")
    events = [
        {"type": "message_start", "message": {"id": "m", "usage": {"input_tokens": 3}}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hi"}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}},
    ]
    frames = [eventstream.chunk_frame(event) for event in events]
    server.script(Chunked(frames, eventstream.EVENTSTREAM_TYPE))
    path = "/model/anthropic.claude-sonnet-4-5/invoke-with-response-stream"
    body = {"anthropic_version": "bedrock-2023-05-31", "messages": ASK["messages"]}
    post(server.url + path, body, False, -1)
    found = facts(telemetry.span())
    assert found["gen_ai.output.messages"] == [text("assistant", "Hi")]
    assert found["gen_ai.response.finish_reasons"] == ["stop"]


def test_bytes_that_are_no_frames() -> None:
    frames = Frames()
    assert frames.feed(b"\xff" * 64) == []
    assert frames.feed(bedrock_wire.converse_stream().parts[0]) == []


HOSTS = [
    ("bedrock-mantle.us-east-1.api.aws", "/v1/chat/completions", "aws.bedrock", "m"),
    ("bedrock-mantle.us-east-1.api.aws", "/v1/responses", "aws.bedrock", "m"),
    ("bedrock-mantle.us-east-1.api.aws", "/anthropic/v1/messages", "aws.bedrock", "m"),
    (
        "bedrock-runtime.us-west-2.amazonaws.com",
        "/openai/v1/chat/completions",
        "aws.bedrock",
        "m",
    ),
    (
        "r.openai.azure.com",
        "/openai/deployments/mine/chat/completions",
        "azure.ai.openai",
        "m",
    ),
    (
        "us-east5-aiplatform.googleapis.com",
        "/v1/projects/p/locations/l/publishers/anthropic/models/claude-opus-4@1:streamRawPredict",
        "gcp.vertex_ai",
        "claude-opus-4@1",
    ),
]


@pytest.mark.parametrize(("host", "path", "provider", "model"), HOSTS)
def test_hosts(started: Any, host: str, path: str, provider: str, model: str) -> None:
    telemetry = started()
    body = {"messages": [], "model": model} if model == "m" else {"messages": []}
    found = http.opened("POST", "https", host, None, path, encode_json(body))
    assert found is not None
    found[0].end()
    attributes = telemetry.span().attributes
    assert attributes["gen_ai.operation.name"] == "chat"
    assert attributes["gen_ai.provider.name"] == provider
    assert attributes["gen_ai.request.model"] == model


def test_a_deployment_is_what_was_asked_for(started: Any) -> None:
    telemetry = started()
    path = "/openai/deployments/my%20own/chat/completions"
    found = http.opened("POST", "https", "r.openai.azure.com", None, path, b'{"messages": []}')
    assert found is not None
    found[0].end()
    assert telemetry.span().attributes["gen_ai.request.model"] == "my own"


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "GET", "PUT"])
def test_other_methods_are_not_seen(started: Any, method: str) -> None:
    telemetry = started()
    assert http.opened(method, "https", "api.openai.com", None, CHAT, b"") is None
    assert not telemetry.spans()


# --- forms ------------------------------------------------------------------------------------


class File(io.BytesIO):
    """A file that notes how it is read."""

    def __init__(self) -> None:
        super().__init__(b"RIFF" + bytes(200_000))
        self.reads: list[Any] = []

    def read(self, *args: Any) -> bytes:
        self.reads.append(args)
        return super().read(*args)


FORM = {"model": "gpt-image-1", "prompt": "A cat", "n": "2", "stream": "false"}


def form_by_httpx(module: str) -> Callable[..., Any]:
    def send(url: str, file: File) -> Any:
        httpx = pytest.importorskip(module)
        return httpx.post(url, data=FORM, files={"image": ("a.png", file)}).content

    return send


def form_by_async_httpx(url: str, file: File) -> Any:
    import asyncio

    httpx = pytest.importorskip("httpx")

    async def main() -> Any:
        async with httpx.AsyncClient() as client:
            found = await client.post(url, data=FORM, files={"image": ("a.png", file.getvalue())})
            return found.content

    return asyncio.run(main())


def form_by_requests(url: str, file: File) -> Any:
    requests = pytest.importorskip("requests")
    return requests.post(url, data=FORM, files={"image": ("a.png", file)}).content


def form_by_aiohttp(as_dict: bool) -> Callable[..., Any]:
    def send(url: str, file: File) -> Any:
        import asyncio

        aiohttp = pytest.importorskip("aiohttp")

        async def main() -> Any:
            data: Any = {**FORM, "image": file}
            if not as_dict:
                data = aiohttp.FormData(FORM)
                data.add_field("image", file, filename="a.png")
            async with aiohttp.ClientSession() as session:
                async with session.post(url, data=data) as response:
                    return await response.read()

        return asyncio.run(main())

    return send


FORMS = {
    "httpx": form_by_httpx("httpx"),
    "httpx2": form_by_httpx("httpx2"),
    "httpx-async": form_by_async_httpx,
    "requests": form_by_requests,
    "aiohttp": form_by_aiohttp(False),
    "aiohttp-dict": form_by_aiohttp(True),
}


@pytest.mark.parametrize("send", FORMS.values(), ids=FORMS)
def test_the_model_of_a_form(server: ProviderServer, started: Any, send: Any) -> None:
    url, bare, file = server.url + "/v1/images/edits", File(), File()
    answer = Json({"created": 1, "data": [{"b64_json": "QUJD"}]})
    server.script(answer, answer)
    seen = send(url, bare)
    telemetry = started()
    assert send(url, file) == seen
    # The user's file is read as it is without us.
    assert file.reads == bare.reads
    without, with_us = server.requests
    assert len(without.body) == len(with_us.body)
    found = facts(telemetry.span())
    assert found["gen_ai.request.model"] == "gpt-image-1"
    assert found["gen_ai.request.choice.count"] == 2
    assert "gen_ai.request.stream" not in found
    assert found["gen_ai.input.messages"] == [text("user", "A cat")]


@pytest.mark.parametrize("send", FORMS.values(), ids=FORMS)
def test_a_form_to_a_host_that_nobody_knows(server: ProviderServer, send: Any) -> None:
    running = Telemetry().start(http=True)
    server.script(Json({"text": "Hi"}))
    send(server.url + "/v1/audio/transcriptions", File())
    running.stop()
    assert running.span().name == "generate_content gpt-image-1"


def _form(*parts: tuple[str, bytes]) -> bytes:
    return b"".join(
        b"--b\r\nContent-Disposition: form-data; %b\r\n\r\n%b\r\n" % (head.encode(), value)
        for head, value in parts
    ) + (b"--b--\r\n")


def test_forms_are_read_at_both_ends() -> None:
    big = ('name="file"; filename="a.wav"', bytes(300_000))
    assert http_forms.of_bytes(_form(big, ('name="model"', b"whisper-1"))) == {"model": "whisper-1"}
    assert http_forms.of_bytes(_form(('name="model"', b"4"), big)) == {"model": "4"}
    assert http_forms.of_bytes(_form(('name="n"', b"4"))) == {"n": 4}
    assert http_forms.of_bytes(b"--" + bytes(1000)) == {}
    assert http_forms.of_bytes(b"--") == {}
    assert http_forms.of_bytes(b"--\r\n--\r\n--") == {}


ARRAY = "/v1beta/models/gemini-2.5-flash:streamGenerateContent"
CONTENTS = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}


@pytest.mark.parametrize("split", [None, 1, 5])
def test_gemini_arrays(post: Any, server: ProviderServer, started: Any, split: int | None) -> None:
    telemetry = started("gcp.gemini")
    first, second = map(encode_json, gemini("Hel}", ", ]lö"))
    pieces = [b"[" + first, b"\n,\r\n" + second, b"\n]"]
    server.script(Chunked(pieces, "application/json; charset=UTF-8", split=split))
    post(server.url + ARRAY, CONTENTS, False, -1)
    found = facts(telemetry.span())
    assert found["gen_ai.output.messages"] == [text("model", "Hel}, ]lö")]
    assert found["gen_ai.usage.output_tokens"] == 2


def test_a_gemini_array_left_early(post: Any, server: ProviderServer, started: Any) -> None:
    telemetry = started("gcp.gemini")
    pieces = [encode_json(each) for each in gemini("Hel", *["lo " * 200] * 500)]
    server.script(
        Chunked(
            [b"[" + pieces[0] + b"\n", *(b",\r\n" + each + b"\n" for each in pieces[1:])],
            "application/json",
        )
    )
    post(server.url + ARRAY, CONTENTS, True, 1)
    found = facts(telemetry.span())
    assert found["otelier.stream.end"] == "closed"
    assert found["gen_ai.output.messages"][0]["parts"][0]["content"].startswith("Hel")
    assert "gen_ai.response.finish_reasons" not in found


def test_a_gemini_array_that_refuses(post: Any, server: ProviderServer, started: Any) -> None:
    """Google's errors come in an array, too."""
    telemetry = started("gcp.gemini")
    error = {"error": {"code": 429, "message": "Slow down", "status": "RESOURCE_EXHAUSTED"}}
    server.script(Json([error], status=429))
    post(server.url + ARRAY, CONTENTS, True, -1)
    span = telemetry.span()
    found = facts(span)
    assert (found["error.type"], span.status.description) == ("429", "Slow down")
    assert found["otelier.provider.error_code"] == "RESOURCE_EXHAUSTED"
    assert "gen_ai.response.finish_reasons" not in found
    assert "gen_ai.response.time_to_first_chunk" not in (span.attributes or {})


def test_ollama_behind_a_proxy(post: Any, server: ProviderServer, started: Any) -> None:
    telemetry = started("ollama")
    server.script(typed(ollama_wire.chat_stream(), "application/json"))
    post(server.url + "/proxy/api/chat", {**ASK, "stream": True}, True, -1)
    span = telemetry.span()
    assert facts(span)["gen_ai.usage.input_tokens"] == 26
    assert span.status.status_code is StatusCode.UNSET
