"""The Model Context Protocol between two processes: one trace, over stdio, HTTP and SSE."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mcp")


import otelier
from tests.lineage.frameworks.drawing import draw, tree
from tests.lineage.frameworks.mcp_away import (
    INSTRUMENT,
    OTELIER_RUN,
    PATHS,
    ROLES,
    Away,
    over_http,
    over_sse,
    over_stdio,
)
from tests.lineage.frameworks.mcp_sides import is_error, since
from tests.lineage.frameworks.mcp_sides import text as text_of
from tests.servers import Json, ProviderServer, openai_wire
from tests.telemetry import Telemetry


@pytest.fixture
def away(server: ProviderServer, tmp_path: Path) -> Away:
    server.route("/chat/completions", Json(openai_wire.chat_completion(openai_wire.chat_message())))
    return Away(tmp_path, server.url)


def drawn(telemetry: Telemetry, away: Away) -> str:
    greeting = {"initialize", "tools/list"}
    return draw(
        [*telemetry.spans(), *away.spans],
        lambda span: (
            span.name + (ROLES.get(span.kind, "") if "mcp.method.name" in span.attributes else "")
        ),
        leave_out=lambda span: span.attributes.get("mcp.method.name") in greeting,
    )


async def summarised(session: Any) -> None:
    with otelier.agent("guide"):
        result = await session.call_tool("summarise", {"city": "Paris"})
    assert text_of(result) == openai_wire.TEXT
    assert is_error(await session.call_tool("fail", {}))


TREE = tree("""
    invoke_agent guide
      tools/call summarise (client)
        tools/call summarise (server)
          chat gpt-4o-mini
    tools/call fail (client)
      tools/call fail (server)
""")


def test_a_conversation_goes_on_only_if_it_may(away: Away) -> None:
    telemetry = Telemetry().start(baggage=True)

    async def main() -> None:
        environment = {**away.environment, "OTELIER_BAGGAGE": "true"}
        async with over_stdio(away.command("stdio"), environment) as session:
            with otelier.session(conversation_id="c-1"):
                await session.call_tool("summarise", {"city": "Paris"})

    try:
        asyncio.run(main())
    finally:
        telemetry.stop()
    told = {span.name: span.attributes.get("gen_ai.conversation.id") for span in away.spans}
    assert (told["tools/call summarise"], told["chat gpt-4o-mini"]) == ("c-1", "c-1")


@pytest.mark.parametrize("by", ["opentelemetry-instrument", "otelier run"])
def test_over_stdio(telemetry: Telemetry, away: Away, by: str) -> None:
    prefix = INSTRUMENT if by.startswith("open") else OTELIER_RUN

    async def main() -> None:
        async with over_stdio(away.command("stdio", by=prefix), away.environment) as session:
            await summarised(session)

    asyncio.run(main())
    assert drawn(telemetry, away) == TREE


def test_over_http(telemetry: Telemetry, away: Away) -> None:
    pytest.importorskip("mcp.client.streamable_http")
    with away.listening("streamable-http") as url:

        async def main() -> None:
            async with over_http(url) as session:
                await summarised(session)

        asyncio.run(main())
    assert drawn(telemetry, away) == TREE
    port = int(url.rpartition(":")[2].partition("/")[0])
    calls = telemetry.spans("tools/call")
    for span in calls:
        told = dict(span.attributes or {})
        assert (told["server.address"], told["server.port"]) == ("127.0.0.1", port)
    served = [span for span in away.spans if span.name.startswith("tools/call")]
    for span in [*calls, *served]:
        told = dict(span.attributes or {})
        assert (told["network.transport"], told["network.protocol.name"]) == ("tcp", "http")
        assert told["mcp.session.id"] == dict(calls[0].attributes or {})["mcp.session.id"]
        assert told["mcp.protocol.version"]


# Older servers do not end while a client that has gone is known to them.
@since(1, 8)
def test_over_sse(telemetry: Telemetry, away: Away) -> None:
    with away.listening("sse") as url:

        async def main() -> None:
            async with over_sse(url) as session:
                await summarised(session)

        asyncio.run(main())
    assert drawn(telemetry, away) == TREE


def test_the_http_request_that_brought_it_is_linked(telemetry: Telemetry, away: Away) -> None:
    pytest.importorskip("opentelemetry.instrumentation.starlette")
    pytest.importorskip("mcp.client.streamable_http")
    with away.listening("streamable-http", OTEL_PYTHON_DISABLED_INSTRUMENTATIONS="") as url:

        async def main() -> None:
            async with over_http(url) as session:
                await summarised(session)

        asyncio.run(main())
    spans = {span.context.span_id: span for span in away.spans}
    served = [span for span in spans.values() if span.name.startswith("tools/call")]
    assert len(served) == 2
    for span in served:
        (link,) = span.links
        assert spans[int(link["spanId"], 16)].name == "POST /mcp"
        assert int(link["traceId"], 16) != span.context.trace_id
    assert len({link["spanId"] for span in served for link in span.links}) == 2


def test_without_meta_it_belongs_to_the_http_request(away: Away, server: ProviderServer) -> None:
    pytest.importorskip("opentelemetry.instrumentation.starlette")
    pytest.importorskip("mcp.client.streamable_http")
    with away.listening("streamable-http", OTEL_PYTHON_DISABLED_INSTRUMENTATIONS="") as url:

        async def main() -> None:
            async with over_http(url) as session:
                await session.call_tool("summarise", {"city": "Paris"})
                await session.call_tool("summarise", {"city": "Rome"})

        asyncio.run(main())
    http = "http receive", "http send"
    assert (
        draw(
            away.spans, lambda span: span.name, leave_out=lambda span: span.name.endswith(http)
        ).count("""POST /mcp
  tools/call summarise
    chat gpt-4o-mini""")
        == 2
    )


def test_a_server_whose_client_names_no_variables(telemetry: Telemetry, away: Away) -> None:
    """The SDK gives a server over stdio none of the client's variables that it does not list."""

    async def main() -> None:
        env = {"PYTHONPATH": PATHS, "HOME": str(away.folder)}
        async with over_stdio(away.command("stdio", by=()), env) as session:
            await summarised(session)

    asyncio.run(main())
    assert not (away.folder / "server.jsonl").exists()
    assert len(telemetry.spans("tools/call")) == 2


def test_the_whole_program(away: Away) -> None:
    """Client and server both under opentelemetry-instrument, by their variables alone."""
    program = away.folder / "client.py"
    program.write_text("""
import asyncio, os, sys
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

async def main():
    given = StdioServerParameters(
        command=sys.argv[1],
        args=sys.argv[2:],
        env={**os.environ, "OTELIER_TRACE_FILE": "theirs.jsonl"},
    )
    async with stdio_client(given) as (read, write), ClientSession(read, write) as session:
        await session.initialize()
        result = await session.call_tool("summarise", {"city": "Paris"})
        print(result.content[0].text)

asyncio.run(main())
""")
    done = subprocess.run(
        [*INSTRUMENT, sys.executable, str(program), *away.command("stdio")],
        env=away.environment,
        cwd=away.folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, openai_wire.TEXT + "\n"), done.stderr
    assert "otelier" not in done.stderr
    theirs = Away(away.folder, "")
    spans = away.spans
    (away.folder / "theirs.jsonl").rename(away.folder / "server.jsonl")
    spans += theirs.spans
    assert draw(
        spans,
        lambda span: span.name,
        leave_out=lambda span: (
            span.attributes.get("mcp.method.name") in {"initialize", "tools/list"}
        ),
    ) == tree("""
        tools/call summarise
          tools/call summarise
            chat gpt-4o-mini
    """)
