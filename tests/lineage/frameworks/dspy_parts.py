"""What the programs of DSPy's tests have in common: agents, and what plays their model."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import dspy

from tests.lineage.frameworks.drawing import tree
from tests.servers import Gate, Json, ProviderServer, Recorded, Reply, Sse, openai_wire

VERSION = tuple(int(part) for part in version("dspy").split(".")[:2])
MODEL = "gpt-4o-mini"
# Before, there is no asynchronous way through a program.
ASYNC = hasattr(dspy.Module, "acall")
# Its own client; before, and where it cannot ask, LiteLLM.
NATIVE = VERSION >= (3, 4)
ONE = tree(
    f"""
    invoke_agent
      chat {MODEL}
      execute_tool get_weather
      chat {MODEL}
      chat {MODEL}
    """
)


def fields(**values: Any) -> str:
    """An answer in the words that DSPy asks for."""
    shown = (
        f"[[ ## {name} ## ]]\n{value if isinstance(value, str) else json.dumps(value)}\n"
        for name, value in values.items()
    )
    return "\n".join((*shown, "[[ ## completed ## ]]"))


def answers(request: Recorded, gate: Gate | None = None, **values: Any) -> Reply:
    """A model that answers with these fields, in the way that it is asked to."""
    message = openai_wire.chat_message(fields(**values))
    if request.json().get("stream"):
        return Sse(openai_wire.chat_chunks(message, include_usage=True, pieces=9), gate=gate)
    return Json(openai_wire.chat_completion(message))


def asked(request: Recorded) -> str:
    """All that a model is asked, as one text."""
    return str(request.json()["messages"])


def decides(request: Recorded) -> bool:
    """Whether an agent's model is asked which tool it wants."""
    return "next_tool_name" in str(request.json()["messages"][0])


def lm(server: ProviderServer, **options: Any) -> Any:
    """A model at the server."""
    given = {"cache": False, "api_key": "local", "num_retries": 0, **options}
    return dspy.LM(f"openai/{MODEL}", api_base=f"{server.url}/v1", **given)


def get_weather(city: str) -> str:
    """The weather of a city."""
    return f"Sunny in {city}"


def agent(*tools: Callable[..., Any]) -> Any:
    """An agent with the tool, if no other is said."""
    return dspy.ReAct("question -> answer", tools=list(tools) or [get_weather])


def weather(server: ProviderServer, gate: Gate | None = None) -> None:
    """A model that asks the tool once, is done then, and tells; to all else it says yes."""

    def reply(request: Recorded) -> Reply:
        if decides(request):
            done = "observation_0" in asked(request)
            name, arguments = ("finish", {}) if done else ("get_weather", {"city": "Oslo"})
            thought: dict[str, Any] = {"next_tool_name": name, "next_tool_args": arguments}
            return answers(request, gate, next_thought="Hm.", **thought)
        return answers(request, gate, reasoning="It said so.", answer="Sunny.")

    server.route("/chat/completions", reply)


def indented(drawn: str, by: int = 2) -> str:
    """A tree, below something."""
    return "\n".join(" " * by + line for line in drawn.splitlines())
