"""OTELIER_PROPAGATE: who gets a trace context, which, and that nobody else does."""

from __future__ import annotations

import asyncio
import gc
import importlib
from collections.abc import Callable, Iterator
from typing import Any

import openai
import pytest
from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, TraceState

import otelier
from otelier import guard
from otelier.hooks import propagating
from tests import installed as sdks
from tests.sdks.http.test_plain import POSTS
from tests.servers import Json, ProviderServer, Raw
from tests.telemetry import Telemetry
from tests.transparency.app import transport

ASK: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}
THEIRS = "00-" + "1" * 32 + "-" + "2" * 16 + "-01"


@pytest.fixture
def on(server: ProviderServer) -> Iterator[Callable[..., Telemetry]]:
    """Starts otelier with the setting; the server is listed by its address, not by its name."""
    started: list[Telemetry] = []

    def start(sampler: Any = None, **options: Any) -> Telemetry:
        host = server.url.removeprefix("http://")
        name = host.replace("127.0.0.1", "localhost")
        given = {"propagate": "127.0.0.1", "provider_hosts": f"{host}=openai,{name}=openai"}
        started.append(Telemetry(sampler).start(**{**given, **options}))
        return started[-1]

    yield start
    for each in started:
        each.stop()
    # A stream that was left, or an error, is in a cycle, which the next test would freeze.
    gc.collect()


@pytest.fixture
def client(server: ProviderServer) -> Any:
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key="k", max_retries=0)


def sent(server: ProviderServer, name: str = "traceparent") -> list[list[str]]:
    """The values of a header, for each request."""
    return [
        [value for key, value in request.headers if key.lower() == name]
        for request in server.requests
    ]


def context_of(span: Any) -> str:
    held = span.context
    return f"00-{held.trace_id:032x}-{held.span_id:016x}-{held.trace_flags:02x}"


# --- which hosts ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "host", "port", "expected"),
    [
        ("llm.internal", "llm.internal", 8000, True),
        ("llm.internal", "LLM.internal.", 443, True),
        ("llm.internal", "llm.internal.evil.com", 443, False),
        ("llm.internal", "x.llm.internal", 443, False),
        ("llm.internal:8000", "llm.internal", 8000, True),
        ("llm.internal:8000", "llm.internal", 443, False),
        ("*.internal", "llm.internal", 443, True),
        ("*.internal", "a.b.internal", 443, True),
        ("*.internal", "internal", 443, False),
        ("*.internal", "llminternal", 443, False),
        ("*.internal:8000", "llm.internal", 8000, True),
        ("*.internal:8000", "llm.internal", 80, False),
        ("[::1]", "::1", 80, True),
        ("[::1]:8000", "::1", 8000, True),
        ("[::1]:8000", "::1", 80, False),
        ("10.0.0.1", "10.0.0.1", 80, True),
    ],
)
def test_listed(pattern: str, host: str, port: int, expected: bool) -> None:
    assert propagating.listed(frozenset({pattern}), host, port) is expected


@pytest.mark.parametrize(
    ("propagate", "expected"),
    [
        ("127.0.0.1", 1),
        ("127.0.0.1:{port}", 1),
        ("127.0.0.1:1", 0),
        ("llm.internal,127.0.0.1", 1),
        ("localhost", 0),
        ("*", 0),
        ("", 0),
    ],
)
def test_who_is_sent_one(
    propagate: str, expected: int, client: Any, server: ProviderServer, on: Any
) -> None:
    on(propagate=propagate.replace("{port}", server.url.rpartition(":")[2]))
    client.chat.completions.create(**ASK)
    assert [len(each) for each in sent(server)] == [expected]


@pytest.mark.parametrize(("location", "expected"), [("localhost", 0), ("127.0.0.1", 1)])
@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_redirect_carries_none_away(
    location: str, expected: int, asynchronous: bool, server: ProviderServer, on: Any
) -> None:
    target = f"{server.url.replace('127.0.0.1', location)}/v1/chat/completions"
    server.script(Raw(b"", status=307, headers={"location": target}))
    telemetry = on()
    given: dict[str, Any] = {"base_url": f"{server.url}/v1", "api_key": "k", "max_retries": 0}
    http = transport(openai)
    if asynchronous:
        given["http_client"] = http.AsyncClient(follow_redirects=True)
        asyncio.run(openai.AsyncOpenAI(**given).chat.completions.create(**ASK))
    else:
        given["http_client"] = http.Client(follow_redirects=True)
        openai.OpenAI(**given).chat.completions.create(**ASK)
    first, second = sent(server)
    assert first == [context_of(telemetry.span())]
    assert second == first * expected


@sdks.httpx2
@pytest.mark.parametrize("by", POSTS)
@pytest.mark.parametrize("location", ["localhost", "127.0.0.1"])
def test_plain_http(by: str, location: str, server: ProviderServer, on: Any) -> None:
    target = f"{server.url.replace('127.0.0.1', location)}/v1/chat/completions"
    if by in ("requests", "aiohttp"):  # the others do not follow
        server.script(Raw(b"", status=307, headers={"location": target}))
    telemetry = on(http=True)
    POSTS[by](f"{server.url}/v1/chat/completions", ASK, False, 0)
    found = sent(server)
    calls = {context_of(span) for span in telemetry.spans()}
    assert len(found[0]) == 1 and found[0][0] in calls
    for each in found[1:]:
        assert len(each) == (1 if location == "127.0.0.1" else 0) and set(each) <= calls


