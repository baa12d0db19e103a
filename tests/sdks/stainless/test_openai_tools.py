"""openai's runner of Responses tool loops: an agent span, and a span per function."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from opentelemetry.trace import SpanKind, StatusCode

import otelier
from otelier import semconv
from tests.servers import Json, ProviderServer
from tests.telemetry import Telemetry

runner_module = pytest.importorskip(
    "openai.lib.responses_tool_runner", reason="this openai has no Responses tool runner"
)

TOOL = {
    "type": "function",
    "name": "add",
    "description": "Adds.",
    "strict": True,
    "parameters": {
        "type": "object",
        "properties": {"a": {"type": "integer"}},
        "required": ["a"],
        "additionalProperties": False,
    },
}
ASK: dict[str, Any] = {"model": "gpt-5.1", "input": "add", "store": False}


def response(number: int, item: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": f"resp_{number}",
        "object": "response",
        "created_at": 1,
        "model": "gpt-5.1",
        "status": "completed",
        "output": [item],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "error": None,
        "incomplete_details": None,
        "usage": {
            "input_tokens": 12,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": 3,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 15,
        },
    }


CALL = {
    "type": "function_call",
    "id": "fc_1",
    "call_id": "call_1",
    "name": "add",
    "arguments": '{"a": 1}',
    "status": "completed",
}
TEXT = {
    "type": "message",
    "id": "msg_1",
    "role": "assistant",
    "status": "completed",
    "content": [{"type": "output_text", "text": "2", "annotations": []}],
}


@pytest.fixture
def scripted(server: ProviderServer) -> Iterator[ProviderServer]:
    server.script(Json(response(1, CALL)), Json(response(2, TEXT)))
    yield server


def client(server: ProviderServer) -> openai.OpenAI:
    return openai.OpenAI(api_key="k", base_url=f"{server.url}/v1", max_retries=0)


def runner(execute: Any) -> Any:
    function = runner_module.RegisteredFunction(TOOL, execute)
    return runner_module.ResponsesToolRunner(functions=[function])


def parents(spans: list[Any]) -> set[Any]:
    return {span.parent.span_id if span.parent else None for span in spans}


def test_run(scripted: ProviderServer, telemetry: Telemetry) -> None:
    got = runner(lambda arguments: str(arguments["a"] + 1)).run(client(scripted), ASK, max_steps=3)
    assert got.output_text == "2"
    agent, tool = telemetry.span("invoke_agent"), telemetry.span("execute_tool")
    assert agent.name == "invoke_agent" and agent.kind is SpanKind.INTERNAL
    assert agent.attributes[semconv.REQUEST_MODEL] == "gpt-5.1"
    assert semconv.AGENT_NAME not in agent.attributes
    assert agent.status.status_code is StatusCode.UNSET
    assert tool.name == "execute_tool add"
    for name, value in {
        "gen_ai.tool.name": "add",
        "gen_ai.tool.type": "function",
        "gen_ai.tool.call.id": "call_1",
        "gen_ai.tool.description": "Adds.",
    }.items():
        assert tool.attributes[name] == value, name
    assert json.loads(tool.attributes[semconv.TOOL_CALL_ARGUMENTS]) == {"a": 1}
    assert "2" in tool.attributes[semconv.TOOL_CALL_RESULT]
    chats = telemetry.spans("chat")
    assert len(chats) == 2
    assert parents([*chats, tool]) == {agent.context.span_id}
    assert agent.attributes["gen_ai.usage.input_tokens"] == 24
    assert agent.attributes["gen_ai.usage.output_tokens"] == 6
    cost = sum(chat.attributes[semconv.COST] for chat in chats)
    assert agent.attributes["otelier.cost.total"] == pytest.approx(cost)
    assert agent.attributes["gen_ai.response.finish_reasons"] == ("stop",)
    assert said(agent, semconv.INPUT_MESSAGES) == [("user", "add")]
    assert said(agent, semconv.OUTPUT_MESSAGES) == [("assistant", "2")]


def said(span: Any, name: str) -> list[tuple[str, str]]:
    """Messages that are texts."""
    return [
        (each["role"], each["parts"][0]["content"]) for each in json.loads(span.attributes[name])
    ]


def test_a_tool_s_own_calls_are_not_the_answer(
    server: ProviderServer, telemetry: Telemetry
) -> None:
    """A loop that ends after its tool has answered what the model said last to the loop itself."""
    inner = response(
        3, {**TEXT, "content": [{"type": "output_text", "text": "no", "annotations": []}]}
    )
    server.script(Json(response(1, CALL)), Json(inner), Json(response(2, TEXT)))
    asking = client(server)

    def execute(arguments: Any) -> str:
        return str(asking.responses.create(model="gpt-5.1", input="inner").output_text)

    turns = runner(execute).iterate(asking, ASK, max_steps=3)
    for _ in range(2):
        next(turns)
    turns.close()
    agent = telemetry.span("invoke_agent")
    assert said(agent, semconv.INPUT_MESSAGES) == [("user", "add")]
    assert "inner" not in agent.attributes[semconv.INPUT_MESSAGES]
    assert "no" not in [text for _, text in said(agent, semconv.OUTPUT_MESSAGES)]
    assert agent.attributes["gen_ai.usage.input_tokens"] == 36


def test_without_content_a_run_has_none(scripted: ProviderServer) -> None:
    telemetry = Telemetry().start(capture="NO_CONTENT")
    runner(lambda arguments: "2").run(client(scripted), ASK, max_steps=3)
    telemetry.stop()
    for span in telemetry.spans():
        assert not semconv.CONTENT_ATTRIBUTES & span.attributes.keys()


def test_iterate(scripted: ProviderServer, telemetry: Telemetry) -> None:
    turns = runner(lambda arguments: "2").iterate(client(scripted), ASK, max_steps=3)
    for _ in turns:
        with telemetry.tracer.start_as_current_span("mine"):
            pass
    agent = telemetry.span("invoke_agent")
    assert parents(telemetry.spans("mine")) == {None}
    assert parents(telemetry.spans("chat")) == {agent.context.span_id}
    assert parents(telemetry.spans("execute_tool")) == {agent.context.span_id}


def test_left_early(scripted: ProviderServer, telemetry: Telemetry) -> None:
    turns = runner(lambda arguments: "2").iterate(client(scripted), ASK, max_steps=3)
    next(turns)
    turns.close()
    assert telemetry.span("invoke_agent").status.status_code is StatusCode.UNSET
    assert not telemetry.spans("execute_tool")


def test_failing_tool(scripted: ProviderServer, telemetry: Telemetry) -> None:
    def execute(arguments: Any) -> str:
        raise RuntimeError("no")

    with pytest.raises(runner_module.ToolRunnerError):
        runner(execute).run(client(scripted), ASK, max_steps=3)
    tool, agent = telemetry.span("execute_tool"), telemetry.span("invoke_agent")
    assert tool.attributes[semconv.ERROR_TYPE] == "RuntimeError"
    assert tool.status.status_code is StatusCode.ERROR and tool.status.description == "no"
    assert agent.attributes[semconv.ERROR_TYPE].endswith("ToolRunnerError")


def test_asynchronous(scripted: ProviderServer, telemetry: Telemetry) -> None:
    async def execute(arguments: Any) -> str:
        with telemetry.tracer.start_as_current_span("inside"):
            await asyncio.sleep(0)
        return "2"

    async def run() -> Any:
        function = runner_module.AsyncRegisteredFunction(TOOL, execute)
        async with openai.AsyncOpenAI(api_key="k", base_url=f"{scripted.url}/v1") as client:
            loop = runner_module.AsyncResponsesToolRunner(functions=[function])
            return await loop.run(client, ASK, max_steps=3)

    assert asyncio.run(run()).output_text == "2"
    agent, tool = telemetry.span("invoke_agent"), telemetry.span("execute_tool")
    assert parents([*telemetry.spans("chat"), tool]) == {agent.context.span_id}
    assert parents(telemetry.spans("inside")) == {tool.context.span_id}


def test_same_requests_and_uninstrument(server: ProviderServer, telemetry: Telemetry) -> None:
    def run() -> list[Any]:
        server.requests.clear()
        server.script(Json(response(1, CALL)), Json(response(2, TEXT)))
        got = runner(lambda arguments: "2").run(client(server), ASK, max_steps=3)
        return [[request.body for request in server.requests], got.to_json()]

    seen = run()
    otelier.uninstrument()
    telemetry.clear()
    assert run() == seen
    assert not telemetry.spans()
    assert not hasattr(runner_module.ResponsesToolRunner.__dict__["iterate"], "__wrapped__")
