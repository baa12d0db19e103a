"""Programs for the Agents SDK: its two kinds of models, and what the local server answers them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import agents
from agents import (
    Agent,
    AsyncOpenAI,
    OpenAIChatCompletionsModel,
    Runner,
    function_tool,
)

from tests.servers import Json, ProviderServer, Recorded, Sse
from tests.servers import openai_wire as wire

VERSION = tuple(
    int(part)
    for part in __import__("importlib.metadata").metadata.version("openai-agents").split(".")
)


@dataclass
class Api:
    """One of OpenAI's two APIs, whole or streamed."""

    kind: type
    server: ProviderServer
    stream: bool = False

    @property
    def model(self) -> Any:
        """The model that an agent asks."""
        client = AsyncOpenAI(api_key="sk-local", base_url=f"{self.server.url}/v1", max_retries=0)
        return self.kind("gpt-4o-mini", client)

    def says(self, text: str = "It is sunny.") -> Any:
        """An answer in words."""
        if self.kind is OpenAIChatCompletionsModel:
            return self._chat(wire.chat_message(text))
        return self._response(wire.message_item(text))

    def calls(self, *calls: tuple[str, dict[str, Any], str]) -> Any:
        """An answer that asks for tools: name, arguments, id of the call."""
        if self.kind is OpenAIChatCompletionsModel:
            made = [wire.tool_call(name, given, id=id) for name, given, id in calls]
            return self._chat(wire.chat_message(None, tool_calls=made))
        return self._response(
            *(
                wire.function_call_item(name, given, id=f"fc_{id}", call_id=id)
                for name, given, id in calls
            )
        )

    def _chat(self, message: Any) -> Any:
        if self.stream:
            return Sse(wire.chat_chunks(message, include_usage=True))
        return Json(wire.chat_completion(message))

    def _response(self, *items: Any) -> Any:
        made = wire.response_object(*items)
        if self.stream:
            return Sse(wire.response_events(made), done=None, named=True)
        return Json(made)

    async def run(self, agent: Any, given: Any = "Weather in Paris?", **options: Any) -> Any:
        """Run an agent to its end, streamed or not."""
        if not self.stream:
            return await Runner.run(agent, given, **options)
        result = Runner.run_streamed(agent, given, **options)
        async for _ in result.stream_events():
            pass
        return result


@function_tool
def get_weather(city: str) -> str:
    """Tell the weather of a city."""
    if city == "Nowhere":
        raise LookupError("no such city")
    return f"sunny in {city}"


def weather_agent(api: Api, **options: Any) -> Any:
    """An agent with one tool."""
    return Agent(
        name="weather_agent",
        instructions="You know the weather.",
        model=api.model,
        **{"tools": [get_weather], **options},
    )


def paris(api: Api, id: str = "call_1") -> Any:
    """The model asks for the weather in Paris."""
    return api.calls(("get_weather", {"city": "Paris"}, id))


def by_last(answers: Callable[[Any], Any]) -> Callable[[Recorded], Any]:
    """A route whose answer depends on what the request holds."""
    return lambda request: answers(request.json())


def quiet() -> None:
    """Nothing goes to OpenAI's backend from tests."""
    agents.set_trace_processors([])
