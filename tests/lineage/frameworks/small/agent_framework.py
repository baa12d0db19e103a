"""Agent Framework's small agent. It expects chat completions: a call of ``get_weather``, a text."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


def prepare(url: str) -> Callable[[], object]:
    """An agent that asks the server at ``url``; each call runs it once."""
    from agent_framework import Agent, tool
    from agent_framework.openai import OpenAIChatCompletionClient

    def get_weather(city: str) -> str:
        """The weather in a city."""
        return f"sunny in {city}"

    get_weather.__annotations__ = {"city": str, "return": str}

    async def ask() -> object:
        client = OpenAIChatCompletionClient(model="gpt-4o", base_url=f"{url}/v1", api_key="k")
        agent = Agent(client=client, name="weather", tools=[tool(get_weather)])
        return await agent.run("What is the weather in Paris?")

    return lambda: asyncio.run(ask())
