"""What the programs of CrewAI's tests have in common: agents, and what plays their model."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import Any

from crewai import LLM, Agent, Crew, Task
from crewai.tools import tool

from tests.servers import Json, ProviderServer, Recorded, Reply, openai_wire

VERSION = tuple(int(part) for part in version("crewai").split(".")[:2])
# Models call tools by the provider's own way; before, in the words of their answers.
NATIVE = VERSION >= (1, 10)
MODEL = "gpt-4o-mini"


@tool("get_weather")
def get_weather(city: str) -> str:
    """The weather of a city."""
    return f"Sunny in {city}"


def calls(name: str, arguments: dict[str, Any], id: str = "call_1") -> Json:
    """A model that wants a tool to be executed."""
    if NATIVE:
        call = openai_wire.tool_call(name, arguments, id=id)
        return Json(openai_wire.chat_completion(openai_wire.chat_message(tool_calls=[call])))
    said = f"Thought: I need it\nAction: {name}\nAction Input: {json.dumps(arguments)}"
    return Json(openai_wire.chat_completion(openai_wire.chat_message(said)))


def says(text: str = "Sunny.") -> Json:
    """A model that answers."""
    said = text if NATIVE else f"Thought: I now know the final answer\nFinal Answer: {text}"
    return Json(openai_wire.chat_completion(openai_wire.chat_message(said)))


def asked(request: Recorded) -> str:
    """All that a model is asked, as one text."""
    return str(request.json()["messages"])


def has_answered(request: Recorded) -> bool:
    """Whether the model has said something already."""
    return any(message["role"] == "assistant" for message in request.json()["messages"])


def weather(server: ProviderServer, name: str = "get_weather") -> None:
    """A model that asks the tool once, and answers then."""

    def reply(request: Recorded) -> Reply:
        return says() if has_answered(request) else calls(name, {"city": "Oslo"})

    server.route("/chat/completions", reply)


def llm(server: ProviderServer, **options: Any) -> LLM:
    """A model at the server."""
    return LLM(model="openai/gpt-4o-mini", base_url=f"{server.url}/v1", api_key="local", **options)


def agent(server: ProviderServer, role: str = "Weather teller", **options: Any) -> Agent:
    """An agent with the tool, if no other is said."""
    given = {"llm": llm(server), "tools": [get_weather], **options}
    return Agent(role=role, goal="Tell the weather", backstory="You know a tool.", **given)


def task(who: Agent | None, description: str = "What is it in Oslo?", **options: Any) -> Task:
    """A task of an agent's."""
    return Task(description=description, expected_output="Words", agent=who, **options)


def crew(server: ProviderServer, **options: Any) -> Crew:
    """A crew of one agent."""
    who = agent(server)
    given = {"name": "weather", "agents": [who], "tasks": [task(who)], **options}
    return Crew(**given)
