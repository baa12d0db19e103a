"""Pydantic AI's small agent. It expects chat completions: a call of ``get_weather``, an answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def prepare(url: str) -> Callable[[], object]:
    """An agent that asks the server at ``url``; each call runs it once."""
    from pydantic_ai import Agent
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    provider = OpenAIProvider(base_url=f"{url}/v1", api_key="k")
    agent: Agent[Any, str] = Agent(
        OpenAIChatModel("gpt-4o-mini", provider=provider), name="weather_agent"
    )

    @agent.tool_plain
    def get_weather(city: str) -> str:
        """The weather in a city."""
        return f"sunny in {city}"

    return lambda: agent.run_sync("What is the weather in Paris?")
