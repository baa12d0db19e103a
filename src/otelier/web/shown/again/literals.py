"""JSON data as literals of Python, over several lines where they are long.

Every text is written by ``repr``, so none of it can end the literal that it is in.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from typing import Any, Final

from otelier import truncation
from otelier.web.shown.again.depth import deeper

_WIDTH: Final = 92
_STEP: Final = "    "
# Python's parser follows literals in literals for so long.
_DEEPEST: Final = 32


def literal(value: Any, indent: str = "") -> str:
    """The value as an expression; what is nested too deeply for Python is read from JSON."""
    if not deeper(value, _DEEPEST):
        return _literal(value, indent, 0)
    return f"json.loads({json.dumps(value, ensure_ascii=False)!r})"


def _literal(value: Any, indent: str, taken: int) -> str:
    if not truncation.exceeds(value, _WIDTH):
        flat = repr(value)
        if len(indent) + taken + len(flat) <= _WIDTH:
            return flat
    kind, inner = type(value), indent + _STEP
    if kind is dict and value:
        named = ((f"{name!r}: ", each) for name, each in value.items())
        members = (name + _literal(each, inner, len(name)) + "," for name, each in named)
        return _over_lines("{", members, "}", indent)
    if kind is list and value:
        return _over_lines("[", (f"{_literal(each, inner, 0)}," for each in value), "]", indent)
    if kind is bytes:
        return f"base64.b64decode({base64.b64encode(value).decode()!r})"
    if kind is str:
        lines = value.splitlines(keepends=True)
        if len(lines) > 1:
            return _over_lines("(", map(repr, lines), ")", indent)
    return repr(value)


def _over_lines(opened: str, members: Iterable[str], closed: str, indent: str) -> str:
    inner = indent + _STEP
    return "\n".join([opened, *(inner + member for member in members), indent + closed])
