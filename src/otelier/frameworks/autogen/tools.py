"""AutoGen's tools: what goes in and what comes out, and the context in which they run."""

from __future__ import annotations

from collections.abc import Callable
from inspect import iscoroutinefunction
from types import FunctionType, MethodType
from typing import Any

from otelier import guard, natives, statics
from otelier.frameworks.autogen.native import SCOPE
from otelier.hooks import threads
from otelier.hooks.calling import argument
from otelier.hooks.patching import Patches


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap a function tool's ``run``, which its span is around."""
    tool = getattr(module, "FunctionTool", None)
    if tool is None or "run" not in tool.__dict__:
        raise LookupError("autogen_core.tools._function_tool.FunctionTool.run")
    patches.wrap(tool, "run", _run)
    return "FunctionTool.run"


async def _run(wrapped: Any, tool: Any, args: Any, kwargs: Any) -> Any:
    span: Any = None
    try:
        span = natives.current(SCOPE)
        given = argument(args, kwargs, 0, "args")
        if span is not None:
            natives.tell(span, arguments=given)
            wrapped = _in_thread(wrapped, tool)
    except Exception:
        guard.failed("autogen.tool")
    result = await wrapped(*args, **kwargs)
    if span is not None:
        natives.tell(span, result=result)
    return result


class _Lent:
    """A tool with another function: nothing is changed on the program's own."""

    def __init__(self, tool: Any, function: Callable[..., Any]) -> None:
        self._tool = tool
        self._func = function

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tool, name)


def _in_thread(wrapped: Any, tool: Any) -> Any:
    """``run``, whose plain function has the context of its span in the thread in which it runs."""
    function = statics.storage(tool).get("_func")
    run = getattr(wrapped, "__func__", None)
    if type(function) is not FunctionType or iscoroutinefunction(function):
        return wrapped
    if type(run) is not FunctionType or "__class__" in run.__code__.co_freevars:
        return wrapped
    return MethodType(run, _Lent(tool, threads.carried(function)))
