"""smolagents: agents that call tools, agents that write code, and those that they manage."""

from __future__ import annotations

import json
from typing import Any

import pytest

pytest.importorskip("smolagents")

from tests.lineage.frameworks import smolagents_parts as parts
from tests.lineage.frameworks.drawing import draw, tokens, tree
from tests.servers import ProviderServer
from tests.telemetry import Telemetry

MODEL = parts.MODEL


def attributes(telemetry: Telemetry, name: str) -> dict[str, Any]:
    return dict(telemetry.span(name).attributes or {})


def test_an_agent_that_calls_tools(server: ProviderServer, telemetry: Telemetry) -> None:
    parts.weather(server)
    who = parts.agent(server, name="teller", description="Tells the weather")
    assert who.run("What is it in Oslo?") == "Sunny."
    assert draw(telemetry, tokens) == tree(
        f"""
        invoke_agent teller 24+18
          chat {MODEL} 12+9
          execute_tool get_weather
          chat {MODEL} 12+9
        """
    )
    agent = attributes(telemetry, "invoke_agent")
    assert agent["gen_ai.agent.description"] == "Tells the weather"
    assert agent["gen_ai.request.model"] == MODEL
    assert "expert assistant" in agent["gen_ai.system_instructions"]
    assert json.loads(agent["gen_ai.input.messages"]) == [
        {"role": "user", "parts": [{"type": "text", "content": "What is it in Oslo?"}]}
    ]
    assert "Sunny." in agent["gen_ai.output.messages"]
    offered = {each["name"]: each for each in json.loads(agent["gen_ai.tool.definitions"])}
    assert set(offered) == {"get_weather", "final_answer"}
    assert offered["get_weather"]["parameters"]["required"] == ["city"]
    used = attributes(telemetry, "execute_tool")
    assert json.loads(used["gen_ai.tool.call.arguments"]) == {"city": "Oslo"}
    assert json.loads(used["gen_ai.tool.call.result"]) == {"result": "Sunny in Oslo"}
    assert used["gen_ai.tool.call.id"] == "call_1"
    assert used["gen_ai.tool.description"] == "The weather of a city."
    assert used["gen_ai.agent.name"] == "teller"
    metrics = telemetry.metrics()
    assert metrics["gen_ai.invoke_agent.duration"] and metrics["gen_ai.execute_tool.duration"]


def test_an_agent_that_writes_code(server: ProviderServer, telemetry: Telemetry) -> None:
    parts.script(
        server,
        parts.writes("sky = get_weather(city='Oslo')\nprint(sky)"),
        parts.writes("final_answer('Sunny.')"),
    )
    assert parts.coder(server).run("What is it in Oslo?") == "Sunny."
    assert draw(telemetry, tokens) == tree(
        f"""
        invoke_agent 24+18
          chat {MODEL} 12+9
          execute_tool python_interpreter
            execute_tool get_weather
          chat {MODEL} 12+9
          execute_tool python_interpreter
        """
    )
    first, second = (
        dict(span.attributes or {}) for span in telemetry.spans("execute_tool python_interpreter")
    )
    assert "get_weather(city='Oslo')" in json.loads(first["gen_ai.tool.call.arguments"])["code"]
    assert "Sunny in Oslo" in json.loads(first["gen_ai.tool.call.result"])["logs"]
    assert json.loads(second["gen_ai.tool.call.result"])["output"] == "Sunny."
