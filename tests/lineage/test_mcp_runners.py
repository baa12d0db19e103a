"""SDKs' tool runners with tools of an MCP server: the runner's span of one is the request's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import anthropic
import pytest

pytest.importorskip("mcp")

from opentelemetry.trace import SpanKind

from tests.lineage.frameworks.drawing import draw, tree
from tests.lineage.frameworks.mcp_sides import connected, new
from tests.servers import Json, ProviderServer, anthropic_wire, gemini_wire
from tests.telemetry import Telemetry

ARGUMENTS = {"city": "Paris"}


def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"sunny in {city}"


def fail(city: str) -> str:
    """No weather."""
    raise ValueError(f"no weather in {city}")


async def google(server: ProviderServer, session: Any, tool: str) -> None:
    genai = pytest.importorskip("google.genai")
    call = gemini_wire.call(name=tool, args=ARGUMENTS, id="call-1")
    server.script(Json(gemini_wire.answer(gemini_wire.candidate(call))), Json(gemini_wire.answer()))
    client = genai.Client(api_key="k", http_options={"base_url": server.url})
    await client.aio.models.generate_content(
        model=gemini_wire.MODEL,
        contents="Hi",
        # A config that is an object is copied, and a session cannot be.
        config={"tools": [session]},
    )


async def claude(server: ProviderServer, session: Any, tool: str) -> None:
    helper = pytest.importorskip("anthropic.lib.tools.mcp")
    use = anthropic_wire.tool_use_block(tool, ARGUMENTS)
    server.script(Json(anthropic_wire.message(use)), Json(anthropic_wire.message()))
    listed = await session.list_tools()
    async with anthropic.AsyncAnthropic(base_url=server.url, api_key="k") as client:
        await client.beta.messages.tool_runner(
            model="claude-sonnet-4-5",
            max_tokens=100,
            messages=[{"role": "user", "content": "hi"}],
            tools=[helper.async_mcp_tool(each, session) for each in listed.tools],
        ).until_done()


def played(
    server: ProviderServer,
    telemetry: Telemetry,
    run: Callable[[ProviderServer, Any, str], Awaitable[None]],
    tool: str,
) -> str:
    made = new()
    made.tool()(get_weather)
    made.tool()(fail)

    async def main() -> None:
        async with connected(made) as client:
            await run(server, getattr(client, "session", client), tool)

    asyncio.run(main())
    return draw(
        telemetry,
        leave_out=lambda span: (
            (span.attributes or {}).get("mcp.method.name") in {"initialize", "tools/list"}
        ),
    )


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    ("run", "model"),
    [(google, f"generate_content {gemini_wire.MODEL}"), (claude, "chat claude-sonnet-4-5")],
)
@pytest.mark.parametrize("tool", ["get_weather", "fail"])
def test_one_span_for_a_runners_tool(
    server: ProviderServer, telemetry: Telemetry, run: Any, model: str, tool: str
) -> None:
    drawn = played(server, telemetry, run, tool)
    said = " !tool_error" if tool == "fail" else ""
    lines = drawn.splitlines()
    (at,) = (n for n, line in enumerate(lines) if line.strip().startswith("execute_tool"))
    # The SDK may name its own kind of error.
    lines[at] = lines[at].partition(" !")[0] + (said if " !" in lines[at] else "")
    assert "\n".join(lines) == tree(f"""
        invoke_agent
          {model}
          execute_tool {tool}{said}
            tools/call {tool}{said}
          {model}
    """)
    executed = telemetry.span("execute_tool")
    told = dict(executed.attributes or {})
    assert executed.kind is SpanKind.INTERNAL
    assert told["mcp.method.name"] == "tools/call"
    assert told["gen_ai.tool.call.id"]
    (calls,) = telemetry.metrics()["gen_ai.invoke_agent.tool_calls"]
    assert calls.sum == 1
