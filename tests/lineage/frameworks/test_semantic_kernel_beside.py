"""Semantic Kernel beside another instrumentation of the model's SDK: each model call once."""

from __future__ import annotations

import asyncio

import pytest

pytest.importorskip("openinference.instrumentation.openai")
pytest.importorskip("semantic_kernel")

from openinference.instrumentation.openai import OpenAIInstrumentor

from tests.lineage.frameworks.drawing import draw, model_calls, tree
from tests.lineage.frameworks.global_provider import leading_to
from tests.lineage.frameworks.semantic_kernel_parts import (
    Weather,
    answering,
    switch,
    uses,
    weather,
)
from tests.servers import ProviderServer
from tests.telemetry import Telemetry


@pytest.mark.parametrize("diagnostics", ["off", "on", "sensitive"])
@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("how", ["get_response", "invoke_stream"])
def test_openinference(
    server: ProviderServer,
    monkeypatch: pytest.MonkeyPatch,
    diagnostics: str,
    how: str,
    first: bool,
) -> None:
    async def main() -> None:
        agent = weather(server, Weather())
        if how == "get_response":
            await agent.get_response(messages="Paris?")
        else:
            async for _ in agent.invoke_stream(messages="Paris?"):
                pass

    switch(diagnostics, monkeypatch)
    running = Telemetry()
    other = OpenAIInstrumentor()
    answering(server, uses("Weather-get_weather"))
    with leading_to(running):
        if first:
            other.instrument(tracer_provider=running.tracer_provider)
        host = server.url.removeprefix("http://")
        running.start(provider_hosts=f"{host}=openai")
        if not first:
            other.instrument(tracer_provider=running.tracer_provider)
        asyncio.run(main())
        other.uninstrument()
        running.stop()
    ours = [each for each in model_calls(running) if each.instrumentation_scope.name == "otelier"]
    assert not ours
    # The framework's own spans of model calls, which the program asked for, are around them.
    native = {id(span) for span in model_calls(running)}
    shown = draw(running, leave_out=lambda span: id(span) in native)
    assert shown == tree("""
        invoke_agent weather
          ChatCompletion
          execute_tool Weather-get_weather
          ChatCompletion
    """)
