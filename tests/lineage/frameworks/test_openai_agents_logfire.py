"""OpenAI's Agents SDK under Logfire's own instrumentation: each model call appears once."""

from __future__ import annotations

import asyncio

import pytest

pytest.importorskip("agents")
pytest.importorskip("logfire")

import logfire
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import otelier
from otelier import guard
from tests.lineage.frameworks.drawing import draw, tokens, tree
from tests.lineage.frameworks.openai_agents import Api, paris, quiet, weather_agent
from tests.servers import ProviderServer


@pytest.mark.parametrize("chat", [False, True], ids=["responses", "chat"])
def test_each_call_once(
    chat: bool, server: ProviderServer, caplog: pytest.LogCaptureFixture
) -> None:
    from agents import OpenAIChatCompletionsModel, OpenAIResponsesModel

    quiet()
    guard.reset()
    kept = InMemorySpanExporter()
    logfire.configure(
        send_to_logfire=False,
        console=False,
        additional_span_processors=[SimpleSpanProcessor(kept)],
    )
    logfire.instrument_openai_agents()
    otelier.instrument()
    api = Api(OpenAIChatCompletionsModel if chat else OpenAIResponsesModel, server)
    server.script(paris(api), api.says())

    asyncio.run(api.run(weather_agent(api)))

    drawn = draw(kept.get_finished_spans(), tokens)
    call = "Chat completion" if chat else "Responses API"
    assert drawn == tree(f"""
        OpenAI Agents trace: {{name}}
          Task: Agent workflow
            Agent run: {{name!r}}
              Turn {{turn}} for agent weather_agent
                {call} with {{gen_ai.request.model!r}} 12+9
                Function: {{name}}
              Turn {{turn}} for agent weather_agent
                {call} with {{gen_ai.request.model!r}} 12+9
        """)
    assert caplog.text.count("openai_agents is instrumented by") == 1
