"""What CrewAI's objects say, looked at as they are stored: nothing of the program's runs."""

from __future__ import annotations

import inspect
from typing import Any, Final

from otelier import statics, wire
from otelier.frameworks import models
from otelier.semconv import Attributes
from otelier.usage import Usage

_PARAMETERS: Final = (
    ("temperature", "gen_ai.request.temperature"),
    ("top_p", "gen_ai.request.top_p"),
    ("max_tokens", "gen_ai.request.max_tokens"),
    ("frequency_penalty", "gen_ai.request.frequency_penalty"),
    ("presence_penalty", "gen_ai.request.presence_penalty"),
    ("seed", "gen_ai.request.seed"),
)


def text(value: Any, name: str) -> str | None:
    """A stored text without the space around it; None where there is none."""
    found = statics.member(value, name)
    return (found.strip() or None) if type(found) is str else None


def private(value: Any, name: str) -> Any:
    """A private attribute of one of pydantic's models, or of an object of a plain class."""
    held = statics.member(value, "__pydantic_private__")
    if type(held) is dict and name in held:
        return held[name]
    return statics.member(value, name)


def of_crewai(kind: type) -> bool:
    """Whether a class is CrewAI's own."""
    return statics.identity(kind)[0].partition(".")[0] == "crewai"


def made_in(module: Any, function: Any) -> bool:
    """Whether a function was written in this module. CrewAI overwrites the names of its modules."""
    written = getattr(inspect.unwrap(function), "__globals__", None)
    return written is module.__dict__


def model(agent: Any) -> str | None:
    """The one model that an agent uses; None where it has another for its tools.

    Nor where a provider may be in its name, as LiteLLM has it: that is no part of the model's.
    """
    if statics.member(agent, "function_calling_llm") is not None:
        return None
    name = text(statics.member(agent, "llm"), "model")
    return None if name is None or "/" in name else name


def parameters(llm: Any) -> Attributes:
    """The parameters that a model is asked with."""
    return models.parameters(llm, _PARAMETERS)


def definitions(tools: Any) -> list[dict[str, Any]]:
    """Tools as their names and descriptions."""
    found = []
    for tool in wire.items(tools):
        name = text(tool, "name")
        if name is not None:
            found.append({"name": name, "description": description(tool)})
    return found


def description(tool: Any) -> str | None:
    """What the program says of a tool, without what older versions put before it."""
    found = text(tool, "description")
    if found is None or not found.startswith("Tool Name:"):
        return found
    return found.partition("Tool Description:")[2].strip() or None


def usage(told: wire.Wire) -> Usage:
    """What a model says that a call has used."""
    return Usage(
        input=wire.first_count(told, "prompt_tokens", "input_tokens", "prompt_token_count"),
        output=wire.first_count(
            told, "completion_tokens", "output_tokens", "candidates_token_count"
        ),
        reasoning=wire.first_count(told, "reasoning_tokens"),
        cache_read=wire.first_count(told, "cached_prompt_tokens", "cached_tokens"),
    )
