"""Agents that a framework's own spans show: sums and conversations are found by spans."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import openai
import pytest
from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.trace import Status, StatusCode

import otelier
from otelier import guard, natives, semconv
from otelier.scope import beneath
from tests.lineage.frameworks.drawing import conversation, draw, title, tokens, tree
from tests.servers import Json, ProviderServer
from tests.servers.openai_chat import chat_completion, chat_message
from tests.telemetry import Telemetry

SCOPE = "some.framework"


def begins(span: Any) -> tuple[str | None, str | None]:
    operation, _, name = span.name.partition(" ")
    return operation, name or None


def ends(span: Any, present: Mapping[str, Any]) -> dict[str, Any]:
    return {"framework.seen": True}


@pytest.fixture(autouse=True)
def watched() -> Iterator[None]:
    forget = natives.watch(SCOPE, natives.Native(begins, ends))
    yield
    forget()
    assert not beneath


def ask(server: ProviderServer) -> None:
    server.script(Json(chat_completion(chat_message("Hello."))))
    client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="k")
    client.chat.completions.create(
        model="gpt-4o-mini", messages=[{"role": "user", "content": "hi"}]
    )


def test_contexts_of_the_frameworks_own(server: ProviderServer, telemetry: Telemetry) -> None:
    """It begins spans in contexts that it keeps, and attaches them where it likes."""
    tracer = telemetry.tracer_provider.get_tracer(SCOPE)
    workflow = tracer.start_span("invoke_workflow support")
    around = trace.set_span_in_context(workflow, otel_context.Context())
    agent = tracer.start_span("invoke_agent clerk", around)
    # What it says comes after the start.
    agent.set_attributes({semconv.OPERATION_NAME: "invoke_agent", semconv.CONVERSATION_ID: "c-1"})
    inside = trace.set_span_in_context(agent, around)
    token = otel_context.attach(inside)
    ask(server)
    with otelier.agent("helper"):
        ask(server)
    with telemetry.tracer.start_as_current_span("mine"), otelier.tool("look_up"):
        ask(server)
    otel_context.detach(token)
    ask(server)
    agent.end()
    workflow.end()

    def say(span: Any) -> str:
        return conversation(span) + tokens(span).removeprefix(title(span))

    assert draw(telemetry, say) == tree("""
        invoke_workflow support 36+27
          invoke_agent clerk [c-1] 36+27
            chat gpt-4o-mini [c-1] 12+9
            invoke_agent helper [c-1] 12+9
              chat gpt-4o-mini [c-1] 12+9
            mine [c-1]
              execute_tool look_up [c-1]
                chat gpt-4o-mini [c-1] 12+9
        chat gpt-4o-mini 12+9
    """)
    assert (telemetry.span("invoke_agent clerk").attributes or {})["framework.seen"] is True
    assert not guard.failures()


def test_what_the_framework_says_stays(server: ProviderServer, telemetry: Telemetry) -> None:
    tracer = telemetry.tracer_provider.get_tracer(SCOPE)
    with tracer.start_as_current_span("invoke_agent clerk") as agent:
        ask(server)
        agent.set_attribute(semconv.USAGE_INPUT, 99)
    told = telemetry.span("invoke_agent").attributes or {}
    assert (told[semconv.USAGE_INPUT], told[semconv.USAGE_OUTPUT]) == (99, 9)


def test_kind_of_error(telemetry: Telemetry) -> None:
    tracer = telemetry.tracer_provider.get_tracer(SCOPE)
    with pytest.raises(KeyError), tracer.start_as_current_span("invoke_agent clerk"):
        raise KeyError("x")
    with tracer.start_as_current_span("invoke_agent other") as span:
        span.set_status(Status(StatusCode.ERROR))
    assert draw(telemetry) == tree("""
        invoke_agent clerk !KeyError
        invoke_agent other !error
    """)


def test_session_of_the_program(telemetry: Telemetry) -> None:
    tracer = telemetry.tracer_provider.get_tracer(SCOPE)
    with (
        otelier.session(conversation_id="mine"),
        tracer.start_as_current_span("invoke_agent clerk") as agent,
    ):
        agent.set_attribute(semconv.CONVERSATION_ID, "theirs")
        with tracer.start_as_current_span("execute_tool x"):
            pass
    assert draw(telemetry, conversation) == tree("""
        invoke_agent clerk [mine]
          execute_tool x [mine]
    """)


def test_others_are_not_looked_at(telemetry: Telemetry) -> None:
    with telemetry.tracer.start_as_current_span("invoke_agent mine"):
        assert not beneath
    assert "framework.seen" not in (telemetry.span().attributes or {})


def test_agents_that_leave_spans_open_end_while_others_begin(telemetry: Telemetry) -> None:
    """Each ends what is beneath it, and nobody else's, in many threads at once."""
    natives.watched[SCOPE] = natives.Native(begins, ends, leaves_open=True)
    tracer = telemetry.tracer_provider.get_tracer(SCOPE)
    workers, each = 16, 150
    together = Barrier(workers)
    # Somebody has them still.
    kept: list[Any] = []

    def run(worker: int) -> None:
        together.wait()
        for number in range(each):
            with tracer.start_as_current_span(f"invoke_agent a{worker}-{number}"):
                kept.append(tracer.start_span("execute_tool left"))

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(run, range(workers)))
    finally:
        sys.setswitchinterval(before)
    assert not guard.failures()
    spans = telemetry.exporter.get_finished_spans()
    assert len(spans) == 2 * workers * each
    for span in spans:
        assert (span.attributes or {})["framework.seen"] is True
