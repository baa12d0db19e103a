"""What the programs of smolagents' tests have in common: agents, and what plays their model."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import Any

import smolagents
from smolagents import CodeAgent, OpenAIServerModel, ToolCallingAgent, tool

from tests.servers import Json, ProviderServer, Recorded, Reply, openai_wire

VERSION = tuple(int(part) for part in version("smolagents").split(".")[:2])
MODEL = "gpt-4o-mini"
# Agents have names of their own.
NAMED = VERSION >= (1, 8)
# The words around code that a model writes.
OPEN, CLOSE = ("<code>", "</code>") if VERSION >= (1, 20) else ("```py", "```<end_code>")


@tool
def get_weather(city: str) -> str:
    """The weather of a city.

    Args:
        city: The city to look at.
    """
    return f"Sunny in {city}"


def calls(*asked: tuple[str, dict[str, Any]]) -> Json:
    """A model that wants tools to be executed."""
    wanted = [
        openai_wire.tool_call(name, arguments, id=f"call_{at}")
        for at, (name, arguments) in enumerate(asked, 1)
    ]
    return Json(openai_wire.chat_completion(openai_wire.chat_message(None, tool_calls=wanted)))


def done(text: Any = "Sunny.") -> Json:
    """A model that has its answer."""
    return calls(("final_answer", {"answer": text}))


def says(text: str) -> Json:
    """A model that speaks."""
    return Json(openai_wire.chat_completion(openai_wire.chat_message(text)))


def writes(code: str) -> Json:
    """A model that writes code."""
    return says(f"Thought: I write code.\n{OPEN}\n{code}\n{CLOSE}")


def asked(request: Recorded) -> str:
    """All that a model is asked, as one text."""
    return json.dumps(request.json()["messages"])


def script(server: ProviderServer, *replies: Reply) -> None:
    """A model that gives one answer after the other."""
    left = list(replies)
    server.route("/chat/completions", lambda request: left.pop(0))


def weather(server: ProviderServer) -> None:
    """A model that asks the tool once, and answers then."""

    def reply(request: Recorded) -> Reply:
        if "Sunny in" in asked(request):
            return done()
        return calls(("get_weather", {"city": "Oslo"}))

    server.route("/chat/completions", reply)


def model(server: ProviderServer, **options: Any) -> Any:
    """A model at the server."""
    given = {"model_id": MODEL, "api_base": f"{server.url}/v1", "api_key": "local", **options}
    return OpenAIServerModel(**given)


def agent(server: ProviderServer, **options: Any) -> Any:
    """An agent that calls tools, with a name where it may have one."""
    return _made(ToolCallingAgent, server, options)


def coder(server: ProviderServer, **options: Any) -> Any:
    """An agent that writes code."""
    return _made(CodeAgent, server, options)


def _made(kind: Any, server: ProviderServer, options: dict[str, Any]) -> Any:
    given = {"tools": [get_weather], "model": model(server), "verbosity_level": -1, **options}
    if not NAMED:
        given = {name: given[name] for name in given.keys() - {"name", "description"}}
    return kind(**given)


def managed(who: Any, name: str, description: str) -> Any:
    """What another agent may manage."""
    if NAMED:
        who.name, who.description = name, description
        return who
    return smolagents.ManagedAgent(who, name, description)
