"""Realtime and Responses over WebSockets: the real SDK, a real socket."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest

pytest.importorskip("websockets.sync.server")
pytest.importorskip("openai.resources.beta.realtime.realtime")

from opentelemetry.trace import SpanKind, StatusCode

import otelier
from otelier import guard, semconv
from otelier.hooks import registry
from tests.sdks.stainless.realtime_server import (
    RealtimeServer,
    audio,
    called,
    created,
    delta,
    done,
    on,
    session,
    spoken,
    until,
)
from tests.telemetry import Telemetry

HAS_GA = hasattr(openai.OpenAI, "realtime")
try:
    from openai.resources.responses.responses import ResponsesConnection  # noqa: F401

    HAS_RESPONSES = True
except ImportError:
    HAS_RESPONSES = False

pytestmark = pytest.mark.skipif(not HAS_GA, reason="this openai has no client.realtime")
needs_responses = pytest.mark.skipif(
    not HAS_RESPONSES, reason="this openai has no client.responses.connect"
)

SAY = on("response.create", created(), audio(), delta("Hel"), delta("lo"), done(spoken("Hello")))


@pytest.fixture
def traces() -> Iterator[Telemetry]:
    running = Telemetry()
    yield running
    running.stop()
    assert not guard.failures(), guard.failures()


def started(traces: Telemetry, server: RealtimeServer, **options: Any) -> openai.OpenAI:
    traces.start(provider_hosts=f"{server.host}=openai", **options)
    return openai.OpenAI(**arguments(server))


def aclient(server: RealtimeServer) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(**arguments(server))


def arguments(server: RealtimeServer) -> dict[str, Any]:
    found = {"api_key": "k", "base_url": f"http://{server.host}/v1"}
    if not HAS_RESPONSES:  # so old that it insists on TLS for its base URL
        found["websocket_base_url"] = server.url
    return found


def of(span: Any, name: str) -> Any:
    return json.loads(span.attributes[name])


def say(connection: Any, text: str) -> None:
    part = {"type": "input_text", "text": text}
    connection.conversation.item.create(item={"type": "message", "role": "user", "content": [part]})


def test_response_is_one_span(traces: Telemetry) -> None:
    with RealtimeServer(SAY, [session()]) as server:
        client = started(traces, server)
        with client.realtime.connect(model="gpt-realtime") as connection:
            connection.recv()
            say(connection, "hi")
            with traces.tracer.start_as_current_span("outer") as outer:
                connection.response.create()
                list(until(connection, "response.done"))
        span = traces.span("chat")
    assert span.name == "chat gpt-realtime"
    assert span.kind is SpanKind.CLIENT and span.status.status_code is StatusCode.UNSET
    assert span.parent.span_id == outer.get_span_context().span_id
    got = span.attributes
    host, _, port = server.host.partition(":")
    for name, value in {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "server.address": host,
        "server.port": int(port),
        "gen_ai.request.model": "gpt-realtime",
        "gen_ai.request.stream": True,
        "gen_ai.output.type": "speech",
        "gen_ai.response.id": "resp_1",
        "gen_ai.conversation.id": "conv_1",
        "otelier.provider.session.id": "sess_1",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 300,
        "gen_ai.usage.output_tokens": 150,
        "gen_ai.usage.text.input_tokens": 100,
        "gen_ai.usage.audio.input_tokens": 200,
        "gen_ai.usage.text.output_tokens": 50,
        "gen_ai.usage.audio.output_tokens": 100,
        "gen_ai.usage.cache_read.input_tokens": 150,
        "gen_ai.usage.text.cache_read.input_tokens": 50,
        "gen_ai.usage.audio.cache_read.input_tokens": 100,
        "otelier.cost.source": "prices",
    }.items():
        assert got[name] == value, name
    assert 0 <= got["gen_ai.response.time_to_first_chunk"] < 60
    assert of(span, semconv.SYSTEM_INSTRUCTIONS) == [{"type": "text", "content": "Be brief."}]
    assert of(span, semconv.INPUT_MESSAGES) == [
        {"role": "user", "parts": [{"type": "text", "content": "hi"}]}
    ]
    assert of(span, semconv.OUTPUT_MESSAGES) == [
        {
            "role": "assistant",
            "parts": [{"type": "text", "content": "Hello"}],
            "finish_reason": "stop",
        }
    ]
    assert of(span, semconv.TOOL_DEFINITIONS)[0]["name"] == "add"


def test_a_session_is_known_to_who_asks_before_it_reads(traces: Telemetry) -> None:
    with RealtimeServer(SAY, [session()]) as server:
        client = started(traces, server)
        with client.realtime.connect(model="gpt-realtime") as connection:
            connection.response.create()
            list(until(connection, "response.done"))
        span = traces.span("chat")
    assert span.attributes["otelier.provider.session.id"] == "sess_1"


def test_audio_is_priced_as_audio(traces: Telemetry) -> None:
    with RealtimeServer(SAY, [session()]) as server:
        client = started(traces, server)
        with client.realtime.connect(model="gpt-realtime") as connection:
            connection.response.create()
            list(until(connection, "response.done"))
        span = traces.span("chat")
    # USD per million: text 4, cached text 0.4, audio 32, cached audio 0.4, out 16, audio out 64.
    expected = (50 * 4 + 50 * 0.4 + 100 * 32 + 100 * 0.4 + 50 * 16 + 100 * 64) / 1e6
    assert span.attributes[semconv.COST] == pytest.approx(expected, rel=0.2)
    assert span.attributes[semconv.COST] > 0.009  # at text prices it would be a third of it


def test_same_bytes_with_and_without(traces: Telemetry) -> None:
    def run(client: Any) -> list[Any]:
        with client.realtime.connect(model="gpt-realtime") as connection:
            connection.recv()
            connection.session.update(session={"type": "realtime", "instructions": "X"})
            say(connection, "hi")
            connection.input_audio_buffer.append(audio="QUJD")
            connection.response.create(response={"metadata": {"a": "b"}}, event_id="me")
            return list(until(connection, "response.done"))

    answer = on("response.create", created(metadata={"a": "b"}), delta("x"), done(spoken("x")))
    with RealtimeServer(answer, [session()]) as server:
        bare = run(openai.OpenAI(**arguments(server)))
        sent = list(server.received)
        server.received.clear()
        seen = run(started(traces, server))
        assert server.received == sent
        assert [event.to_json() for event in seen] == [event.to_json() for event in bare]
        assert [type(event) for event in seen] == [type(event) for event in bare]
        assert len(traces.spans("chat")) == 1


def test_tools_of_a_turn(traces: Telemetry) -> None:
    def answer(event: dict[str, Any]) -> list[Any]:
        if event["type"] != "response.create":
            return []
        if len([m for m in server.received if '"response.create"' in m]) == 1:
            return [created(), done(called("add", '{"a": 1}'))]
        return [created("resp_2"), done(spoken("two"), id="resp_2")]

    with RealtimeServer(answer, [session()]) as server:
        client = started(traces, server)
        with client.realtime.connect(model="gpt-realtime") as connection:
            say(connection, "add")
            connection.response.create()
            list(until(connection, "response.done"))
            connection.conversation.item.create(
                item={"type": "function_call_output", "call_id": "call_1", "output": "2"}
            )
            connection.response.create()
            list(until(connection, "response.done"))
        first, second = traces.spans("chat")
    assert first.attributes[semconv.RESPONSE_FINISH_REASONS] == ("tool_call",)
    assert of(first, semconv.OUTPUT_MESSAGES)[0]["parts"] == [
        {"type": "tool_call", "name": "add", "id": "call_1", "arguments": {"a": 1}}
    ]
    assert of(second, semconv.INPUT_MESSAGES) == [
        {"role": "tool", "parts": [{"type": "tool_call_response", "response": "2", "id": "call_1"}]}
    ]


def test_server_begins_and_speech_is_transcribed(traces: Telemetry) -> None:
    heard = {"type": "input_audio_buffer.committed", "event_id": "x", "item_id": "item_u"}
    said = {
        "type": "conversation.item.input_audio_transcription.completed",
        "event_id": "y",
        "item_id": "item_u",
        "content_index": 0,
        "transcript": "how are you",
        "usage": {"type": "duration", "seconds": 1},
    }
    answer = on(
        "input_audio_buffer.append", heard, created(), delta("fine"), said, done(spoken("fine"))
    )
    with RealtimeServer(answer, [session()]) as server:
        client = started(traces, server)
        with client.realtime.connect(model="gpt-realtime") as connection:
            connection.input_audio_buffer.append(audio="QUJD" * 1000)
            list(until(connection, "response.done"))
        span = traces.span("chat")
    assert of(span, semconv.INPUT_MESSAGES) == [
        {"role": "user", "parts": [{"type": "text", "content": "how are you"}]}
    ]
    assert "QUJD" not in str(dict(span.attributes))


@pytest.mark.parametrize(
    ("event", "reasons", "error", "end"),
    [
        (
            done(
                spoken("Hel"),
                status="cancelled",
                status_details={"type": "cancelled", "reason": "turn_detected"},
            ),
            None,
            None,
            "cancelled",
        ),
        (
            done(
                status="incomplete",
                status_details={"type": "incomplete", "reason": "max_output_tokens"},
            ),
            ("length",),
            None,
            None,
        ),
        (
            done(
                status="failed",
                status_details={
                    "type": "failed",
                    "error": {"type": "server_error", "code": "overloaded", "message": "busy"},
                },
            ),
            ("error",),
            "overloaded",
            None,
        ),
    ],
)
def test_ends(
    traces: Telemetry, event: dict[str, Any], reasons: Any, error: str | None, end: str | None
) -> None:
    with RealtimeServer(on("response.create", created(), event), [session()]) as server:
        client = started(traces, server)
        with client.realtime.connect(model="gpt-realtime") as connection:
            connection.response.create()
            list(until(connection, "response.done"))
        span = traces.span("chat")
    got = span.attributes
    assert got.get(semconv.RESPONSE_FINISH_REASONS) == reasons
    assert got.get(semconv.ERROR_TYPE) == error
    assert got.get(semconv.STREAM_END) == end
    assert span.status.status_code is (StatusCode.ERROR if error else StatusCode.UNSET)
    assert got["gen_ai.usage.input_tokens"] == 300


def test_error_event_ends_what_it_is_about(traces: Telemetry) -> None:
    error = {
        "type": "error",
        "event_id": "e9",
        "error": {
            "type": "invalid_request_error",
            "code": "bad_thing",
            "message": "no",
            "event_id": "mine",
        },
    }
    with RealtimeServer(on("response.create", error), [session()]) as server:
        client = started(traces, server)
        with client.realtime.connect(model="gpt-realtime") as connection:
            connection.response.create(event_id="mine")
            list(until(connection, "error"))
            span = traces.span("chat")
    assert span.attributes[semconv.ERROR_TYPE] == "bad_thing"
    assert span.status.status_code is StatusCode.ERROR and span.status.description == "no"


def test_error_of_something_else_leaves_the_response(traces: Telemetry) -> None:
    error = {
        "type": "error",
        "event_id": "e9",
        "error": {"type": "invalid_request_error", "code": "bad", "message": "no"},
    }
    answer = on("response.create", error, created(), done(spoken("Hello")))
    with RealtimeServer(answer, [session()]) as server:
        client = started(traces, server)
        with client.realtime.connect(model="gpt-realtime") as connection:
            connection.response.create()
            list(until(connection, "response.done"))
        span = traces.span("chat")
    assert semconv.ERROR_TYPE not in span.attributes


def test_several_at_once(traces: Telemetry) -> None:
    answer = on(
        "response.create",
        created("resp_1", metadata={"n": "1"}),
        created("resp_2", metadata={"n": "2"}, conversation_id=None),
        delta("b", "resp_2"),
        delta("a", "resp_1"),
        done(spoken("B"), id="resp_2", conversation_id=None),
        done(spoken("A"), id="resp_1"),
    )

    def only_last(event: dict[str, Any]) -> list[Any]:
        both = event.get("response", {}).get("metadata") == {"n": "1"}
        return answer(event) if both else []

    with RealtimeServer(only_last, [session()]) as server:
        client = started(traces, server)
        with client.realtime.connect(model="gpt-realtime") as connection:
            say(connection, "main")
            # The out-of-band one is asked for first and answered second.
            connection.response.create(
                response={
                    "conversation": "none",
                    "metadata": {"n": "2"},
                    "instructions": "Classify.",
                    "output_modalities": ["text"],
                    "input": [
                        {
                            "type": "message",
                            "role": "user",
                            "content": [{"type": "input_text", "text": "side"}],
                        }
                    ],
                }
            )
            connection.response.create(response={"metadata": {"n": "1"}})
            list(until(connection, "response.done"))
            list(until(connection, "response.done"))
        spans = {span.attributes[semconv.RESPONSE_ID]: span for span in traces.spans("chat")}
    side, main = spans["resp_2"], spans["resp_1"]
    assert of(side, semconv.INPUT_MESSAGES)[0]["parts"][0]["content"] == "side"
    assert of(side, semconv.SYSTEM_INSTRUCTIONS)[0]["content"] == "Classify."
    assert of(side, semconv.OUTPUT_MESSAGES)[0]["parts"][0]["content"] == "B"
    assert side.attributes[semconv.OUTPUT_TYPE] == "text"
    assert semconv.CONVERSATION_ID not in side.attributes
    assert of(main, semconv.INPUT_MESSAGES)[0]["parts"][0]["content"] == "main"
    assert of(main, semconv.OUTPUT_MESSAGES)[0]["parts"][0]["content"] == "A"


def test_left_early(traces: Telemetry) -> None:
    with RealtimeServer(on("response.create", created(), delta("Hel")), [session()]) as server:
        client = started(traces, server)
        with client.realtime.connect(model="gpt-realtime") as connection:
            connection.response.create()
            list(until(connection, "response.output_audio_transcript.delta"))
        span = traces.span("chat")
    assert span.attributes[semconv.STREAM_END] == "closed"
    assert span.attributes[semconv.RESPONSE_ID] == "resp_1"
    assert span.status.status_code is StatusCode.UNSET
    assert of(span, semconv.OUTPUT_MESSAGES)[0]["parts"][0]["content"] == "Hel"


def test_dropped(traces: Telemetry) -> None:
    from websockets.exceptions import ConnectionClosedError

    answer = on("response.create", created(), delta("Hel"), None)
    with RealtimeServer(answer, [session()]) as server:
        client = started(traces, server)
        with client.realtime.connect(model="gpt-realtime") as connection:
            connection.response.create()
            with pytest.raises(ConnectionClosedError):
                list(until(connection, "response.done"))
            span = traces.span("chat")
    assert span.attributes[semconv.ERROR_TYPE] == "websockets.exceptions.ConnectionClosedError"
    assert span.attributes[semconv.RESPONSE_FINISH_REASONS] == ("error",)
    assert span.status.status_code is StatusCode.ERROR


def test_send_fails(traces: Telemetry) -> None:
    from websockets.exceptions import ConnectionClosed

    with RealtimeServer(SAY, [session()]) as server:
        client = started(traces, server)
        with client.realtime.connect(model="gpt-realtime") as connection:
            connection.close()
            with pytest.raises(ConnectionClosed):
                connection.response.create()
            span = traces.span("chat")
    assert span.status.status_code is StatusCode.ERROR


def test_open_when_the_provider_shuts_down(traces: Telemetry) -> None:
    with RealtimeServer(on("response.create", created(), delta("Hel")), [session()]) as server:
        client = started(traces, server)
        with client.realtime.connect(model="gpt-realtime") as connection:
            connection.response.create()
            list(until(connection, "response.output_audio_transcript.delta"))
            traces.tracer_provider.shutdown()
            span = traces.span("chat")
            assert span.attributes[semconv.STREAM_END] == "abandoned"
            assert "Hel" in span.attributes["gen_ai.output.messages"]
            assert span.status.status_code is StatusCode.UNSET
    assert traces.spans("chat") == [span]


def test_collected(traces: Telemetry) -> None:
    with RealtimeServer(on("response.create", created(), delta("Hel")), [session()]) as server:
        client = started(traces, server)
        manager = client.realtime.connect(model="gpt-realtime")
        connection = manager.enter()
        connection.response.create()
        list(until(connection, "response.output_audio_transcript.delta"))
        held = connection._connection
        del connection, manager
        gc.collect()
        span = traces.span("chat")
        held.close()
    assert span.attributes[semconv.STREAM_END] == "abandoned"


def test_asynchronous(traces: Telemetry) -> None:
    async def run(client: openai.AsyncOpenAI) -> list[str]:
        kinds = []
        async with client.realtime.connect(model="gpt-realtime") as connection:
            await connection.conversation.item.create(
                item={
                    "type": "message",
                    "role": "user",
                    "content": [{"type": "input_text", "text": "hi"}],
                }
            )
            with traces.tracer.start_as_current_span("outer"):
                await connection.response.create()
            async for event in connection:
                kinds.append(event.type)
                with traces.tracer.start_as_current_span("mine"):
                    pass
                if event.type == "response.done":
                    break
            await connection.response.create()
            await connection.recv()
        return kinds

    with RealtimeServer(SAY, [session()]) as server:
        started(traces, server)
        kinds = asyncio.run(run(aclient(server)))
        first, second = traces.spans("chat")
        (outer,) = traces.spans("outer")
        mine = traces.spans("mine")
    assert kinds[0] == "session.created" and kinds[-1] == "response.done"
    assert first.parent.span_id == outer.context.span_id
    assert all(span.parent is None for span in mine)
    assert of(first, semconv.INPUT_MESSAGES)[0]["parts"][0]["content"] == "hi"
    assert of(first, semconv.OUTPUT_MESSAGES)[0]["parts"][0]["content"] == "Hello"
    assert second.attributes[semconv.STREAM_END] == "closed"


def test_cancelled_read_goes_on(traces: Telemetry) -> None:
    async def run(client: openai.AsyncOpenAI) -> None:
        async with client.realtime.connect(model="gpt-realtime") as connection:
            await connection.recv()
            reading = asyncio.create_task(connection.recv())
            await asyncio.sleep(0)
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
            await connection.response.create()
            async for event in connection:
                if event.type == "response.done":
                    return

    with RealtimeServer(SAY, [session()]) as server:
        started(traces, server)
        asyncio.run(run(aclient(server)))
        span = traces.span("chat")
    assert span.attributes[semconv.RESPONSE_FINISH_REASONS] == ("stop",)


def test_what_was_sent_before_the_connection(traces: Telemetry) -> None:
    with RealtimeServer(SAY, [session()]) as server:
        client = started(traces, server)
        manager = client.realtime.connect(model="gpt-realtime")
        if not hasattr(manager, "send"):
            pytest.skip("this openai cannot send before it is connected")
        manager.send({"type": "response.create"})
        with manager as connection:
            list(until(connection, "response.done"))
        span = traces.span("chat")
    assert span.attributes[semconv.RESPONSE_ID] == "resp_1"


def test_no_content(traces: Telemetry) -> None:
    with RealtimeServer(SAY, [session()]) as server:
        client = started(traces, server, capture="NO_CONTENT")
        with client.realtime.connect(model="gpt-realtime") as connection:
            say(connection, "hi")
            connection.response.create()
            list(until(connection, "response.done"))
        span = traces.span("chat")
    assert not semconv.CONTENT_ATTRIBUTES & span.attributes.keys()
    assert span.attributes["gen_ai.usage.audio.output_tokens"] == 100


def test_uninstrument_restores(traces: Telemetry) -> None:
    from openai.resources.realtime import realtime

    before = dict(vars(realtime.RealtimeConnection))
    with RealtimeServer(SAY, [session()]) as server:
        client = started(traces, server)
        assert realtime.RealtimeConnection.parse_event is not before["parse_event"]
        assert any(
            state.status == "hooked" and state.library.hook == "sdks.stainless.openai_websocket"
            for state in registry.states()
        )
        with client.realtime.connect(model="gpt-realtime") as connection:
            connection.response.create()
            otelier.uninstrument()
            assert dict(vars(realtime.RealtimeConnection)) == before
            list(until(connection, "response.done"))


@pytest.mark.skipif(
    not hasattr(openai.resources.beta.beta.Beta, "realtime"), reason="no beta.realtime"
)
def test_beta(traces: Telemetry) -> None:
    beta_delta = {**delta("Hello"), "type": "response.audio_transcript.delta"}
    item = {**spoken("Hello"), "content": [{"type": "audio", "transcript": "Hello"}]}
    answer = on("response.create", created(), beta_delta, done(item))
    with RealtimeServer(answer, [session(modalities=["text", "audio"])]) as server:
        client = started(traces, server)
        client = client.with_options(websocket_base_url=server.url)  # else it insists on TLS
        with client.beta.realtime.connect(model="gpt-4o-realtime-preview") as connection:
            say(connection, "hi")
            connection.response.create()
            list(until(connection, "response.done"))
        span = traces.span("chat")
    assert span.attributes[semconv.RESPONSE_ID] == "resp_1"
    assert of(span, semconv.INPUT_MESSAGES)[0]["parts"][0]["content"] == "hi"
    assert of(span, semconv.OUTPUT_MESSAGES)[0]["parts"][0]["content"] == "Hello"
    assert semconv.RESPONSE_TIME_TO_FIRST_CHUNK in span.attributes


# --- data that no server should send ---------------------------------------------------------

IDS = [7, 0, 3.5, True, "", ["a"], {"a": 1}, [], None]


@pytest.mark.parametrize("id", IDS, ids=str)
def test_odd_ids(traces: Telemetry, id: Any) -> None:
    """An id that is no string loses no call, and is no id of the span."""
    answer = on("response.create", created(id), delta("Hel", id), done(spoken("Hello"), id=id))
    with RealtimeServer(answer, [session()]) as server:
        client = started(traces, server)
        with client.realtime.connect(model="gpt-realtime") as connection:
            for _ in range(2):
                connection.response.create()
                list(until(connection, "response.done"))
        first, second = traces.spans("chat")
    for span in (first, second):
        assert span.attributes["gen_ai.usage.input_tokens"] == 300
        assert span.attributes[semconv.RESPONSE_FINISH_REASONS] == ("stop",)
        assert semconv.STREAM_END not in span.attributes
        assert semconv.RESPONSE_ID not in span.attributes


def _without(event: dict[str, Any], *names: str) -> dict[str, Any]:
    inner = {name: value for name, value in event["response"].items() if name not in names}
    return {**event, "response": inner}


@pytest.mark.parametrize(
    "events",
    [
        [_without(created(), "id"), done(spoken("Hello"))],
        [created(), _without(done(spoken("Hello")), "id")],
        [_without(created(), "id"), _without(done(spoken("Hello")), "id")],
        [done(spoken("Hello"))],
        [_without(done(spoken("Hello")), "id")],
        [done(spoken("Hello")), created()],
        [delta("Hel"), created(), done(spoken("Hello")), done(spoken("Hello"))],
        [{"type": "response.created"}, done(spoken("Hello"))],
    ],
    ids=["began", "ended", "both", "no start", "nothing", "turned", "twice", "no response"],
)
def test_missing_ids_and_order(traces: Telemetry, events: list[dict[str, Any]]) -> None:
    last = {"type": "response.output_text.done", "response_id": "resp_1", "text": ""}
    with RealtimeServer(on("response.create", *events, last), [session()]) as server:
        client = started(traces, server)
        with client.realtime.connect(model="gpt-realtime") as connection:
            connection.response.create()
            list(until(connection, last["type"]))
            span = traces.span("chat")
        assert traces.span("chat") is not None
    assert span.attributes["gen_ai.usage.input_tokens"] == 300


def test_a_response_without_an_id_after_another(traces: Telemetry) -> None:
    """The first can end no more: it is not lost."""
    answer = on("response.create", created(None), done(spoken("A"), id=None))

    def starts_twice(event: dict[str, Any]) -> list[Any]:
        return [created(None), created(None), *answer(event)[1:]] if answer(event) else []

    with RealtimeServer(starts_twice, [session()]) as server:
        client = started(traces, server)
        with client.realtime.connect(model="gpt-realtime") as connection:
            connection.response.create()
            list(until(connection, "response.done"))
        first, second = traces.spans("chat")
    assert first.attributes[semconv.STREAM_END] == "closed"
    assert second.attributes["gen_ai.usage.input_tokens"] == 300


# --- transcription of what the user says -------------------------------------------------------

HEARD = "conversation.item.input_audio_transcription."
COMMITTED = {"type": "input_audio_buffer.committed", "event_id": "x", "item_id": "item_u"}
TRANSCRIBED = {
    "type": HEARD + "completed",
    "event_id": "y",
    "item_id": "item_u",
    "content_index": 0,
    "transcript": "how are you",
    "usage": {
        "type": "tokens",
        "total_tokens": 22,
        "input_tokens": 13,
        "output_tokens": 9,
        "input_token_details": {"text_tokens": 0, "audio_tokens": 13},
    },
}
LISTENS = {"audio": {"input": {"transcription": {"model": "gpt-4o-mini-transcribe"}}}}


def test_transcription_is_a_call_of_its_own(traces: Telemetry) -> None:
    piece = {**COMMITTED, "type": HEARD + "delta", "content_index": 0, "delta": "how "}
    answer = on(
        "input_audio_buffer.append",
        *(COMMITTED, created(), piece, TRANSCRIBED, delta("fine"), done(spoken("fine"))),
    )
    with RealtimeServer(answer, [session(**LISTENS)]) as server:
        client = started(traces, server)
        with client.realtime.connect(model="gpt-realtime") as connection:
            connection.input_audio_buffer.append(audio="QUJD")
            list(until(connection, "response.done"))
        heard, said = traces.span("generate_content"), traces.span("chat")
    assert heard.name == "generate_content gpt-4o-mini-transcribe"
    assert heard.attributes["gen_ai.usage.input_tokens"] == 13
    assert heard.attributes["gen_ai.usage.audio.input_tokens"] == 13
    assert heard.attributes["gen_ai.usage.output_tokens"] == 9
    assert of(heard, semconv.OUTPUT_MESSAGES)[0]["parts"][0]["content"] == "how are you"
    assert said.attributes["gen_ai.usage.input_tokens"] == 300


def test_session_that_transcribes_only(traces: Telemetry) -> None:
    only = {"type": "transcription", "model": None, **LISTENS}
    failed = {
        **COMMITTED,
        "type": HEARD + "failed",
        "content_index": 0,
        "error": {"type": "server_error", "code": "busy", "message": "no"},
    }
    answer = on("input_audio_buffer.append", COMMITTED, TRANSCRIBED, COMMITTED, failed, COMMITTED)
    with RealtimeServer(answer, [session(**only)]) as server:
        client = started(traces, server)
        with client.realtime.connect(
            model="m", extra_query={"intent": "transcription"}
        ) as connection:
            connection.input_audio_buffer.append(audio="QUJD")
            list(until(connection, HEARD + "failed"))
            connection.recv()
        first, second, third = traces.spans("generate_content")
    assert semconv.ERROR_TYPE not in first.attributes
    assert second.attributes[semconv.ERROR_TYPE] == "busy"
    assert third.attributes[semconv.STREAM_END] == "closed"
    assert not traces.spans("chat")


def test_transcription_whose_begin_was_not_seen(traces: Telemetry) -> None:
    answer = on("input_audio_buffer.append", TRANSCRIBED)
    with RealtimeServer(answer, [session()]) as server:
        client = started(traces, server)
        with client.realtime.connect(model="gpt-realtime") as connection:
            connection.input_audio_buffer.append(audio="QUJD")
            list(until(connection, TRANSCRIBED["type"]))
        span = traces.span("generate_content")
    assert span.name == "generate_content"
    assert span.attributes["gen_ai.usage.input_tokens"] == 13


# --- Responses over WebSockets -----------------------------------------------------------------


def reply(id: str, text: str, status: str = "completed", **more: Any) -> dict[str, Any]:
    part = {"type": "output_text", "text": text, "annotations": []}
    item = {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "status": "completed",
        "content": [part],
    }
    return {
        "id": id,
        "object": "response",
        "created_at": 1,
        "model": "gpt-5.1-2025-11-13",
        "status": status,
        "output": [item] if text else [],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": {
            "input_tokens": 12,
            "input_tokens_details": {"cached_tokens": 4},
            "output_tokens": 3,
            "output_tokens_details": {"reasoning_tokens": 1},
            "total_tokens": 15,
        },
        **more,
    }


def turn(id: str, text: str, lane: str | None = None) -> list[dict[str, Any]]:
    more = {"stream_id": lane} if lane else {}
    piece = {
        "type": "response.output_text.delta",
        "sequence_number": 2,
        "item_id": "msg_1",
        "output_index": 0,
        "content_index": 0,
        "delta": text,
        "logprobs": [],
    }
    first = {"type": "response.created", "response": reply(id, "", "in_progress")}
    last = {"type": "response.completed", "response": reply(id, text)}
    return [
        {**first, "sequence_number": 1, **more},
        {**piece, **more},
        {**last, "sequence_number": 3, **more},
    ]


@needs_responses
def test_responses(traces: Telemetry) -> None:
    answers = iter([turn("resp_1", "Hi"), turn("resp_2", "Ho")])
    with RealtimeServer(lambda event: next(answers)) as server:  # type: ignore[arg-type]
        client = started(traces, server)
        with client.responses.connect() as connection:
            connection.response.create(
                model="gpt-5.1", input="hello", instructions="Short.", metadata={"a": "b"}
            )
            list(until(connection, "response.completed"))
            connection.response.create(model="gpt-5.1", input="more", previous_response_id="resp_1")
            list(until(connection, "response.completed"))
        first, second = traces.spans("chat")
    assert first.name == "chat gpt-5.1"
    for name, value in {
        "openai.api.type": "responses",
        "gen_ai.request.stream": True,
        "gen_ai.response.id": "resp_1",
        "gen_ai.response.model": "gpt-5.1-2025-11-13",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 12,
        "gen_ai.usage.cache_read.input_tokens": 4,
        "gen_ai.usage.reasoning.output_tokens": 1,
    }.items():
        assert first.attributes[name] == value, name
    assert of(first, semconv.INPUT_MESSAGES)[0]["parts"][0]["content"] == "hello"
    assert of(first, semconv.SYSTEM_INSTRUCTIONS)[0]["content"] == "Short."
    assert of(first, semconv.OUTPUT_MESSAGES)[0]["parts"][0]["content"] == "Hi"
    assert first.attributes[semconv.COST] > 0
    assert second.attributes[semconv.REQUEST_PREVIOUS_RESPONSE_ID] == "resp_1"


@needs_responses
def test_responses_error(traces: Telemetry) -> None:
    error = {
        "type": "error",
        "status": 400,
        "error": {"type": "invalid_request_error", "code": "bad", "message": "no"},
    }
    with RealtimeServer(on("response.create", error)) as server:
        client = started(traces, server)
        with client.responses.connect() as connection:
            connection.response.create(model="gpt-5.1", input="hello")
            list(until(connection, "error"))
            span = traces.span("chat")
    assert span.attributes[semconv.ERROR_TYPE] == "bad"
    assert span.status.status_code is StatusCode.ERROR


@needs_responses
def test_responses_lanes(traces: Telemetry) -> None:
    pytest.importorskip("openai.lib.responses_websocket")
    from openai.lib.responses_websocket import (
        AsyncResponsesWebSocketSession,
        ResponsesWebSocketLimits,
    )

    limits = ResponsesWebSocketLimits(
        max_lanes=4,
        max_events_per_lane=64,
        max_events=128,
        max_bytes_per_lane=1 << 20,
        max_bytes=1 << 20,
    )

    waiting: list[str] = []

    def answer(event: dict[str, Any]) -> list[Any]:
        waiting.append(event["stream_id"])
        if len(waiting) < 2:
            return []
        one, two = (turn(f"resp_{lane}", lane.upper(), lane) for lane in ("a", "b"))
        # Interleaved, the second first.
        return [two[0], one[0], one[1], two[1], one[2], two[2]]

    async def run(client: openai.AsyncOpenAI) -> None:
        async with (
            client.responses.connect() as connection,
            AsyncResponsesWebSocketSession(connection, limits=limits) as talk,
        ):
            lanes = [talk.lane("a"), talk.lane("b")]
            for lane in lanes:
                await lane.send({"type": "response.create", "model": "gpt-5.1", "input": "hi"})
            for lane in lanes:
                await lane.get_final_response()

    with RealtimeServer(answer) as server:
        started(traces, server)
        asyncio.run(run(aclient(server)))
        spans = traces.spans("chat")
    texts = {
        span.attributes[semconv.RESPONSE_ID]: of(span, semconv.OUTPUT_MESSAGES)[0]["parts"][0]
        for span in spans
    }
    assert {id: part["content"] for id, part in texts.items()} == {"resp_a": "A", "resp_b": "B"}
    assert all(semconv.STREAM_END not in span.attributes for span in spans)


@needs_responses
@pytest.mark.parametrize("id", IDS, ids=str)
def test_odd_ids_of_responses_and_lanes(traces: Telemetry, id: Any) -> None:
    with RealtimeServer(lambda event: turn(id, "Hi", id)) as server:  # type: ignore[arg-type,return-value]
        client = started(traces, server)
        with client.responses.connect() as connection:
            for _ in range(2):
                connection.response.create(model="gpt-5.1", input="hello")
                list(until(connection, "response.completed"))
        spans = traces.spans("chat")
    assert len(spans) == 2
    for span in spans:
        assert span.attributes["gen_ai.usage.input_tokens"] == 12
        assert span.attributes[semconv.RESPONSE_FINISH_REASONS] == ("stop",)
        assert semconv.STREAM_END not in span.attributes


@needs_responses
def test_responses_error_of_an_odd_lane(traces: Telemetry) -> None:
    started_, *_ = turn("resp_1", "Hi", ["a"])  # type: ignore[arg-type]
    error = {"type": "error", "stream_id": ["a"], "error": {"code": "bad", "message": "no"}}
    with RealtimeServer(on("response.create", started_, error)) as server:
        client = started(traces, server)
        with client.responses.connect() as connection:
            connection.response.create(model="gpt-5.1", input="hello")
            list(until(connection, "error"))
            span = traces.span("chat")
    assert span.attributes[semconv.ERROR_TYPE] == "bad"


# --- Live --------------------------------------------------------------------------------------


def _carried(event: dict[str, Any], delegation: Any) -> dict[str, Any]:
    return {"type": "response.event", "event_id": "e", "delegation_id": delegation, "event": event}


def _live(client: Any) -> Any:
    if not hasattr(client, "live"):
        pytest.skip("this openai has no client.live")
    return client.live


def test_responses_that_a_live_session_delegates(traces: Telemetry) -> None:
    item = reply("resp_1", "Hi")["output"][0]
    finished = {"type": "response.output_item.done", "output_index": 0, "item": item}
    one, two = ([*turn(f"resp_{name}", name), finished] for name in ("a", "b"))
    # Two at once; the last events come without what was said.
    for events in (one, two):
        events[2]["response"]["output"] = []
    order = (one[0], two[0], one[1], one[3], two[1], two[3], two[2], one[2])
    carried = [_carried(each, name) for each, name in zip(order, "abaabbba", strict=True)]
    usage = {"type": "session.usage.updated", "event_id": "u", "usage": {"seconds": 9}}
    with RealtimeServer(on("session.start", *carried, usage)) as server:
        client = started(traces, server)
        with _live(client).connect() as connection:
            connection.send({"type": "session.start", "model": "gpt-live-1"})
            list(until(connection, "session.usage.updated"))
        first, second = traces.spans("chat")
    for span in (first, second):
        assert span.attributes["gen_ai.usage.input_tokens"] == 12
        assert span.attributes[semconv.COST] > 0
        assert of(span, semconv.OUTPUT_MESSAGES)[0]["parts"][0]["content"] == "Hi"
    ids = {span.attributes[semconv.RESPONSE_ID] for span in (first, second)}
    assert ids == {"resp_a", "resp_b"}


def test_live_sessions_send_the_same_bytes(traces: Telemetry) -> None:
    def run(client: Any) -> list[str]:
        with _live(client).connect() as connection:
            connection.send({"type": "session.start", "model": "gpt-live-1"})
            return [event.to_json() for event in until(connection, "response.event")]

    with RealtimeServer(on("session.start", _carried(turn("r", "Hi")[0], ["odd"]))) as server:
        bare = run(openai.OpenAI(**arguments(server)))
        sent = list(server.received)
        server.received.clear()
        assert run(started(traces, server)) == bare
        assert server.received == sent
        span = traces.span("chat")
    assert span.attributes[semconv.STREAM_END] == "closed"
