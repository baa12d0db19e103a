"""Content of spans as texts whose lines can be compared."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from otelier import wire
from otelier.viewer.messages import described
from otelier.web.shown import values

# Characters of JSON that is written in lines.
_JSON: Final = 200_000
# Members of a part that may have a structure.
_STRUCTURES: Final = (
    "arguments",
    "response",
    "result",
    "server_tool_call",
    "server_tool_call_response",
)


def in_lines(value: Any) -> str:
    """A value: a text as it is, JSON with a line for each member."""
    if isinstance(value, str):
        return value
    text = wire.dumps(value).decode("utf-8", "replace")
    if len(text) > _JSON:
        return text
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


def parts(told: Any) -> str:
    """What parts of a message say, one below the other."""
    listed = told if isinstance(told, list | tuple) else [told]
    return "\n".join(_part(each) for each in listed)


def _part(part: Any) -> str:
    if not isinstance(part, Mapping):
        return in_lines(part)
    for name in _STRUCTURES:
        value = part.get(name)
        value = values.read(value) if isinstance(value, str) else value
        if isinstance(value, Mapping | list):
            head = [part.get(each) for each in ("type", "name", "id")]
            words = [each for each in head if isinstance(each, str)]
            return f"{' '.join(words)}\n{in_lines(value)}"
    return described(part)


def message(told: Any) -> str:
    """A message, without who says it."""
    if not isinstance(told, Mapping):
        return in_lines(told)
    rest = {key: value for key, value in told.items() if key not in ("role", "parts")}
    finish = rest.pop("finish_reason", None)
    said = [parts(told.get("parts"))]
    said += [f"finish: {finish}"] if finish is not None else []
    said += [in_lines(rest)] if rest else []
    return "\n".join(said)
