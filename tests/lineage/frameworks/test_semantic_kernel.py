"""Semantic Kernel: one tree, whether its own telemetry of agents and model calls is on or not."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

pytest.importorskip("semantic_kernel")

from openai import AsyncOpenAI
from semantic_kernel import Kernel
from semantic_kernel.agents import ChatCompletionAgent, ChatHistoryAgentThread
from semantic_kernel.connectors.ai.open_ai import OpenAIChatCompletion
from semantic_kernel.functions import kernel_function
from semantic_kernel.utils.telemetry.agent_diagnostics import decorators as of_agents
from semantic_kernel.utils.telemetry.model_diagnostics import decorators as of_models
from semantic_kernel.utils.telemetry.model_diagnostics import function_tracer as of_functions

from tests.lineage.frameworks import natively
from tests.lineage.frameworks.drawing import draw, tokens, tree
from tests.lineage.frameworks.natively import told
from tests.servers import Json, ProviderServer, Sse, openai_wire
from tests.servers.replies import Recorded, Reply
from tests.telemetry import Telemetry

AGENT = """
    invoke_agent weather 24+18
      chat gpt-4o 12+9
      execute_tool Weather-get_weather
      chat gpt-4o 12+9
"""
Say = Callable[[dict[str, Any]], dict[str, Any]]


@pytest.fixture
def telemetry(server: ProviderServer) -> Iterator[Telemetry]:
    yield from natively.running(server)


@pytest.fixture(params=["off", "on", "sensitive"])
def diagnostics(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The framework's own telemetry, as its environment variables would have set it."""
    for module in (of_agents, of_models, of_functions):
        settings = module.MODEL_DIAGNOSTICS_SETTINGS
        on, sensitive = request.param != "off", request.param == "sensitive"
        monkeypatch.setattr(settings, "enable_otel_diagnostics", on)
        monkeypatch.setattr(settings, "enable_otel_diagnostics_sensitive", sensitive)
    return str(request.param)


def answering(server: ProviderServer, say: Say) -> None:
    """Whatever asks the server is answered by this, streamed or not."""

    def answer(request: Recorded) -> Reply:
        body = request.json()
        message = say(body)
        if body.get("stream"):
            asked = bool((body.get("stream_options") or {}).get("include_usage"))
            return Sse(openai_wire.chat_chunks(message, include_usage=asked))
        return Json(openai_wire.chat_completion(message))

    server.route("/chat/completions", answer)


def uses(*names: str, then: str = "It is sunny.", **arguments: Any) -> Say:
    """Asks for tools first, and answers when there are results."""

    def say(body: dict[str, Any]) -> dict[str, Any]:
        if any(message["role"] == "tool" for message in body["messages"]):
            return openai_wire.chat_message(then)
        given = arguments or {"city": "Paris"}
        calls = [
            openai_wire.tool_call(name, given, id=f"call_{at}") for at, name in enumerate(names)
        ]
        return openai_wire.chat_message(None, tool_calls=calls)

    return say


class Weather:
    """The weather."""

    @kernel_function(description="The weather in a city.")
    def get_weather(self, city: str) -> str:
        return f"sunny in {city}"


def service(server: ProviderServer, **options: Any) -> OpenAIChatCompletion:
    client = AsyncOpenAI(base_url=server.url + "/v1", api_key="k", max_retries=0)
    return OpenAIChatCompletion(ai_model_id="gpt-4o", async_client=client, **options)


def weather(server: ProviderServer, *plugins: Any, **options: Any) -> ChatCompletionAgent:
    given = {"name": "weather", "instructions": "Be brief.", **options}
    return ChatCompletionAgent(service=service(server), plugins=list(plugins) or None, **given)


async def streamed(agent: ChatCompletionAgent, how: str, **options: Any) -> str:
    return "".join(
        [str(item.message) async for item in getattr(agent, how)("Paris?", **options)]
    )


def test_an_agent(server: ProviderServer, telemetry: Telemetry, diagnostics: str) -> None:
    answering(server, uses("Weather-get_weather"))
    agent = weather(server, Weather(), description="Knows the weather.", id="agent-1")
    answer = asyncio.run(agent.get_response("What is the weather in Paris?"))
    assert str(answer) == "It is sunny."
    assert draw(telemetry, tokens) == tree(AGENT)
    ran = told(telemetry, "invoke_agent")
    assert ran["gen_ai.agent.id"] == "agent-1"
    assert ran["gen_ai.agent.description"] == "Knows the weather."
    assert "What is the weather in Paris?" in ran["gen_ai.input.messages"]
    assert "It is sunny." in ran["gen_ai.output.messages"]
    assert "Be brief." in ran["gen_ai.system_instructions"]
    (offered,) = json.loads(ran["gen_ai.tool.definitions"])
    assert offered["name"] == "Weather-get_weather"
    assert offered["parameters"]["required"] == ["city"]
    used = told(telemetry, "execute_tool")
    assert json.loads(used["gen_ai.tool.call.arguments"]) == {"city": "Paris"}
    assert "sunny in Paris" in used["gen_ai.tool.call.result"]
    assert (used["gen_ai.tool.type"], used["gen_ai.tool.call.id"]) == ("function", "call_0")
    assert used["gen_ai.tool.description"] == "The weather in a city."
    chat = told(telemetry, "chat")
    assert chat["gen_ai.provider.name"] == "openai"
    assert chat["server.address"] == "127.0.0.1"
    assert chat["gen_ai.usage.cost"] > 0
    assert ran["otelier.cost.total"] == pytest.approx(2 * chat["gen_ai.usage.cost"])
    (conversation,) = {
        dict(span.attributes or {}).get("gen_ai.conversation.id") for span in telemetry.spans()
    }
    assert conversation == answer.thread.id


@pytest.mark.parametrize("how", ["invoke", "invoke_stream"])
def test_read(
    server: ProviderServer, telemetry: Telemetry, diagnostics: str, how: str
) -> None:
    answering(server, uses("Weather-get_weather"))
    said = asyncio.run(streamed(weather(server, Weather()), how))
    assert said == "It is sunny."
    assert draw(telemetry, tokens) == tree(AGENT)
    assert "It is sunny." in told(telemetry, "invoke_agent")["gen_ai.output.messages"]