@sdks.httpx2
@pytest.mark.parametrize("by", POSTS)
def test_what_is_no_call_carries_none(by: str, server: ProviderServer, on: Any) -> None:
    server.route("/other", Json({}))
    telemetry = on(http=True)
    with telemetry.tracer.start_as_current_span("mine"):
        POSTS[by](f"{server.url}/other", ASK, False, 0)
    assert sent(server) == [[]]


# --- which trace context ----------------------------------------------------------------------


def test_each_attempt_is_of_the_call(server: ProviderServer, on: Any) -> None:
    telemetry = on()
    server.script(Json({"error": {"message": "later"}}, status=500, headers={"retry-after": "0"}))
    retrying = openai.OpenAI(base_url=f"{server.url}/v1", api_key="k", max_retries=1)
    retrying._calculate_retry_timeout = lambda *_, **__: 0.0  # type: ignore[method-assign]
    retrying.chat.completions.create(**ASK)
    assert sent(server) == [[context_of(telemetry.span())]] * 2


def test_an_unsampled_call_says_so(client: Any, server: ProviderServer, on: Any) -> None:
    on(ALWAYS_OFF)
    client.chat.completions.create(**ASK)
    ((value,),) = sent(server)
    assert not int(value.rpartition("-")[2], 16) & TraceFlags.SAMPLED


def test_the_state_goes_along_and_baggage_does_not(
    client: Any, server: ProviderServer, on: Any
) -> None:
    telemetry = on()
    state = TraceState([("vendor", "x")])
    held = SpanContext(1, 2, True, TraceFlags(TraceFlags.SAMPLED), state)
    from opentelemetry import baggage

    here = trace.set_span_in_context(NonRecordingSpan(held))
    token = otel_context.attach(baggage.set_baggage("secret", "x", here))
    try:
        with otelier.session(session_id="s"):
            client.chat.completions.create(**ASK)
    finally:
        otel_context.detach(token)
    assert sent(server) == [[context_of(telemetry.span())]]
    assert sent(server, "tracestate") == [["vendor=x"]]
    assert sent(server, "baggage") == [[]]


def test_the_programs_own_stays(client: Any, server: ProviderServer, on: Any) -> None:
    on()
    given = {"Traceparent": THEIRS}
    client.chat.completions.create(**ASK, extra_headers=given)
    assert sent(server) == [[THEIRS]] and given == {"Traceparent": THEIRS}


def test_an_instrumentation_of_httpx_beneath_is_the_parent(
    client: Any, server: ProviderServer, on: Any
) -> None:
    base = importlib.import_module("openai._base_client")
    kind = "HTTPX2" if getattr(base, "httpx2", None) is not None else "HTTPX"
    module = pytest.importorskip("opentelemetry.instrumentation.httpx")
    theirs = getattr(module, f"{kind}ClientInstrumentor")()
    telemetry = on()
    theirs.instrument(tracer_provider=telemetry.tracer_provider)
    try:
        openai.OpenAI(base_url=f"{server.url}/v1", api_key="k").chat.completions.create(**ASK)
    finally:
        theirs.uninstrument()
    beneath, call = telemetry.spans()
    assert sent(server) == [[context_of(beneath)]]
    assert beneath.parent is not None and beneath.parent.span_id == call.context.span_id


# --- nothing of the program's changes ---------------------------------------------------------


def test_what_the_program_sees_has_no_header(client: Any, server: ProviderServer, on: Any) -> None:
    on()
    given = {"x-mine": "1"}
    raw = client.chat.completions.with_raw_response.create(**ASK, extra_headers=given)
    assert sent(server) != [[]]
    assert given == {"x-mine": "1"}
    assert "traceparent" not in raw.http_request.headers
    server.route("/chat/completions", Json({"error": {}}, status=400))
    with pytest.raises(openai.BadRequestError) as raised:
        client.chat.completions.create(**ASK)
    assert "traceparent" not in raised.value.request.headers
    assert len(sent(server)[1]) == 1


def test_a_request_that_is_signed_stays_valid(server: ProviderServer, on: Any) -> None:
    boto3 = pytest.importorskip("boto3")
    from tests.servers import bedrock_wire

    telemetry = on()
    made = boto3.client(
        "bedrock-runtime",
        region_name="us-east-1",
        endpoint_url=server.url,
        aws_access_key_id="a",
        aws_secret_access_key="b",
    )
    server.script(bedrock_wire.converse())
    made.converse(modelId="m", messages=[{"role": "user", "content": [{"text": "Hi"}]}])
    assert sent(server) == [[context_of(telemetry.span())]]
    assert "traceparent" not in (server.requests[0].header("authorization") or "traceparent")


def test_if_ours_breaks_the_request_is_as_it_was(
    client: Any, server: ProviderServer, on: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise RuntimeError

    on()
    monkeypatch.setattr(propagating, "_INJECT", broken)
    client.chat.completions.create(**ASK)
    assert sent(server) == [[]]
    assert guard.failures() == {"propagating.begin": 1}


def test_uninstrumented_it_ends(client: Any, server: ProviderServer, on: Any) -> None:
    on()
    otelier.uninstrument()
    client.chat.completions.create(**ASK)
    assert sent(server) == [[]]


def test_off_nothing_is_patched(server: ProviderServer, telemetry: Telemetry) -> None:
    from otelier.hooks import registry

    names = {state.library.name for state in registry.states()}
    assert "propagate" not in names


def test_a_library_that_is_left_alone_sends_none(
    client: Any, server: ProviderServer, on: Any
) -> None:
    on(disabled="httpx,httpx2")
    client.chat.completions.create(**ASK)
    assert sent(server) == [[]]
