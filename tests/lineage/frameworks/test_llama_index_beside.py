"""LlamaIndex beside other instrumentations of it: the steps are theirs, model calls once ours."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import pytest

pytest.importorskip("llama_index.core.agent.workflow")
pytest.importorskip("opentelemetry.instrumentation.genai.llama_index")

from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.instrumentation import get_dispatcher

from otelier import guard
from tests.lineage.frameworks.drawing import draw, model_calls, tree
from tests.lineage.frameworks.llama_index_parts import ask, index, model, uses
from tests.servers import ProviderServer
from tests.telemetry import Telemetry

OTHERS = (
    "opentelemetry.instrumentation.genai.llama_index",
    "opentelemetry.instrumentation.llamaindex",
    "openinference.instrumentation.llama_index",
)


@pytest.fixture(autouse=True)
def taken_back() -> Iterator[None]:
    """Not all of them take their handlers back."""
    root = get_dispatcher()
    before = list(root.span_handlers), list(root.event_handlers)
    yield
    root.span_handlers, root.event_handlers = before


@pytest.fixture(params=["theirs first", "ours first"])
def beside(request: pytest.FixtureRequest) -> Iterator[Callable[[str], Telemetry]]:
    telemetry = Telemetry()
    instrumentors: list[Any] = []

    def start(name: str) -> Telemetry:
        theirs = import_module(name).LlamaIndexInstrumentor()
        instrumentors.append(theirs)
        if request.param == "ours first":
            telemetry.start()
        theirs.instrument(tracer_provider=telemetry.tracer_provider, skip_dep_check=True)
        if request.param == "theirs first":
            telemetry.start()
        return telemetry

    yield start
    telemetry.stop()
    for each in instrumentors:
        each.uninstrument()
    assert not guard.failures()


def get_weather(city: str) -> str:
    """Tells the weather."""
    return "sunny"


def weather(server: ProviderServer) -> FunctionAgent:
    llm = model(server, uses("get_weather", {"city": "Oslo"}))
    return FunctionAgent(name="weather", description="d", tools=[get_weather], llm=llm)


@pytest.mark.parametrize("name", OTHERS)
def test_a_model_call_is_there_once(
    server: ProviderServer,
    beside: Callable[[str], Telemetry],
    name: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING, "otelier"):
        telemetry = beside(name)
        ask(weather(server))
        index(server).as_query_engine(llm=model(server)).query("Oslo?")
    ours = [span for span in telemetry.spans() if span.instrumentation_scope.name == "otelier"]
    assert {span.name.partition(" ")[0] for span in ours} == {"chat", "embeddings"}
    asked = [each for each in server.requests if each.route.endswith("/chat/completions")]
    assert len(model_calls(telemetry)) == len(asked) == 3
    said = [each.message for each in caplog.records if "leaves its steps alone" in each.message]
    assert len(said) == 1
    assert name in said[0]


def test_the_official_one_draws_the_agent(
    server: ProviderServer, beside: Callable[[str], Telemetry]
) -> None:
    telemetry = beside(OTHERS[0])
    ask(weather(server))
    assert draw(telemetry) == tree(
        """
        invoke_agent weather
          chat gpt-4o
          execute_tool get_weather
          chat gpt-4o
        """
    )


def test_the_frameworks_own_export(server: ProviderServer) -> None:
    export = pytest.importorskip("llama_index.observability.otel")
    telemetry = Telemetry()
    export.LlamaIndexOpenTelemetry(
        tracer_provider=telemetry.tracer_provider, span_exporter=telemetry.exporter
    ).start_registering()
    telemetry.start()
    try:
        ask(weather(server))
        ours = [span for span in telemetry.spans() if span.instrumentation_scope.name == "otelier"]
        assert sorted(span.name for span in ours) == [
            "chat gpt-4o",
            "chat gpt-4o",
            "execute_tool get_weather",
            "invoke_agent weather",
        ]
    finally:
        telemetry.stop()
