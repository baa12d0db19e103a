"""Deep Agents, and agents with tools of MCP servers."""

from __future__ import annotations

import asyncio
import json
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("langchain_openai")
pytest.importorskip("langgraph")

from langchain_core.tools import tool

from tests.lineage.frameworks.drawing import conversation, draw, tokens, tree
from tests.lineage.frameworks.langchain_programs import (
    asks,
    call,
    calls,
    chat_model,
    create_agent,
    leaving_nothing,
    says,
    text,
    thinks,
)
from tests.servers import ProviderServer, openai_wire
from tests.telemetry import Telemetry


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    yield from leaving_nothing()


@tool
def look_up(topic: str) -> str:
    """Look something up."""
    return f"all of {topic}"


TASK = call("task", {"description": "Find out.", "subagent_type": "researcher"}, id="call_t")
ANSWERS = (TASK, call("look_up", {"topic": "otters"}), text("They swim."), text("Otters swim."))
DRAWN = """
    invoke_agent lead
      chat gpt-4o-mini
      execute_tool task
        invoke_agent researcher
          chat gpt-4o-mini
          execute_tool look_up
          chat gpt-4o-mini
      chat gpt-4o-mini
"""


def deep_agent(server: ProviderServer, **options: Any) -> Any:
    deepagents = pytest.importorskip("deepagents")
    researcher = {
        "name": "researcher",
        "description": "Finds things out.",
        "system_prompt": "You find things out.",
        "tools": [look_up],
    }
    return deepagents.create_deep_agent(chat_model(server), subagents=[researcher], **options)


def test_sub_agents(server: ProviderServer, telemetry: Telemetry) -> None:
    says(server, *ANSWERS)
    agent = deep_agent(server, name="lead")
    agent.invoke(asks("What do otters do?"), {"configurable": {"thread_id": "t1"}})
    assert draw(telemetry) == tree(DRAWN)
    assert all(line.endswith("[t1]") for line in draw(telemetry, conversation).splitlines())
    assert draw(telemetry, tokens).startswith("invoke_agent lead 48+36\n")
    lead, researcher = sorted(telemetry.spans("invoke_agent"), key=lambda s: s.start_time or 0)
    assert "task" in str((lead.attributes or {})["gen_ai.tool.definitions"])
    assert "You find things out." in str(researcher.attributes or {})
    (answer,) = json.loads((researcher.attributes or {})["gen_ai.output.messages"])
    assert answer["parts"] == [{"type": "text", "content": "They swim."}]
    task = next(s for s in telemetry.spans("execute_tool") if "task" in s.name)
    held = task.attributes or {}
    assert held["gen_ai.tool.call.id"] == "call_t"
    assert json.loads(held["gen_ai.tool.call.result"]) == {"result": "They swim."}


def test_sub_agents_async_and_without_a_name(server: ProviderServer, telemetry: Telemetry) -> None:
    says(server, *ANSWERS)
    agent = deep_agent(server)

    async def main() -> None:
        await agent.ainvoke(asks("What do otters do?"))

    asyncio.run(main())
    assert draw(telemetry) == tree(DRAWN.replace(" lead", ""))


def test_sub_agents_side_by_side(server: ProviderServer, telemetry: Telemetry) -> None:
    wanted = [
        openai_wire.tool_call(
            "task", {"description": word, "subagent_type": "researcher"}, id=f"call_{word}"
        )
        for word in ("otters", "seals")
    ]

    def mind(said: list[dict[str, Any]]) -> Any:
        if said[-1]["role"] == "tool":
            return text("done")
        word = said[-1]["content"]
        return call("look_up", {"topic": word}) if word in ("otters", "seals") else calls(*wanted)

    thinks(server, mind)
    agent = deep_agent(server, name="lead")

    async def main() -> None:
        await agent.ainvoke(asks("What do they do?"), {"configurable": {"thread_id": "t2"}})

    asyncio.run(main())
    one = """
          execute_tool task [t2]
            invoke_agent researcher [t2]
              chat gpt-4o-mini [t2]
              chat gpt-4o-mini [t2]
              execute_tool look_up [t2]"""
    drawn = """
        invoke_agent lead [t2]
          chat gpt-4o-mini [t2]
          chat gpt-4o-mini [t2]"""
    assert draw(telemetry, conversation, ordered=False) == tree(drawn + one + one)
    by_id = {span.context.span_id: span for span in telemetry.spans()}
    for span in telemetry.spans("execute_tool"):
        if "look_up" not in span.name:
            continue
        task = by_id[by_id[span.parent.span_id].parent.span_id]  # type: ignore[union-attr]
        topic = json.loads((span.attributes or {})["gen_ai.tool.call.arguments"])["topic"]
        assert (task.attributes or {})["gen_ai.tool.call.id"] == f"call_{topic}"


SERVER = """
    try:
        from mcp.server.fastmcp import FastMCP
    except ImportError:
        from mcp.server.mcpserver import MCPServer as FastMCP

    server = FastMCP("weather")

    @server.tool()
    def get_weather(city: str) -> str:
        "The weather in a city."
        if city == "Nowhere":
            raise ValueError("no such city")
        return f"sunny in {city}"

    server.run()
"""


def test_tools_of_a_server(server: ProviderServer, telemetry: Telemetry, tmp_path: Path) -> None:
    client = pytest.importorskip("langchain_mcp_adapters.client")
    program = tmp_path / "weather.py"
    program.write_text(textwrap.dedent(SERVER))
    there = {"command": sys.executable, "args": [str(program)], "transport": "stdio"}
    says(
        server,
        call("get_weather", {"city": "Paris"}),
        call("get_weather", {"city": "Nowhere"}, id="call_2"),
        text("Sunny."),
    )

    async def main() -> None:
        tools = await client.MultiServerMCPClient({"weather": there}).get_tools()
        agent = create_agent(chat_model(server), tools, name="weather_agent")
        await agent.ainvoke(asks())

    try:
        asyncio.run(main())
    except Exception as problem:
        assert "no such city" in str(problem)
    lines = draw(
        telemetry, leave_out=lambda span: not (span.attributes or {}).get("gen_ai.operation.name")
    ).splitlines()
    assert lines[0].startswith("invoke_agent weather_agent")
    assert lines[1:4] == [
        "  chat gpt-4o-mini",
        "  execute_tool get_weather",
        "  chat gpt-4o-mini",
    ]
    assert lines[4].startswith("  execute_tool get_weather !")
    assert lines[5:] in ([], ["  chat gpt-4o-mini"])
    first, second = sorted(telemetry.spans("execute_tool"), key=lambda s: s.start_time or 0)
    held = first.attributes or {}
    assert held["gen_ai.tool.call.id"] == "call_1"
    assert json.loads(held["gen_ai.tool.call.arguments"]) == {"city": "Paris"}
    assert "sunny in Paris" in held["gen_ai.tool.call.result"]
    assert (second.attributes or {})["gen_ai.tool.call.id"] == "call_2"
