"""Sessions: who and why on every span inside, and nowhere else."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from typing import Any

import openai
import pytest

import otelier
from otelier.processor import OtelierSpanProcessor
from tests import installed as sdks
from tests.servers import ProviderServer
from tests.telemetry import Telemetry

CHAT: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}


def test_every_span_inside_has_it(telemetry: Telemetry, server: ProviderServer) -> None:
    client = openai.OpenAI(base_url=server.url + "/v1", api_key="k")
    with otelier.session(
        conversation_id="c", session_id="s", user_id="u", tags=["a", "b"], metadata={"tier": 1}
    ):
        with telemetry.tracer.start_as_current_span("mine"):
            client.chat.completions.create(**CHAT)
    client.embeddings.create(model="e", input="x")
    for name in ("mine", "chat"):
        attributes = telemetry.span(name).attributes
        assert attributes["gen_ai.conversation.id"] == "c"
        assert attributes["session.id"] == "s"
        assert attributes["user.id"] == "u"
        assert attributes["otelier.tags"] == ("a", "b")
        assert attributes["otelier.metadata.tier"] == 1
    assert "session.id" not in telemetry.span("embeddings").attributes


def test_sessions_nest(telemetry: Telemetry) -> None:
    with otelier.session(session_id="outer", tags=["a"], metadata={"x": 1}):
        with otelier.session(user_id="u", tags=["b", "a"], metadata={"y": 2}):
            with otelier.step("in"):
                pass
        with otelier.step("out"):
            pass
    inner, outer = telemetry.span("in").attributes, telemetry.span("out").attributes
    assert inner["session.id"] == outer["session.id"] == "outer"
    assert inner["otelier.tags"] == ("a", "b")
    assert outer["otelier.tags"] == ("a",)
    assert inner["otelier.metadata.x"], inner["otelier.metadata.y"] == (1, 2)
    assert "user.id" not in outer


def test_tasks_and_threads_that_inherit_the_context(telemetry: Telemetry) -> None:
    def step(name: str) -> None:
        with otelier.step(name):
            pass

    async def main() -> None:
        async with otelier.session(session_id="s"):
            task = asyncio.create_task(asyncio.to_thread(step, "in thread"))
        await task
        step("after")

    asyncio.run(main())
    with otelier.session(session_id="t"):
        context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(step, "copied"))
    thread.start()
    thread.join()
    assert telemetry.span("in thread").attributes["session.id"] == "s"
    assert "session.id" not in telemetry.span("after").attributes
    assert telemetry.span("copied").attributes["session.id"] == "t"


def test_one_session_object_in_many_tasks(telemetry: Telemetry) -> None:
    shared = otelier.session(session_id="s")

    async def one(number: int) -> None:
        async with shared:
            for _ in range(number):
                await asyncio.sleep(0)
            with otelier.step(f"in{number}"):
                pass
        with otelier.step(f"out{number}"):
            pass

    async def main() -> None:
        await asyncio.gather(*(one(number) for number in range(5)))

    asyncio.run(main())
    for number in range(5):
        assert telemetry.span(f"in{number}").attributes["session.id"] == "s"
        assert "session.id" not in telemetry.span(f"out{number}").attributes


def test_it_stays_in_the_process_unless_asked(telemetry: Telemetry, server: ProviderServer) -> None:
    from opentelemetry import propagate

    def carried() -> dict[str, str]:
        carrier: dict[str, str] = {}
        propagate.inject(carrier)
        return carrier

    with otelier.session(session_id="s", user_id="u"):
        assert "baggage" not in carried()
    telemetry.stop()
    telemetry.start(baggage=True)
    with otelier.session(session_id="s", user_id="u"):
        assert "session.id=s" in carried()["baggage"]
    assert "baggage" not in carried()
    client = openai.OpenAI(base_url=server.url + "/v1", api_key="k")
    with otelier.session(session_id="s"):
        client.chat.completions.create(**CHAT)
    assert server.requests[-1].header("baggage") is None
    assert server.requests[-1].header("traceparent") is None


@pytest.mark.parametrize(
    "arguments",
    [
        {"tags": "one"},
        {"tags": 5},
        {"metadata": {"o": object(), 1: [1], "none": None}},
        {"metadata": 3},
        {"user_id": 5},
        {"session_id": ""},
    ],
)
def test_odd_values_raise_nothing(arguments: dict[str, Any]) -> None:
    telemetry = Telemetry().start()
    with otelier.session(**arguments), otelier.step("s"):
        pass
    assert telemetry.span("s")
    telemetry.stop()


def foreign(telemetry: Telemetry, name: str, attributes: dict[str, Any]) -> Any:
    span = telemetry.tracer_provider.get_tracer("somebody.else").start_span(
        name, attributes=attributes
    )
    span.end()
    return telemetry.span(name)


def test_others_genai_spans_get_session_cost_and_redaction(telemetry: Telemetry) -> None:
    with otelier.session(session_id="s"):
        span = foreign(
            telemetry,
            "chat of theirs",
            {
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": "openai",
                "gen_ai.response.model": "gpt-4o",
                "gen_ai.usage.input_tokens": 1000,
                "gen_ai.usage.output_tokens": 100,
                "gen_ai.input.messages": '[{"content":"sk-abcdefghijklmnopqrstuvwxyz"}]',
            },
        )
    assert span.attributes["session.id"] == "s"
    assert span.attributes["gen_ai.usage.cost"] == pytest.approx(0.0035)
    assert span.attributes["otelier.cost.source"] == "prices"
    assert span.attributes["gen_ai.input.messages"] == '[{"content":"[REDACTED]"}]'


def test_others_agents_and_plain_spans_get_no_cost(telemetry: Telemetry) -> None:
    agent = foreign(
        telemetry,
        "invoke_agent",
        {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.provider.name": "openai",
            "gen_ai.response.model": "gpt-4o",
            "gen_ai.usage.input_tokens": 1000,
        },
    )
    assert "gen_ai.usage.cost" not in agent.attributes
    plain = foreign(telemetry, "GET", {"http.request.method": "GET"})
    assert dict(plain.attributes) == {"http.request.method": "GET"}


def test_a_span_that_somebody_else_made_for_the_call_is_enriched(
    telemetry: Telemetry, server: ProviderServer
) -> None:
    client = openai.OpenAI(base_url=server.url + "/v1", api_key="k")
    tracer = telemetry.tracer_provider.get_tracer("agent.framework")
    with tracer.start_as_current_span(
        "chat theirs", attributes={"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}
    ):
        client.chat.completions.create(**CHAT)
        client.chat.completions.create(**CHAT)
    theirs, second = telemetry.span("chat theirs"), telemetry.span("chat gpt-4o")
    assert theirs.attributes["gen_ai.request.model"] == "m"
    assert theirs.attributes["gen_ai.usage.input_tokens"] == 12
    assert theirs.attributes["gen_ai.usage.cost"] > 0
    assert second.parent.span_id == theirs.context.span_id


def test_a_programs_span_that_tells_of_an_earlier_call_is_not_for_the_next(
    telemetry: Telemetry, server: ProviderServer
) -> None:
    """LiteLLM's callback writes into whatever span is current."""
    client = openai.OpenAI(base_url=server.url + "/v1", api_key="k")
    told = {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 7}
    with telemetry.tracer.start_as_current_span("GET /chat", attributes=told):
        client.chat.completions.create(**CHAT)
    request, call = telemetry.span("GET /chat"), telemetry.span("chat gpt-4o")
    assert request.attributes["gen_ai.usage.input_tokens"] == 7
    assert "gen_ai.response.id" not in request.attributes
    assert call.parent.span_id == request.context.span_id


