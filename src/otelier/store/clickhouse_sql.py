"""SQL with ``:name`` as ClickHouse wants it: ``{name:Type}``, with values that the server reads.

Nothing that was given becomes part of the SQL's text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from otelier.store import rows
from otelier.store.engine import Parameter, StoreError
from otelier.store.otlp import INT64

# In the order in which ClickHouse's lexer has them: what may hold a colon that names nothing
# (texts, quoted names, comments, heredocs, its own parameters, casts), and what names a parameter.
_TOKENS: Final = re.compile(
    r"""
      '(?:[^'\\]|\\.|'')*'
    | "(?:[^"\\]|\\.|"")*"
    | `(?:[^`\\]|\\.|``)*`
    | --[^\n]*
    | \#[!\ ][^\n]*
    | /\*.*?\*/
    | \$(?P<tag>\w*)\$.*?\$(?P=tag)\$
    | \{\s*\w+\s*:[^{}]*\}
    | ::
    | (?<!\w):(?P<name>[A-Za-z_]\w*)
    """,
    re.DOTALL | re.VERBOSE,
)


def bound(sql: str, given: Mapping[str, Parameter]) -> tuple[str, dict[str, str]]:
    """The SQL with its parameters typed, and their values as texts; only those that it names.

    Raises StoreError for a value that ClickHouse has no type for.
    """
    used: dict[str, str] = {}

    def typed(found: re.Match[str]) -> str:
        name = found["name"]
        if name is None or name not in given:
            return found[0]
        value = given[name]
        if value is None:
            return "NULL"
        kind, used[name] = _typed(name, value)
        return f"{{{name}:{kind}}}"

    # The client writes behind it.
    return _TOKENS.sub(typed, encodable(sql)).rstrip("; \t\r\n"), used


def encodable(text: str) -> str:
    """A text without what no UTF-8 has, and so no store."""
    return text.encode("utf-8", "replace").decode()


def _typed(name: str, value: str | int | float | datetime) -> tuple[str, str]:
    if isinstance(value, str):
        return "String", encodable(value)
    if isinstance(value, datetime):
        return "DateTime64(9, 'UTC')", rows.of(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            return "Float64", "nan" if math.isnan(value) else f"{value:+}"
        return "Float64", repr(value)
    if value not in INT64:
        raise StoreError(f"{name} is too large a number")
    return "Int64", str(int(value))
