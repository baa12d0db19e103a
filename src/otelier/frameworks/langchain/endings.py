"""How a run of LangChain's or LangGraph's ended."""

from __future__ import annotations

from typing import Final

from otelier import leaving, statics
from otelier.handle import Handle

# How LangGraph stops a graph to ask somebody, or to go on in another one. Names of all versions.
_CONTROL: Final = frozenset({"GraphBubbleUp", "GraphInterrupt", "NodeInterrupt", "ParentCommand"})


def control(error: BaseException) -> bool:
    """Whether an exception is LangGraph's way to go on elsewhere, or later."""
    for base in statics.bases(type(error)):
        module, name = statics.identity(base)
        if module == "langgraph.errors" and name in _CONTROL:
            return True
    return False


def end(handle: Handle, error: BaseException | None) -> None:
    """End a step by what its run ended with."""
    if error is None or control(error):
        handle.end()
    elif leaving.how(error) is None and leaving.a_cancellation(error):
        # LangGraph tells it from a task of its own, which nobody has cancelled.
        handle.left(leaving.CANCELLED)
    else:
        handle.end(error)
