"""What Agno's objects say, looked at as they are stored: nothing of the program's runs."""

from __future__ import annotations

from types import FunctionType
from typing import Any, Final

from otelier import statics, wire
from otelier.frameworks import steps
from otelier.hooks import foreign

NAME: Final = "agno"
# What other instrumentations wrap: module, class, method.
_SEAMS: Final = (
    ("agno.agent.agent", "Agent", "run"),
    ("agno.agent", "_run", "_run"),
    ("agno.team.team", "Team", "run"),
    ("agno.team", "_run", "_run"),
    ("agno.tools.function", "FunctionCall", "execute"),
)


def text(value: Any, name: str) -> str | None:
    """A stored text; None where there is none."""
    return told(statics.member(value, name))


def told(value: Any) -> str | None:
    """A text that says something."""
    return value if type(value) is str and value else None


def shown() -> bool:
    """Whether Agno's steps are ours to show."""
    return steps.shown(NAME, lambda: foreign.wrappers(_SEAMS))


def instructions(agent: Any) -> str | None:
    """What an agent is to do, as far as the program has written it down."""
    given = statics.member(agent, "instructions")
    lines = [given] if type(given) is str else wire.items(given)
    said = (text(agent, "system_message"), text(agent, "description"), *lines)
    return "\n".join(each for each in said if type(each) is str and each) or None


def definitions(tools: Any) -> list[dict[str, Any]]:
    """Tools as their names and descriptions: functions, Agno's own kinds and sets of these."""
    found = []
    for tool in wire.items(tools):
        if type(tool) is FunctionType:
            found.append({"name": tool.__name__, "description": tool.__doc__})
            continue
        several = statics.member(tool, "functions")
        for each in several.values() if issubclass(type(several), dict) else (tool,):
            name = text(each, "name")
            if name is not None:
                found.append({"name": name, "description": text(each, "description")})
    return found
