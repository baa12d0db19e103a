"""DSPy beside other instrumentations of it: steps are theirs, model calls are there once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from tests.lineage.frameworks.dspy_offline import DSPY

pytest.importorskip(DSPY)
pytest.importorskip("openinference.instrumentation.dspy")

import dspy
from openinference.instrumentation.dspy import DSPyInstrumentor as OpenInference
from opentelemetry.instrumentation.genai.dspy import DSPyInstrumentor as Official
from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor

from tests.lineage.frameworks import dspy_parts as parts
from tests.lineage.frameworks.beside import both, together
from tests.lineage.frameworks.drawing import draw, model_calls
from tests.servers import ProviderServer
from tests.telemetry import Telemetry

MODEL = parts.MODEL


@pytest.fixture(params=[OpenInference, Official], ids=["openinference", "official"])
def beside(request: pytest.FixtureRequest, theirs_first: bool) -> Iterator[Telemetry]:
    yield from both(request.param(), theirs_first, skip_dep_check=True)


@pytest.mark.parametrize("engine", ["lm15", "litellm"])
def test_a_model_call_is_there_once(server: ProviderServer, beside: Telemetry, engine: str) -> None:
    parts.weather(server)
    with dspy.context(lm=parts.lm(server, engine=engine)):
        assert parts.agent()(question="What is it in Oslo?").answer == "Sunny."
    ours = [span.name for span in beside.spans() if span.instrumentation_scope.name == "otelier"]
    assert not ours
    said = [dict(span.attributes or {}).get("gen_ai.response.id") for span in beside.spans()]
    # What they do not know is on their spans.
    assert said.count("chatcmpl-local-1") == len(server.requests) == 3
    drawn = draw(beside)
    assert "NoneType" not in drawn and "finish" not in drawn.replace("finish.__call__", "")


def test_beside_the_official_one_of_the_sdk(server: ProviderServer, theirs_first: bool) -> None:
    with together(OpenAIInstrumentor(), theirs_first) as telemetry:
        parts.weather(server)
        for engine in ("lm15", "litellm"):
            with dspy.context(lm=parts.lm(server, engine=engine)):
                parts.agent()(question="What is it in Oslo?")
    assert len(model_calls(telemetry)) == 6
    assert draw(telemetry) == f"{parts.ONE}\n{parts.ONE}"


def test_beside_what_listens(
    server: ProviderServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tmp_path.as_uri())
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    mlflow = pytest.importorskip("mlflow.dspy")
    mlflow.autolog()
    telemetry = Telemetry().start()
    parts.weather(server)
    with dspy.context(lm=parts.lm(server)):
        parts.agent()(question="What is it in Oslo?")
    telemetry.stop()
    mlflow.autolog(disable=True)
    assert draw(telemetry) == "\n".join([f"chat {MODEL}"] * 3)


@pytest.mark.parametrize("fails", [False, True])
def test_a_tool_of_langchains_is_one_tool(
    server: ProviderServer, telemetry: Telemetry, fails: bool
) -> None:
    tools = pytest.importorskip("langchain_core.tools")

    @tools.tool  # type: ignore[untyped-decorator]
    async def get_weather(city: str) -> str:
        """The weather of a city."""
        if fails:
            raise ConnectionError("no line")
        return str(await dspy.Tool(parts.get_weather).acall(city=city))

    async def main() -> None:
        with dspy.context(lm=parts.lm(server)):
            agent = dspy.ReAct("question -> answer", tools=[dspy.Tool.from_langchain(get_weather)])
            await agent.acall(question="What is it in Oslo?")
        # Where nobody brings it, it has a span as ever.
        if not fails:
            await get_weather.ainvoke({"city": "Oslo"})

    parts.weather(server)
    asyncio.run(main())
    drawn = draw(telemetry)
    if fails:
        assert drawn == parts.ONE.replace("get_weather", "get_weather !RuntimeError")
        return
    twice = "execute_tool get_weather\n  execute_tool get_weather"
    assert drawn == parts.ONE.replace("execute_tool get_weather", twice.replace("\n", "\n  ")) + (
        f"\n{twice}"
    )
