"""Content on spans that others made goes where the policy lets it, and no further."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk.trace import SpanLimits, TracerProvider

import otelier
from otelier import guard
from otelier.processor import OtelierSpanProcessor
from tests.telemetry import Telemetry

TEXT = "a prompt of theirs"
KEY = "sk-proj-" + "aB3dE5gH7jK9mN1pQ3sT5vX7zA2cE4gI6kM8oQ0s"
MESSAGES = json.dumps([{"role": "user", "parts": [{"type": "text", "content": TEXT}]}])
SHELL = json.dumps([{"role": "user", "parts": [{"type": "text"}]}])

# Whose span, and what it has that is content.
CONTENT: dict[str, tuple[str, dict[str, Any]]] = {
    "conventions": (
        "opentelemetry.instrumentation.x",
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.input.messages": MESSAGES,
            "gen_ai.output.messages": SHELL,
            "gen_ai.system_instructions": TEXT,
            "gen_ai.tool.call.arguments": TEXT,
        },
    ),
    "older conventions": (
        "opentelemetry.instrumentation.x",
        {"gen_ai.system": "openai", "gen_ai.prompt": TEXT, "gen_ai.completion": TEXT},
    ),
    "traceloop": (
        "opentelemetry.instrumentation.openai",
        {
            "llm.request.type": "chat",
            "gen_ai.prompt.0.role": "user",
            "gen_ai.prompt.0.content": TEXT,
            "gen_ai.completion.0.content": TEXT,
            "traceloop.entity.input": TEXT,
            "traceloop.entity.output": TEXT,
            "gen_ai.task.input": TEXT,
            "gen_ai.task.output": TEXT,
            "mcp.request.argument": TEXT,
            "mcp.response.value": TEXT,
        },
    ),
    "openinference": (
        "openinference.instrumentation.langchain",
        {
            "openinference.span.kind": "LLM",
            "input.value": TEXT,
            "output.value": TEXT,
            "llm.input_messages.0.message.role": "user",
            "llm.input_messages.0.message.content": TEXT,
            "llm.output_messages.0.message.content": TEXT,
            "llm.invocation_parameters": json.dumps({"instructions": TEXT}),
            "llm.tools.0.tool.json_schema": TEXT,
            "input.audio.transcript": TEXT,
            "embedding.invocation_parameters": TEXT,
            "retrieval.documents.0.document.content": TEXT,
        },
    ),
    "pydantic-ai": (
        "pydantic-ai",
        {
            "gen_ai.operation.name": "invoke_agent",
            "final_result": TEXT,
            "pydantic_ai.all_messages": MESSAGES,
            "all_messages_events": MESSAGES,
            "model_request_parameters": TEXT,
            "tool_arguments": TEXT,
            "tool_response": TEXT,
            "logfire.json_schema": SHELL,
        },
    ),
    "google-adk": (
        "gcp.vertex.agent",
        {
            "gen_ai.operation.name": "execute_tool",
            "gcp.vertex.agent.llm_request": TEXT,
            "gcp.vertex.agent.llm_response": "{}",
            "gcp.vertex.agent.tool_call_args": TEXT,
            "gcp.vertex.agent.tool_response": TEXT,
            "gcp.vertex.agent.data": TEXT,
        },
    ),
    "langfuse": (
        "langfuse-sdk",
        {
            "langfuse.observation.type": "generation",
            "langfuse.observation.input": TEXT,
            "langfuse.observation.output": TEXT,
            "langfuse.trace.input": TEXT,
        },
    ),
    "mlflow": ("mlflow", {"mlflow.spanInputs": TEXT, "mlflow.spanOutputs": TEXT}),
    "logfire": (
        "logfire.openai",
        {"gen_ai.operation.name": "chat", "request_data": TEXT, "events": MESSAGES},
    ),
    "autogen": ("autogen SingleThreadedAgentRuntime", {"message": TEXT}),
}
# What says nothing of a prompt.
FACTS: dict[str, Any] = {
    "gen_ai.request.model": "m",
    "gen_ai.output.type": "text",
    "gen_ai.prompt.name": "greeting",
    "gen_ai.usage.input_tokens": 3,
    "llm.model_name": "m",
    "gcp.vertex.agent.session_id": "s",
    "pydantic_ai.new_message_index": 1,
    "http.request.method": "POST",
}


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    running = Telemetry()
    yield running
    running.stop()
    assert not guard.failures(), guard.failures()


def made(telemetry: Telemetry, scope: str, attributes: dict[str, Any], **events: Any) -> Any:
    tracer = telemetry.tracer_provider.get_tracer(scope)
    with tracer.start_as_current_span("theirs") as span:
        span.set_attributes(attributes)
        for name, held in events.items():
            span.add_event(name, held)
    found = telemetry.span("theirs")
    telemetry.clear()
    return found


@pytest.mark.parametrize("mode", ["NO_CONTENT", "EVENT_ONLY"])
@pytest.mark.parametrize("whose", CONTENT)
def test_kept_off_spans(telemetry: Telemetry, whose: str, mode: str) -> None:
    telemetry.start(capture=mode)
    scope, content = CONTENT[whose]
    found = dict(made(telemetry, scope, {**content, **FACTS}).attributes)
    told = {
        "gen_ai.operation.name",
        "gen_ai.system",
        "langfuse.observation.type",
        "llm.request.type",
        "openinference.span.kind",
    }
    kept = {name: value for name, value in content.items() if name in told}
    assert found == {**FACTS, **kept}


@pytest.mark.parametrize("whose", CONTENT)
def test_kept_where_it_may_be(telemetry: Telemetry, whose: str) -> None:
    telemetry.start()
    scope, content = CONTENT[whose]
    assert dict(made(telemetry, scope, {**content, **FACTS}).attributes) == {**content, **FACTS}


def test_messages_that_are_events(telemetry: Telemetry) -> None:
    telemetry.start(capture="NO_CONTENT")
    messages = {
        "gen_ai.user.message": {"content": TEXT},
        "gen_ai.choice": {"message": TEXT, "finish_reason": "stop"},
        "gen_ai.client.inference.operation.details": {"gen_ai.input.messages": MESSAGES},
        "retried": {"times": 1},
    }
    span = made(telemetry, "strands.telemetry.tracer", {}, **messages)
    assert [event.name for event in span.events] == ["retried"]


@pytest.mark.parametrize("attributes", [{"input.value": TEXT, "message": TEXT}, {"prompt": TEXT}])
def test_spans_of_the_programs_own(telemetry: Telemetry, attributes: dict[str, Any]) -> None:
    """Without GenAI meaning they are as the program made them, with their events."""
    telemetry.start(capture="NO_CONTENT")
    event = {"gen_ai.choice": {"message": TEXT}}
    span = made(telemetry, "my.shop", attributes, **event)
    assert dict(span.attributes) == attributes
    assert [each.name for each in span.events] == ["gen_ai.choice"]


def test_in_a_scope(telemetry: Telemetry) -> None:
    telemetry.start()
    scope, content = CONTENT["google-adk"]
    with otelier.capture(False):
        found = dict(made(telemetry, scope, content).attributes)
    assert found == {"gen_ai.operation.name": "execute_tool"}
    assert TEXT in str(made(telemetry, scope, content).attributes)


def test_less_is_allowed_while_it_runs(telemetry: Telemetry) -> None:
    telemetry.start()
    scope, content = CONTENT["pydantic-ai"]
    with telemetry.tracer_provider.get_tracer(scope).start_as_current_span("theirs") as span:
        span.set_attributes(content)
        telemetry.start(capture="NO_CONTENT")
    assert dict(telemetry.span().attributes or {}) == {"gen_ai.operation.name": "invoke_agent"}


def test_the_programs_mask(telemetry: Telemetry) -> None:
    seen: list[str] = []

    def mask(name: str, value: Any) -> Any:
        seen.append(name)
        return "masked" if isinstance(value, str) else [{"masked": True}]

    telemetry.start(mask=mask)
    attributes = {"final_result": TEXT, "gen_ai.input.messages": MESSAGES, "gen_ai.system": "x"}
    event = {"gen_ai.choice": {"message": TEXT}}
    span = made(telemetry, "pydantic-ai", attributes, **event)
    found = dict(span.attributes)
    assert found["final_result"] == "masked"
    assert json.loads(found["gen_ai.input.messages"]) == [{"masked": True}]
    assert found["gen_ai.system"] == "x"
    assert dict(span.events[0].attributes) == {"message": "masked"}
    assert sorted(seen) == ["final_result", "gen_ai.input.messages", "message"]


def test_a_mask_that_fails(telemetry: Telemetry) -> None:
    def mask(name: str, value: Any) -> Any:
        raise ValueError(name)

    telemetry.start(mask=mask)
    found = dict(made(telemetry, "pydantic-ai", {"final_result": TEXT}).attributes)
    assert found == {}
    guard._counts.clear()


def test_secrets(telemetry: Telemetry) -> None:
    telemetry.start()
    for scope, content in CONTENT.values():
        keyed = {name: str(value).replace(TEXT, f"use {KEY}") for name, value in content.items()}
        found = made(telemetry, scope, keyed, note={"said": f"use {KEY}"})
        assert KEY not in str(found.attributes)
        assert KEY not in str(found.events[0].attributes)


def test_too_long_for_a_message(telemetry: Telemetry) -> None:
    """A framework's own telemetry has no limit; others' limits are their own."""
    telemetry.start(message_bytes=1000)
    long = json.dumps([{"role": "user", "content": "x" * 5000}])
    cut = dict(made(telemetry, "pydantic-ai", {"pydantic_ai.all_messages": long}).attributes)
    assert len(cut["pydantic_ai.all_messages"]) <= 1000
    json.loads(cut["pydantic_ai.all_messages"])
    attributes = {"input.value": long, "openinference.span.kind": "LLM"}
    whole = dict(made(telemetry, "openinference.instrumentation.x", attributes).attributes)
    assert whole == attributes


@pytest.mark.parametrize("whose", ["langfuse", "mlflow", "google-adk", "openinference"])
def test_kept_off_spans_that_have_no_other_names(telemetry: Telemetry, whose: str) -> None:
    telemetry.start(capture="NO_CONTENT")
    scope, content = CONTENT[whose]
    assert TEXT not in str(dict(made(telemetry, scope, content).attributes))


def test_scopes_hold_where_the_end_is_a_copys(telemetry: Telemetry) -> None:
    # As older SDKs end spans: processors get a copy, which shares the attributes.
    telemetry.start()
    ours = OtelierSpanProcessor()
    ours.before_end = False
    scope, content = CONTENT["openinference"]
    with otelier.capture("NO_CONTENT"):
        span: Any = telemetry.tracer_provider.get_tracer(scope).start_span("theirs")
    span.set_attributes(content)
    ended = span._readable_span()
    ours.on_end(ended)
    assert TEXT not in str(dict(ended.attributes))
    span.end()


def test_a_full_span_keeps_what_it_says() -> None:
    provider = TracerProvider(span_limits=SpanLimits(max_span_attributes=6))
    otelier.instrument(tracer_provider=provider)
    facts: dict[str, Any] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.usage.input_tokens": 4,
        "gen_ai.usage.output_tokens": 1,
    }
    span: Any = provider.get_tracer("theirs").start_span("chat", attributes=facts)
    span.end()
    otelier.uninstrument()
    assert {name: span.attributes.get(name) for name in facts} == facts
    assert span.attributes["gen_ai.usage.cost"] > 0
    assert span.dropped_attributes > 0
