"""What tests of Agno have in common: an agent about the weather, and what a model answers."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from tests.servers import Json, ProviderServer, Recorded, Reply, Sse, openai_wire

VERSION = tuple(int(part) for part in version("agno").split(".")[:2])
MODEL = "gpt-4o-mini"
AGENT = f"""
    invoke_agent weather 24+18
      chat {MODEL} 12+9
      execute_tool get_weather
      chat {MODEL} 12+9
"""


def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"sunny in {city}"


def model(server: ProviderServer | str) -> Any:
    from agno.models.openai import OpenAIChat

    url = server if isinstance(server, str) else server.url
    return OpenAIChat(id=MODEL, api_key="k", base_url=f"{url}/v1", max_retries=0)


def agent(server: ProviderServer, *tools: Any, **options: Any) -> Any:
    """An agent with the weather's tool, or with others."""
    from agno.agent import Agent

    given = {"name": "weather", "instructions": "Be brief.", "telemetry": False}
    return Agent(model=model(server), tools=list(tools or (get_weather,)), **{**given, **options})


def calls(*names: str, stream: bool = False, **arguments: Any) -> Reply:
    """An answer that calls tools, the weather's if none is named."""
    asked = [
        openai_wire.tool_call(name, arguments or {"city": "Paris"}, id=f"call_{at}")
        for at, name in enumerate(names or ("get_weather",))
    ]
    return answer(openai_wire.chat_message(None, tool_calls=asked), stream)


def says(text: str = "It is sunny.", stream: bool = False) -> Reply:
    return answer(openai_wire.chat_message(text), stream)


def answer(message: dict[str, Any], stream: bool) -> Reply:
    if stream:
        return Sse(openai_wire.chat_chunks(message, include_usage=True))
    return Json(openai_wire.chat_completion(message))


def last(request: Recorded) -> dict[str, Any]:
    """The last message of a request."""
    found: dict[str, Any] = request.json()["messages"][-1]
    return found
