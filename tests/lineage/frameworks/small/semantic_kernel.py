"""Semantic Kernel's small agent.

It expects chat completions: a call of ``Weather-get_weather`` with a ``city``, then a text.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable


def prepare(url: str) -> Callable[[], object]:
    """An agent that asks the server at ``url``; each call runs it once."""
    from openai import AsyncOpenAI
    from semantic_kernel.agents import ChatCompletionAgent
    from semantic_kernel.connectors.ai.open_ai import OpenAIChatCompletion
    from semantic_kernel.functions import kernel_function

    class Weather:
        """The weather."""

        def get_weather(self, city):  # type: ignore[no-untyped-def]
            """The weather in a city."""
            return f"sunny in {city}"

    # Semantic Kernel reads the annotations as they stand.
    Weather.get_weather.__annotations__ = {"city": str, "return": str}
    Weather.get_weather = kernel_function(Weather.get_weather)  # type: ignore[method-assign]

    async def ask() -> object:
        client = AsyncOpenAI(base_url=f"{url}/v1", api_key="k")
        agent = ChatCompletionAgent(
            service=OpenAIChatCompletion(ai_model_id="gpt-4o", async_client=client),
            name="weather",
            instructions="Be brief.",
            plugins=[Weather()],
        )
        return await agent.get_response(messages="What is the weather in Paris?")

    return lambda: asyncio.run(ask())
