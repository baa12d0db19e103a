"""What the programs of DSPy's tests have in common: agents, and what plays their model."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import Any

import dspy

from tests.servers import Json, ProviderServer, Recorded, Reply, openai_wire

VERSION = tuple(int(part) for part in version("dspy").split(".")[:2])
MODEL = "gpt-4o-mini"


def fields(**values: Any) -> str:
    """An answer in the words that DSPy asks for."""
    shown = (
        f"[[ ## {name} ## ]]\n{value if isinstance(value, str) else json.dumps(value)}\n"
        for name, value in values.items()
    )
    return "\n".join((*shown, "[[ ## completed ## ]]"))


def says(**values: Any) -> Json:
    """A model that answers with these fields."""
    return Json(openai_wire.chat_completion(openai_wire.chat_message(fields(**values))))


def thinks(name: str, arguments: dict[str, Any] | None = None) -> Json:
    """A model that wants this tool."""
    return says(next_thought="Hm.", next_tool_name=name, next_tool_args=arguments or {})


def asked(request: Recorded) -> str:
    """All that a model is asked, as one text."""
    return str(request.json()["messages"])


def lm(server: ProviderServer, **options: Any) -> Any:
    """A model at the server."""
    given = {"cache": False, "api_key": "local", "num_retries": 0, **options}
    return dspy.LM(f"openai/{MODEL}", api_base=f"{server.url}/v1", **given)


def get_weather(city: str) -> str:
    """The weather of a city."""
    return f"Sunny in {city}"


def weather(server: ProviderServer, name: str = "get_weather") -> None:
    """A model that asks the tool once, is done then, and tells."""

    def reply(request: Recorded) -> Reply:
        said = asked(request)
        if "next_tool_name" not in said:
            return says(reasoning="It said so.", answer="Sunny.")
        return thinks("finish") if "Sunny in" in said else thinks(name, {"city": "Oslo"})

    server.route("/chat/completions", reply)
