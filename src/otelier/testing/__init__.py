"""Tests of programs that call models: what they called, with what, and what it cost.

The fixture ``traces`` comes with otelier; :func:`traces` is the same without pytest. Both record in
memory, whatever the program does with its telemetry, and leave everything as it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from otelier.testing.recorded import Traces, traces
    from otelier.testing.records import Agent, Call, Retrieval, Tool, ToolCall
    from otelier.viewer.facts import Tokens

__all__ = ["Agent", "Call", "Retrieval", "Tokens", "Tool", "ToolCall", "Traces", "traces"]

# Where each name is: a suite that does not use them pays nothing. No module is called like one.
_HOMES: Final = {
    "Agent": "testing.records",
    "Call": "testing.records",
    "Retrieval": "testing.records",
    "Tokens": "viewer.facts",
    "Tool": "testing.records",
    "ToolCall": "testing.records",
    "Traces": "testing.recorded",
    "traces": "testing.recorded",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from otelier import loading

    found = globals()[name] = getattr(loading.module(home), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
