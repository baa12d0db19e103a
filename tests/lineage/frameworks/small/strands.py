"""Strands' small agent. It expects streamed chat completions: a call of ``get_weather``, a text."""

from __future__ import annotations

from collections.abc import Callable


def prepare(url: str) -> Callable[[], object]:
    """An agent that asks the server at ``url``; each call runs it once."""
    from strands import Agent, tool
    from strands.models.openai import OpenAIModel

    def get_weather(city: str) -> str:
        """The weather in a city."""
        return f"sunny in {city}"

    get_weather.__annotations__ = {"city": str, "return": str}
    model = OpenAIModel(client_args={"base_url": f"{url}/v1", "api_key": "k"}, model_id="gpt-4o")
    tools = [tool(get_weather)]

    def run() -> object:
        agent = Agent(model=model, name="weather", tools=tools, callback_handler=None)
        return agent("What is the weather in Paris?")

    return run
