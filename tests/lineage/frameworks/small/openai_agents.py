"""A small agent of OpenAI's Agents SDK: model, one tool, model; over the chat completions API."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import agents
from agents import Agent, AsyncOpenAI, OpenAIChatCompletionsModel, Runner, function_tool


@function_tool
def get_weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"sunny in {city}"


def prepare(url: str) -> Callable[[], object]:
    """What runs the agent once.

    The server at ``url`` answers two chat completions: a call of ``get_weather`` with a ``city``,
    then a text.
    """
    agents.set_trace_processors([])
    client = AsyncOpenAI(api_key="sk-local", base_url=f"{url}/v1", max_retries=0)
    agent = Agent(
        name="weather_agent",
        instructions="You know the weather.",
        model=OpenAIChatCompletionsModel("gpt-4o-mini", client),
        tools=[get_weather],
    )
    loop = asyncio.new_event_loop()

    def run() -> object:
        return loop.run_until_complete(Runner.run(agent, "Weather in Paris?"))

    return run
