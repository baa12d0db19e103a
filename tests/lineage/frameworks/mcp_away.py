"""A server of the Model Context Protocol in a process of its own, and ways to it."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from mcp import ClientSession, StdioServerParameters
from mcp.client.sse import sse_client
from mcp.client.stdio import stdio_client
from opentelemetry.trace import SpanKind, StatusCode

SERVER = """
import sys

import openai

try:
    from mcp.server.mcpserver import MCPServer as Server
    newer = True
except ImportError:
    from mcp.server.fastmcp import FastMCP as Server
    newer = False

transport, port, url = sys.argv[1], int(sys.argv[2]), sys.argv[3]
place = {} if transport == "stdio" else {"host": "127.0.0.1", "port": port}
server = Server("weather", **({} if newer else place))


@server.tool()
async def summarise(city: str) -> str:
    async with openai.AsyncOpenAI(base_url=url + "/v1", api_key="k") as client:
        answer = await client.chat.completions.create(
            model="gpt-4o-mini", messages=[{"role": "user", "content": city}]
        )
    return answer.choices[0].message.content


@server.tool()
def fail() -> str:
    raise ValueError("no")


server.run(transport, **(place if newer else {}))
"""
SCRIPTS = Path(sys.executable).parent
INSTRUMENT = (sys.executable, str(SCRIPTS / "opentelemetry-instrument"))
OTELIER_RUN = (sys.executable, str(SCRIPTS / "otelier"), "run")
PATHS = os.pathsep.join(filter(None, sys.path))
ROLES = {SpanKind.CLIENT: " (client)", SpanKind.SERVER: " (server)"}
TO_FILE = {
    "OTEL_TRACES_EXPORTER": "otelier_file",
    "OTEL_METRICS_EXPORTER": "none",
    "OTEL_LOGS_EXPORTER": "none",
    "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "starlette",
}


class Away:
    """A server in a process of its own, and what it has exported."""

    def __init__(self, folder: Path, provider: str) -> None:
        self.folder = folder
        self.provider = provider
        (folder / "server.py").write_text(SERVER)

    def command(
        self, transport: str, port: int = 0, by: tuple[str, ...] | None = None
    ) -> list[str]:
        prefix = INSTRUMENT if by is None else by
        script = str(self.folder / "server.py")
        return [*prefix, sys.executable, script, transport, str(port), self.provider]

    @property
    def environment(self) -> dict[str, str]:
        home = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "PYTHONPATH": PATHS}
        return {**home, **TO_FILE, "OTELIER_TRACE_FILE": str(self.folder / "server.jsonl")}

    @property
    def spans(self) -> list[Any]:
        """What the process has written, as finished spans."""
        found: list[Any] = []
        text = (self.folder / "server.jsonl").read_text()
        for line in text.splitlines():
            for resource in json.loads(line).get("resourceSpans", ()):
                for scope in resource["scopeSpans"]:
                    found += map(_span, scope["spans"])
        return found

    @contextmanager
    def listening(self, transport: str, **more: str) -> Iterator[str]:
        """The server's URL, while it serves."""
        with socket.socket() as held:
            held.bind(("127.0.0.1", 0))
            port = held.getsockname()[1]
        running = subprocess.Popen(
            self.command(transport, port),
            env=self.environment | more,
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert running.stderr is not None
            for line in running.stderr:
                if re.search(r"running on http", line):
                    break
            yield f"http://127.0.0.1:{port}/" + ("sse" if transport == "sse" else "mcp")
        finally:
            running.terminate()
            running.communicate(timeout=30)


def _span(raw: dict[str, Any]) -> Any:
    attributes = {each["key"]: next(iter(each["value"].values())) for each in raw["attributes"]}
    parent = raw.get("parentSpanId")
    failed = raw.get("status", {}).get("code") == 2
    trace_id = int(raw["traceId"], 16)

    def of(span_id: str) -> Any:
        return SimpleNamespace(span_id=int(span_id, 16), trace_id=trace_id)

    return SimpleNamespace(
        name=raw["name"],
        kind=SpanKind(int(raw["kind"]) - 1),
        attributes=attributes,
        start_time=int(raw["startTimeUnixNano"]),
        context=of(raw["spanId"]),
        parent=of(parent) if parent else None,
        status=SimpleNamespace(status_code=StatusCode.ERROR if failed else StatusCode.UNSET),
        links=raw.get("links", []),
    )


@asynccontextmanager
async def over_stdio(command: list[str], env: dict[str, str] | None) -> AsyncIterator[Any]:
    given = StdioServerParameters(command=command[0], args=command[1:], env=env)
    async with stdio_client(given) as (read, write), ClientSession(read, write) as session:
        await session.initialize()
        yield session


@asynccontextmanager
async def over_http(url: str) -> AsyncIterator[Any]:
    module = pytest.importorskip("mcp.client.streamable_http")
    opened: Any = getattr(module, "streamable_http_client", None)
    opened = opened or module.streamablehttp_client
    async with opened(url) as streams, ClientSession(streams[0], streams[1]) as session:
        await session.initialize()
        yield session


@asynccontextmanager
async def over_sse(url: str) -> AsyncIterator[Any]:
    async with sse_client(url) as (read, write), ClientSession(read, write) as session:
        await session.initialize()
        yield session
