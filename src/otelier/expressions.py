"""Regular expressions that are compiled when they are first used.

Compiling all of otelier's took longer than the rest of its start, and most programs need few.
"""

from __future__ import annotations

import re
from typing import Any, AnyStr, Final, cast

_METHODS: Final = (
    "findall",
    "finditer",
    "fullmatch",
    "match",
    "search",
    "split",
    "sub",
    "subn",
)


class _Later:
    """As a compiled expression, whose methods it has once one of them is asked for."""

    __slots__ = ("_flags", "_pattern", *_METHODS)

    def __init__(self, pattern: Any, flags: int) -> None:
        self._pattern = pattern
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        # Only what no slot has yet comes here. Two threads may both do it, to the same end.
        compiled = re.compile(self._pattern, self._flags)
        for method in _METHODS:
            setattr(self, method, getattr(compiled, method))
        return getattr(compiled, name)


def later(pattern: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """What ``re.compile`` gives, of an expression that is known to be one."""
    return cast("re.Pattern[AnyStr]", _Later(pattern, flags))
