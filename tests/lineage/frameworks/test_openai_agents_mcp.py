"""OpenAI's Agents SDK: tools of MCP servers, over stdio and over HTTP."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("agents")
pytest.importorskip("agents.mcp")

from agents import OpenAIResponsesModel
from agents.mcp import MCPServerStdio, MCPServerStreamableHttp
from opentelemetry.sdk.trace import ReadableSpan

from otelier.frameworks.openai_agents import opened
from tests.lineage.frameworks.drawing import draw, tree
from tests.lineage.frameworks.openai_agents import Api, quiet, weather_agent
from tests.servers import ProviderServer
from tests.telemetry import Telemetry

SERVER = """
import socket, sys
try:
    from mcp.server import MCPServer as Server
except ImportError:  # Before 2.0.
    from mcp.server.fastmcp import FastMCP as Server
server = Server("weather")

@server.tool()
def look(city: str) -> str:
    "Look out of the window."
    if city == "Nowhere":
        raise LookupError("no such city")
    return "rain in " + city

if sys.argv[1] == "stdio":
    server.run()
else:
    import uvicorn
    held = socket.socket(fileno=int(sys.argv[1]))
    config = uvicorn.Config(server.streamable_http_app(), log_level="error")
    uvicorn.Server(config).run(sockets=[held])
"""


@pytest.fixture(autouse=True)
def nothing_open() -> Iterator[None]:
    quiet()
    yield
    assert not opened.count()


@pytest.fixture(params=["stdio", "http"])
def server_of_tools(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    """An MCP server in a process of its own."""
    script = tmp_path / "weather_server.py"
    script.write_text(SERVER)
    if request.param == "stdio":
        yield MCPServerStdio({"command": sys.executable, "args": [str(script), "stdio"]})
        return
    with socket.create_server(("127.0.0.1", 0)) as listener:
        number = listener.fileno()
        port = listener.getsockname()[1]
        process = subprocess.Popen(
            [sys.executable, str(script), str(number)], pass_fds=[number], stdin=subprocess.DEVNULL
        )
        yield MCPServerStreamableHttp({"url": f"http://127.0.0.1:{port}/mcp", "timeout": 60})
        process.terminate()
        process.wait()


def of_the_protocol(span: ReadableSpan) -> bool:
    """Whether a span is MCP's own, which others make."""
    held = span.attributes or {}
    return "mcp.method.name" in held and held.get("gen_ai.operation.name") != "execute_tool"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_tools_of_a_server(
    stream: bool, server_of_tools: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    api = Api(OpenAIResponsesModel, server, stream)
    server.script(
        api.calls(("look", {"city": "Paris"}, "call_1")),
        api.calls(("look", {"city": "Nowhere"}, "call_2")),
        api.says(),
    )

    async def program() -> Any:
        async with server_of_tools:
            return await api.run(weather_agent(api, tools=[], mcp_servers=[server_of_tools]))

    result = asyncio.run(program())

    assert result.final_output == "It is sunny."
    assert draw(telemetry, lambda span: span.name, leave_out=of_the_protocol) == tree(
        """
        invoke_agent weather_agent
          chat gpt-4o-mini
          execute_tool look
          chat gpt-4o-mini
          execute_tool look
          chat gpt-4o-mini
        """
    )
    first = telemetry.spans("execute_tool")[0].attributes or {}
    assert first["gen_ai.tool.call.id"] == "call_1"
    assert first["gen_ai.tool.description"] == "Look out of the window."
    assert first["gen_ai.tool.call.arguments"] == '{"city":"Paris"}'
    assert "rain in Paris" in str(first["gen_ai.tool.call.result"])
    definitions = (telemetry.span("invoke_agent").attributes or {})["gen_ai.tool.definitions"]
    assert [each["name"] for each in json.loads(str(definitions))] == ["look"]
