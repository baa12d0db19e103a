"""LangChain with another instrumentation of it: its steps stay, and each call appears once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

pytest.importorskip("langchain_openai")
pytest.importorskip("langgraph")

from langchain_core.tools import tool

from tests.lineage.frameworks.drawing import draw
from tests.lineage.frameworks.langchain_programs import (
    asks,
    call,
    chat_model,
    create_agent,
    open_things,
    says,
    text,
    thinks,
    told_of_use,
)
from tests.servers import ProviderServer
from tests.telemetry import Telemetry

OTHERS = {
    "official": "opentelemetry.instrumentation.genai.langchain",
    "openinference": "openinference.instrumentation.langchain",
    "traceloop": "opentelemetry.instrumentation.langchain",
}


@pytest.fixture(scope="module", params=sorted(OTHERS))
def instrumented(request: Any) -> Iterator[Telemetry]:
    """Once in this process: not all of them can be taken back and begun again."""
    module = pytest.importorskip(OTHERS[request.param])
    made = getattr(module, "LangChainInstrumentor", None) or module.LangchainInstrumentor
    telemetry = Telemetry()
    made().instrument(tracer_provider=telemetry.tracer_provider, skip_dep_check=True)
    yield telemetry
    made().uninstrument()


@pytest.fixture
def telemetry(instrumented: Telemetry, server: ProviderServer) -> Telemetry:
    instrumented.clear()
    return instrumented.start(provider_hosts=f"{server.url.removeprefix('http://')}=openai")


@tool
def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"sunny in {city}"


def _run(agent: Any) -> None:
    agent.invoke(asks())


def _arun(agent: Any) -> None:
    asyncio.run(agent.ainvoke(asks()))


def _stream(agent: Any) -> None:
    assert list(agent.stream(asks(), stream_mode="messages"))


@pytest.mark.parametrize("way", [_run, _arun, _stream])
def test_each_call_appears_once(
    server: ProviderServer,
    telemetry: Telemetry,
    caplog: pytest.LogCaptureFixture,
    way: Callable[[Any], None],
) -> None:
    weather = call("get_weather", {"city": "Paris"})
    thinks(server, lambda said: text("Sunny.") if said[-1]["role"] == "tool" else weather)
    agent = create_agent(chat_model(server), [get_weather], name="weather_agent")
    with caplog.at_level(logging.WARNING):
        way(agent)
    found = told_of_use(telemetry)
    assert len(found) == 2, draw(telemetry)
    for span in found:
        held = span.attributes or {}
        assert held["gen_ai.usage.input_tokens"] == 12
        assert held["gen_ai.usage.cost"] > 0
        assert span.parent is not None
    tools = [span for span in telemetry.spans() if "get_weather" in span.name]
    assert len(tools) == 1, draw(telemetry)
    lines = [r.message for r in caplog.records if "is instrumented by" in r.getMessage()]
    assert len(lines) == 1
    assert open_things() == 0


def test_models_alone(server: ProviderServer, telemetry: Telemetry) -> None:
    says(server, text("x"))
    chat_model(server).invoke("hi")
    assert len(telemetry.spans()) == 1, draw(telemetry)
