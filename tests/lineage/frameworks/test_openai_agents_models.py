"""OpenAI's Agents SDK: models of the program's own, which no SDK's hook sees."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

pytest.importorskip("agents")

from agents import Agent, Model, ModelResponse, OpenAIResponsesModel, Usage, generation_span
from openai.types.responses import Response, ResponseCompletedEvent

from otelier import model_runs
from otelier.frameworks.openai_agents import opened
from tests.lineage.frameworks.drawing import draw, model_calls, tokens, tree
from tests.lineage.frameworks.openai_agents import VERSION, Api, get_weather, quiet, weather_agent
from tests.servers import ProviderServer
from tests.servers import openai_wire as wire
from tests.telemetry import Telemetry


@pytest.fixture(autouse=True)
def nothing_open() -> Iterator[None]:
    quiet()
    yield
    assert not opened.count()


def usage() -> Usage:
    return Usage(requests=1, input_tokens=7, output_tokens=3, total_tokens=10)


class Scripted(Model):
    """A model as a program writes one for its tests, or for a machine of its own."""

    model = "scripted-1"

    def __init__(self, *answers: Any, spans: bool = False) -> None:
        self.answers = list(answers)
        self.spans = spans

    def _next(self) -> Any:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return Response.model_validate(wire.response_object(answer, id="own-1"))

    async def get_response(self, *args: Any, **kwargs: Any) -> ModelResponse:
        if self.spans:
            with generation_span(model=self.model) as span:
                made = self._next()
                span.span_data.usage = {"input_tokens": 7, "output_tokens": 3}
        else:
            made = self._next()
        return ModelResponse(output=made.output, usage=usage(), response_id=made.id)

    async def stream_response(self, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        made = self._next()
        made.usage.input_tokens, made.usage.output_tokens = 7, 3
        if self.spans:
            with generation_span(model=self.model) as span:
                span.span_data.usage = {"input_tokens": 7, "output_tokens": 3}
                yield ResponseCompletedEvent(
                    response=made, type="response.completed", sequence_number=0
                )
            return
        yield ResponseCompletedEvent(response=made, type="response.completed", sequence_number=0)


def asks() -> Any:
    return wire.function_call_item("get_weather", {"city": "Paris"}, id="fc_1", call_id="call_1")


def agent(model: Any) -> Any:
    return Agent(name="own", instructions="Be brief.", model=model, tools=[get_weather])


@pytest.mark.parametrize("spans", [False, True], ids=["silent", "with the SDK's spans"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_model_of_the_programs_own_has_one_span_for_each_call(
    stream: bool, spans: bool, server: ProviderServer, telemetry: Telemetry
) -> None:
    if stream and not spans and VERSION < (0, 9):
        pytest.skip("streams of silent models are not seen in this version")
    model = Scripted(asks(), wire.message_item("Sunny."), spans=spans)

    asyncio.run(Api(OpenAIResponsesModel, server, stream).run(agent(model)))

    assert draw(telemetry, tokens) == tree(
        """
        invoke_agent own 14+6
          chat scripted-1 7+3
          execute_tool get_weather
          chat scripted-1 7+3
        """
    )
    assert not server.requests
    assert model_runs.mark.get() is None


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_its_span_says_what_was_asked_and_answered(
    stream: bool, server: ProviderServer, telemetry: Telemetry
) -> None:
    if stream and VERSION < (0, 9):
        pytest.skip("streams of silent models are not seen in this version")
    model = Scripted(wire.message_item("Sunny."))

    asyncio.run(Api(OpenAIResponsesModel, server, stream).run(agent(model)))

    held = telemetry.span("chat").attributes or {}
    assert json.loads(str(held["gen_ai.input.messages"])) == [
        {"role": "user", "parts": [{"type": "text", "content": "Weather in Paris?"}]}
    ]
    assert "Sunny." in str(held["gen_ai.output.messages"])
    assert "Be brief." in str(held["gen_ai.system_instructions"])
    assert "get_weather" in str(held["gen_ai.tool.definitions"])
    assert held["gen_ai.request.model"] == "scripted-1"
    assert held["gen_ai.response.id"] == "own-1"
    agent_span = telemetry.span("invoke_agent").attributes or {}
    assert "Sunny." in str(agent_span["gen_ai.output.messages"])
    assert "Weather in Paris?" in str(agent_span["gen_ai.input.messages"])


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_one_that_fails(stream: bool, server: ProviderServer, telemetry: Telemetry) -> None:
    if stream and VERSION < (0, 9):
        pytest.skip("streams of silent models are not seen in this version")
    with pytest.raises(ConnectionError, match="gone"):
        asyncio.run(
            Api(OpenAIResponsesModel, server, stream).run(agent(Scripted(ConnectionError("gone"))))
        )

    assert draw(telemetry) == tree(
        """
        invoke_agent own !ConnectionError
          chat scripted-1 !ConnectionError
        """
    )


def test_a_call_that_an_sdk_shows_is_not_made_again(
    server: ProviderServer, telemetry: Telemetry
) -> None:
    api = Api(OpenAIResponsesModel, server)
    server.script(api.says())

    asyncio.run(api.run(weather_agent(api)))

    assert len(model_calls(telemetry)) == 1
    assert model_runs.mark.get() is None
