"""MCP beside other instrumentations of it, and beside servers of the package ``fastmcp``."""

# No ``from __future__ import annotations``: old servers read their tools' as they are.

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("mcp")

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from otelier.hooks import foreign
from tests.lineage.frameworks.drawing import draw, tree
from tests.lineage.frameworks.mcp_sides import connected, new
from tests.telemetry import Telemetry

GREETING = {"initialize", "tools/list", "server/discover"}


@pytest.fixture
def theirs() -> Iterator[tuple[TracerProvider, InMemorySpanExporter]]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    yield provider, exporter


def call() -> None:
    made = new()

    @made.tool()
    def get_weather(city: str) -> str:
        return f"sunny in {city}"

    async def main() -> None:
        async with connected(made) as client:
            await client.call_tool("get_weather", {"city": "Paris"})

    asyncio.run(main())


def ours(telemetry: Telemetry) -> str:
    return draw(
        [s for s in telemetry.spans() if s.instrumentation_scope.name == "otelier"],
        leave_out=lambda span: (span.attributes or {}).get("mcp.method.name") in GREETING,
    )


# The first of all: not all that others do is taken back.
def test_a_server_and_a_client_of_fastmcp(telemetry: Telemetry) -> None:
    """Its own spans, of which the global provider takes care, are the same requests."""
    fastmcp = pytest.importorskip("fastmcp")
    pytest.importorskip("fastmcp.telemetry")
    trace.set_tracer_provider(telemetry.tracer_provider)
    made, mounted = fastmcp.FastMCP("weather"), fastmcp.FastMCP("inner")

    @made.tool
    def get_weather(city: str) -> str:
        with trace.get_tracer("own").start_as_current_span("own"):
            return f"sunny in {city}"

    @mounted.tool
    def other() -> str:
        return "x"

    made.mount(mounted, namespace="in")

    async def main() -> None:
        async with fastmcp.Client(made) as client:
            with telemetry.tracer.start_as_current_span("program"):
                result = await client.call_tool("get_weather", {"city": "Paris"})
                assert result.data == "sunny in Paris"
                await client.call_tool("in_other", {})

    asyncio.run(main())
    # What a server does with those that are mounted in it, it tells itself.
    spans = [s for s in telemetry.spans() if s.kind is not SpanKind.INTERNAL or " " not in s.name]
    assert draw(
        spans,
        leave_out=lambda span: (span.attributes or {}).get("mcp.method.name") in GREETING,
    ) == tree("""
        program
          tools/call get_weather
            tools/call get_weather
              own
          tools/call in_other
            tools/call in_other
    """)


def test_beside_traceloop_ours_stands_down(
    telemetry: Telemetry, theirs: Any, caplog: pytest.LogCaptureFixture
) -> None:
    module = pytest.importorskip("opentelemetry.instrumentation.mcp")
    provider, exporter = theirs
    instrumentor = module.McpInstrumentor()
    caplog.set_level(logging.WARNING, "otelier")
    session = pytest.importorskip("mcp.shared.session", reason="they know version 1 alone")
    BaseSession = session.BaseSession
    before = BaseSession.__dict__["send_request"]
    instrumentor.instrument(tracer_provider=provider)
    try:
        call()
        assert ours(telemetry) == ""
        assert exporter.get_finished_spans()
        lines = [r.getMessage() for r in caplog.records if "leaves its steps alone" in r.message]
        assert len(lines) == 1 and lines[0].startswith("otelier: mcp is instrumented by opentelem")
    finally:
        instrumentor.uninstrument()
        BaseSession.send_request = before
        foreign.forget()


def test_openinference_only_carries_the_context(telemetry: Telemetry) -> None:
    module = pytest.importorskip("openinference.instrumentation.mcp")
    instrumentor = module.MCPInstrumentor()
    instrumentor.instrument()
    try:
        call()
    finally:
        instrumentor.uninstrument()
    assert ours(telemetry) == tree("""
        tools/call get_weather
          tools/call get_weather
    """)


# The last of all: it cannot be taken back.
def test_beside_logfire_ours_stands_down(telemetry: Telemetry) -> None:
    logfire = pytest.importorskip("logfire")
    session = pytest.importorskip("mcp.shared.session", reason="they know version 1 alone")
    BaseSession = session.BaseSession
    before = BaseSession.__dict__["send_request"]
    logfire.configure(send_to_logfire=False, console=False)
    logfire.instrument_mcp()
    try:
        call()
        assert ours(telemetry) == ""
    finally:
        BaseSession.send_request = before
        foreign.forget()
