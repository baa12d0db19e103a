"""AutoGen beside another instrumentation of it: its team is the other's, each model call once."""

import asyncio
from typing import Any

import pytest

pytest.importorskip("openinference.instrumentation.autogen_agentchat")
pytest.importorskip("autogen_agentchat")

from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.conditions import MaxMessageTermination
from autogen_agentchat.teams import RoundRobinGroupChat
from autogen_ext.models.openai import OpenAIChatCompletionClient
from openinference.instrumentation.autogen_agentchat import AutogenAgentChatInstrumentor

from tests.lineage.frameworks.global_provider import leading_to
from tests.servers import Json, ProviderServer, openai_wire
from tests.telemetry import Telemetry


@pytest.mark.parametrize("first", [False, True])
def test_openinference(
    server: ProviderServer, caplog: pytest.LogCaptureFixture, first: bool
) -> None:
    running = Telemetry()
    other = AutogenAgentChatInstrumentor()
    with leading_to(running):
        host = server.url.removeprefix("http://")
        if first:
            other.instrument(tracer_provider=running.tracer_provider)
        running.start(provider_hosts=f"{host}=openai")
        if not first:
            other.instrument(tracer_provider=running.tracer_provider)
        model = "gpt-4o-2024-08-06"
        server.script(*[Json(openai_wire.chat_completion(model=model)) for _ in range(2)])
        client = OpenAIChatCompletionClient(
            model="gpt-4o", base_url=server.url + "/v1", api_key="k"
        )
        members: Any = [AssistantAgent(name, model_client=client) for name in ("poet", "critic")]
        team = RoundRobinGroupChat(members, termination_condition=MaxMessageTermination(3))
        asyncio.run(team.run(task="A poem"))
        other.uninstrument()
        running.stop()
    assert not running.spans("invoke_workflow")
    said = [record for record in caplog.records if "instrumented by" in record.getMessage()]
    assert len(said) == 1
    tokens = [
        (span.attributes or {}).get("gen_ai.usage.input_tokens")
        for span in running.spans()
        if (span.attributes or {}).get("otelier.provider.request_id")
    ]
    assert tokens == [12, 12]
