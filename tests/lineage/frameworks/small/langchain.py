"""A small agent of LangChain's: model, one tool, model; by chat completions.

Expects two replies: a call of ``get_weather`` with a ``city``, then a text.
"""

from __future__ import annotations

from collections.abc import Callable


def prepare(url: str) -> Callable[[], object]:
    """The agent, on the server at ``url``; what is returned runs it once."""
    from langchain.agents import create_agent
    from langchain_core.tools import tool
    from langchain_openai import ChatOpenAI

    @tool
    def get_weather(city: str) -> str:
        """The weather in a city."""
        return f"sunny in {city}"

    model = ChatOpenAI(model="gpt-4o-mini", api_key="key", base_url=f"{url}/v1", max_retries=0)  # type: ignore[arg-type]
    agent = create_agent(model, [get_weather], name="weather_agent")

    def run() -> object:
        return agent.invoke({"messages": [{"role": "user", "content": "How is it in Paris?"}]})

    return run