def test_suppressed_calls_have_no_span(telemetry: Telemetry, server: ProviderServer) -> None:
    from opentelemetry.instrumentation.utils import suppress_instrumentation

    client = openai.OpenAI(base_url=server.url + "/v1", api_key="k")
    with suppress_instrumentation():
        client.chat.completions.create(**CHAT)
        with otelier.step("s"):
            pass
    assert telemetry.spans() == []


def test_a_stream_that_outlives_the_span_it_was_to_enrich(
    telemetry: Telemetry, server: ProviderServer
) -> None:
    client = openai.OpenAI(base_url=server.url + "/v1", api_key="k")
    with telemetry.tracer.start_as_current_span(
        "theirs", attributes={"gen_ai.operation.name": "chat"}
    ) as outer:
        stream = client.chat.completions.create(stream=True, **CHAT)
    for _ in stream:
        pass
    span = telemetry.span("chat gpt-4o")
    assert span.parent.span_id == outer.get_span_context().span_id
    assert span.attributes["gen_ai.response.finish_reasons"] == ("stop",)


@sdks.openai_streams
@pytest.mark.parametrize("before_end", [True, False], ids=["SDK", "older SDK"])
def test_a_span_that_ends_with_its_stream_is_the_only_one(
    before_end: bool,
    telemetry: Telemetry,
    server: ProviderServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # As google-adk does: it reads the stream itself, and ends its span before the iterator's end.
    if not before_end:
        monkeypatch.setattr(OtelierSpanProcessor, "_on_ending", lambda self, span: None)
    client = openai.OpenAI(base_url=server.url + "/v1", api_key="k")
    tracer = telemetry.tracer_provider.get_tracer("agent.framework")
    counting = {**CHAT, "stream_options": {"include_usage": True}}
    with tracer.start_as_current_span(
        "theirs", attributes={"gen_ai.operation.name": "chat"}, end_on_exit=False
    ) as span:
        stream = client.chat.completions.create(stream=True, **counting)
    for chunk in stream:
        if chunk.usage:
            span.set_attribute("gen_ai.usage.input_tokens", chunk.usage.prompt_tokens)
            span.end()
    theirs = telemetry.span()
    assert theirs.name == "theirs"
    if before_end:
        assert theirs.attributes["gen_ai.response.finish_reasons"] == ("stop",)
        assert theirs.attributes["gen_ai.output.messages"]
        assert theirs.attributes["gen_ai.usage.cost"] > 0


def test_secrets_leave_any_attribute_of_others_genai_spans(telemetry: Telemetry) -> None:
    secret = "sk-abcdefghijklmnopqrstuvwxyz"
    span = foreign(
        telemetry, "tool", {"openinference.span.kind": "TOOL", "input.value": f"a {secret}"}
    )
    assert span.attributes["input.value"] == "a [REDACTED]"
