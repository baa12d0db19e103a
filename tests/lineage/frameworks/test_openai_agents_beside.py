"""OpenAI's Agents SDK beside others' instrumentations of it: each model call appears once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest

pytest.importorskip("agents")
pytest.importorskip("openinference.instrumentation.openai_agents")

from agents import OpenAIChatCompletionsModel, OpenAIResponsesModel
from opentelemetry.sdk.trace import ReadableSpan

from tests.lineage.frameworks.drawing import draw, title, tree
from tests.lineage.frameworks.openai_agents import Api, paris, quiet, weather_agent
from tests.servers import ProviderServer
from tests.telemetry import Telemetry

OTHERS = {
    "openinference": "openinference.instrumentation.openai_agents",
    "traceloop": "opentelemetry.instrumentation.openai_agents",
    "official": "opentelemetry.instrumentation.genai.openai_agents",
}
# What each makes of a run; ours are the model calls, where it makes none or ours are theirs.
TREES = {
    "openinference": """
        Agent workflow
          Agent workflow
            weather_agent
              turn
                response 12
                get_weather
              turn
                response 12
        """,
    "traceloop": """
        Agent Workflow
          weather_agent.agent
            openai.response 12
            get_weather.tool
            openai.response 12
        """,
    "official": """
        invoke_workflow Agent workflow
          invoke_agent weather_agent
            chat gpt-4o-mini 12
            execute_tool get_weather
            chat gpt-4o-mini 12
        """,
}


@pytest.fixture(params=list(OTHERS))
def other(request: pytest.FixtureRequest, telemetry: Telemetry) -> Iterator[str]:
    """One of them, active."""
    quiet()
    instrumentor: Any = import_module(OTHERS[request.param]).OpenAIAgentsInstrumentor()
    instrumentor.instrument(tracer_provider=telemetry.tracer_provider, skip_dep_check=True)
    yield request.param
    instrumentor.uninstrument()
    quiet()


def input_tokens(span: ReadableSpan) -> str:
    """The name, and the tokens that were read, in anybody's words."""
    held = span.attributes or {}
    found = {
        held[name]
        for name in ("gen_ai.usage.input_tokens", "llm.token_count.prompt")
        if name in held
    }
    return " ".join([title(span), *map(str, found)])


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_each_call_once(
    stream: bool,
    other: str,
    server: ProviderServer,
    telemetry: Telemetry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    api = Api(OpenAIResponsesModel, server, stream)
    server.script(paris(api), api.says())

    asyncio.run(api.run(weather_agent(api)))

    assert draw(telemetry, input_tokens) == tree(TREES[other])
    assert caplog.text.count("openai_agents is instrumented by") == 1


def test_once_over_chat_completions_too(
    other: str, server: ProviderServer, telemetry: Telemetry
) -> None:
    api = Api(OpenAIChatCompletionsModel, server)
    server.script(paris(api), api.says())

    asyncio.run(api.run(weather_agent(api)))

    assert sum("12" in input_tokens(span).split() for span in telemetry.spans()) == 2
