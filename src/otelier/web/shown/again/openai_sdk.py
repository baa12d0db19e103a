"""What the formats of OpenAI's dialect have in common."""

from __future__ import annotations

from typing import Any, Final

from otelier.web.shown.again.made import Again, Program

_OWN: Final = "https://api.openai.com/v1"
_DESCRIBING: Final = ("name", "description", "parameters")


def described(tool: dict[str, Any]) -> dict[str, Any]:
    """What is recorded of a tool beside its type."""
    return {name: tool[name] for name in _DESCRIBING if name in tool}


def program(again: Again, call: str, extra: frozenset[str] = frozenset()) -> Program:
    """A call by the SDK ``openai``; ``extra`` are members of the body that it has no name for."""
    options = {} if again.base_url == _OWN else {"base_url": again.base_url}
    arguments = {name: value for name, value in again.body.items() if name not in extra}
    more = {name: value for name, value in again.body.items() if name in extra}
    if more:
        arguments["extra_body"] = more
    return Program("from openai import OpenAI", "OpenAI", options, call, arguments)
