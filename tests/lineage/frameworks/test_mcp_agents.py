"""Agents of frameworks whose tools are an MCP server's in another process: one trace."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("langchain_mcp_adapters")
pytest.importorskip("agents")
pytest.importorskip("otelier.frameworks.langchain.callbacks")
pytest.importorskip("otelier.frameworks.openai_agents.spans")

import openai
from agents import Agent, OpenAIChatCompletionsModel, Runner
from agents.mcp import MCPServerStdio, MCPServerStreamableHttp
from agents.tracing import set_tracing_disabled
from langchain.agents import create_agent
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_openai import ChatOpenAI

from tests.lineage.frameworks.drawing import draw, tree
from tests.lineage.frameworks.mcp_away import ROLES, Away
from tests.servers import Json, ProviderServer, openai_wire
from tests.telemetry import Telemetry

GREETING = {"initialize", "tools/list", "server/discover"}
TREE = tree("""
    invoke_agent guide
      chat gpt-4o-mini
      execute_tool summarise
        tools/call summarise (server)
          chat gpt-4o-mini
      chat gpt-4o-mini
""")
FAILS = tree("""
    invoke_agent guide
      chat gpt-4o-mini
      execute_tool fail !tool_error
        tools/call fail !tool_error (server)
      chat gpt-4o-mini
""")


@pytest.fixture
def away(tmp_path: Path, server: ProviderServer) -> Away:
    return Away(tmp_path, server.url)


def script(server: ProviderServer, tool: str) -> None:
    """The agent calls the tool; the tool may ask a model; the agent answers."""
    arguments = {"city": "Paris"} if tool == "summarise" else {}
    call = openai_wire.tool_call(tool, arguments)
    text = Json(openai_wire.chat_completion(openai_wire.chat_message()))
    server.script(
        Json(openai_wire.chat_completion(openai_wire.chat_message(None, tool_calls=[call]))),
        *([text] if tool == "summarise" else []),
        text,
    )


def drawn(telemetry: Telemetry, away: Away) -> str:
    def say(span: Any) -> str:
        kind = span.attributes.get("error.type")
        # How frameworks name a failure of a tool is their own.
        failed = " !tool_error" if kind else ""
        served = "mcp.method.name" in span.attributes
        return f"{span.name}{failed}" + (ROLES.get(span.kind, "") if served else "")

    return draw(
        [*telemetry.spans(), *away.spans],
        say,
        leave_out=lambda span: span.attributes.get("mcp.method.name") in GREETING,
    )


async def langchain(url: str, connection: dict[str, Any]) -> None:
    client = MultiServerMCPClient({"weather": connection})  # type: ignore[dict-item]
    model = ChatOpenAI(model="gpt-4o-mini", base_url=url + "/v1", api_key="k")
    agent: Any = create_agent(model, await client.get_tools(), name="guide")
    said = await agent.ainvoke({"messages": [("user", "hi")]})
    assert said["messages"][-1].content == openai_wire.TEXT


async def openai_agents(url: str, connected: Any) -> None:
    set_tracing_disabled(True)
    client = openai.AsyncOpenAI(base_url=url + "/v1", api_key="k")
    async with connected as tools:
        model = OpenAIChatCompletionsModel("gpt-4o-mini", client)
        agent = Agent(name="guide", model=model, mcp_servers=[tools])
        assert (await Runner.run(agent, "hi")).final_output == openai_wire.TEXT


@pytest.mark.parametrize(("tool", "expected"), [("summarise", TREE), ("fail", FAILS)])
@pytest.mark.parametrize("framework", ["langchain", "openai_agents"])
def test_over_stdio(
    telemetry: Telemetry,
    server: ProviderServer,
    away: Away,
    framework: str,
    tool: str,
    expected: str,
) -> None:
    script(server, tool)
    command, *args = away.command("stdio")
    given = {"command": command, "args": args, "env": away.environment}
    if framework == "langchain":
        asyncio.run(langchain(server.url, {"transport": "stdio", **given}))
    else:
        asyncio.run(openai_agents(server.url, MCPServerStdio(given)))  # type: ignore[arg-type]
    assert drawn(telemetry, away) == expected


@pytest.mark.parametrize("framework", ["langchain", "openai_agents"])
def test_over_http(
    telemetry: Telemetry, server: ProviderServer, away: Away, framework: str
) -> None:
    script(server, "summarise")
    with away.listening("streamable-http") as url:
        if framework == "langchain":
            asyncio.run(langchain(server.url, {"transport": "streamable_http", "url": url}))
        else:
            asyncio.run(openai_agents(server.url, MCPServerStreamableHttp({"url": url})))
    assert drawn(telemetry, away) == TREE
    told = dict(telemetry.span("execute_tool").attributes or {})
    assert told["mcp.session.id"]
    assert told["network.transport"] == "tcp"
