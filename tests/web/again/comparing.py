"""How two requests differ, but for what means the same to the provider."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

_CAPITAL = re.compile("([A-Z])")


def plain(body: Any) -> Any:
    """A request's JSON with one spelling of what has several.

    A text and a list with this text alone are one, as are null and nothing, and JSON of any spacing
    in a text. Gemini takes both spellings of names, schemas under both names, with types in letters
    of any size, and functions in one tool or several.
    """
    if isinstance(body, list):
        return [plain(each) for each in body]
    if not isinstance(body, dict):
        return body
    found = {snake(name): _member(name, each) for name, each in body.items() if each is not None}
    if found.get("type") == "message":
        del found["type"]
    return found


def snake(name: str) -> str:
    """A name in small letters."""
    return _CAPITAL.sub(r"_\1", name).lower()


def _member(name: str, value: Any) -> Any:
    if name == "arguments":
        return json.loads(value)
    if name in ("content", "system", "output") and isinstance(value, list) and len(value) == 1:
        (only,) = value
        if isinstance(only, dict) and only.keys() == {"type", "text"}:
            return only["text"]
    if name == "tools" and any(_FUNCTIONS in plain(each) for each in value):
        return _tools([plain(each) for each in value])
    return plain(value)


_FUNCTIONS = "function_declarations"


def _tools(tools: list[Any]) -> list[Any]:
    declared = [_declared(each) for tool in tools for each in tool.get(_FUNCTIONS, ())]
    return [{_FUNCTIONS: declared}, *(tool for tool in tools if _FUNCTIONS not in tool)]


def _declared(function: dict[str, Any]) -> dict[str, Any]:
    schema = function.pop("parameters", None) or function.pop("parameters_json_schema", None)
    text = json.dumps(schema).replace("OBJECT", "object").replace("STRING", "string")
    return {**function, "schema": json.loads(text)}


def differences(one: Any, other: Any) -> set[str]:
    """The names of the members in which two requests differ."""
    return set(_differences(plain(_asked(one)), plain(_asked(other)), ""))


def _asked(body: dict[str, Any]) -> dict[str, Any]:
    question = body.get("input")
    if "instructions" not in body or not isinstance(question, str):
        return body
    return {**body, "input": [{"role": "user", "content": question}]}


def _differences(one: Any, other: Any, name: str) -> Iterator[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        for each in one.keys() | other.keys():
            if each in one and each in other:
                yield from _differences(one[each], other[each], each)
            else:
                yield each
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for first, second in zip(one, other, strict=True):
            yield from _differences(first, second, name)
    elif one != other:
        yield name
