"""Tools of Microsoft Agent Framework: what goes in and what comes out, on its own span."""

from __future__ import annotations

from typing import Any

from opentelemetry.trace import get_current_span

from otelier import guard, natives
from otelier.frameworks.agent_framework.native import SCOPE
from otelier.hooks.calling import argument
from otelier.hooks.patching import Patches

_SEAM = "_invoke_function"


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap what runs a tool's function, with its span current."""
    tool = getattr(module, "FunctionTool", None)
    if tool is None or _SEAM not in tool.__dict__:
        raise LookupError(f"agent_framework._tools.FunctionTool.{_SEAM}")
    patches.wrap(tool, _SEAM, _run)
    return f"FunctionTool.{_SEAM}"


async def _run(wrapped: Any, tool: Any, args: Any, kwargs: Any) -> Any:
    span: Any = None
    try:
        span = natives.current(SCOPE)
        given = argument(args, kwargs, 0, "call_kwargs")
        if span is not None and type(given) is dict:
            # One of them may be the framework's own, of the run.
            told = {name: each for name, each in given.items() if not _is_frameworks(each)}
            natives.tell(span, arguments=told)
    except Exception:
        guard.failed("agent_framework.tool")
    result = await wrapped(*args, **kwargs)
    if span is not None and span is get_current_span():
        natives.tell(span, result=result)
    return result


def _is_frameworks(value: Any) -> bool:
    return type(value).__module__.startswith("agent_framework.")
