"""AutoGen's tools: what goes in and what comes out, and the context in which they run."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from otelier import context as ctx
from otelier import guard, natives
from otelier.frameworks.autogen.native import SCOPE
from otelier.hooks.patching import Patches


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap a function tool's ``run``, which its span is around."""
    tool = getattr(module, "FunctionTool", None)
    if tool is None or "run" not in tool.__dict__:
        raise LookupError("autogen_core.tools._function_tool.FunctionTool.run")
    patches.wrap(tool, "run", _run)
    if getattr(module, "functools", None) is functools:
        # A plain function runs in a thread that has no context.
        patches.replace(module, "functools", _Functools())
    return "FunctionTool.run"


class _Functools:
    """The module, as ``FunctionTool.run`` uses it: a partial function takes the context along."""

    def partial(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """A partial function."""
        if natives.current(SCOPE) is not None:
            function = _within(function, ctx.current())
        return functools.partial(function, *args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(functools, name)


def _within(function: Callable[..., Any], held: Any) -> Callable[..., Any]:
    def run(*args: Any, **kwargs: Any) -> Any:
        token = ctx.attach(held)
        try:
            return function(*args, **kwargs)
        finally:
            ctx.detach(token)

    return run


async def _run(wrapped: Any, tool: Any, args: Any, kwargs: Any) -> Any:
    span: Any = None
    try:
        span = natives.current(SCOPE)
        given = args[0] if args else kwargs.get("args")
        if span is not None:
            natives.tell(span, arguments=given)
    except Exception:
        guard.failed("autogen.tool")
    result = await wrapped(*args, **kwargs)
    if span is not None:
        natives.tell(span, result=result)
    return result
