"""Tools: where one is executed. By its own tool (``finish``) an agent of DSPy's says it is done."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FunctionType
from typing import Any, Final

from opentelemetry.context import create_key

from otelier import context as ctx
from otelier import guard, pipeline, statics, wire
from otelier.executed import Executed
from otelier.frameworks.dspy import methods, reading, running
from otelier.handle import Handle, NoHandle
from otelier.hooks.calling import argument
from otelier.hooks.patching import Patches
from otelier.hooks.stepping import around

# Where DSPy makes a tool of one of LangChain's.
_BROUGHT: Final = "dspy.utils.langchain_tool"
# The calls that a model has asked for, of which tools are executed now, one after the other.
_ASKED: Final = create_key("otelier-dspy-asked")


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap what executes a tool; what a module only imports is patched where it is made."""
    owner = module.__dict__.get("Tool")
    if owner is None or "__call__" not in owner.__dict__:
        raise LookupError(f"{module.__name__}.Tool.__call__")
    if statics.identity(owner)[0] != module.__name__:
        return "Tool, where it is made"
    run, arun = around(_begin, _finish)
    for method in ("__call__", "acall"):
        if method in owner.__dict__:
            methods.replace(patches, owner, method, run, arun)
    call = statics.on_class(module.__dict__.get("ToolCalls", object), "ToolCall")
    if issubclass(type(call), type) and "execute" in call.__dict__:
        patches.wrap(call, "execute", _executed)
    return "Tool.__call__"


def _begin(tool: Any, args: Any, kwargs: Any) -> Handle | None:
    if reading.of_an_agent(tool) or not running.shown():
        return None
    function = statics.member(tool, "func")
    name = reading.text(tool, "name") or ""
    return _step(name, reading.text(tool, "desc"), _taken(name), kwargs, function)


def _step(
    name: str, description: str | None, call_id: str | None, arguments: Any, function: Any
) -> Handle | None:
    step = pipeline.tool(
        name, description=description, call_id=call_id, arguments=arguments or None
    )
    # A program that a tool runs is one of its own.
    handle = running.begin(step, Executed, program=False)
    if isinstance(handle, Executed):
        handle.function = function
        if type(function) is FunctionType:
            handle.brings = function.__module__ == _BROUGHT
    return handle


def _executed(wrapped: Callable[..., Any], call: Any, args: Any, kwargs: Any) -> Any:
    """DSPy looks for functions where it is called from, which is not to be a frame of ours."""
    try:
        if argument(args, kwargs, 0, "functions") is None:
            args, kwargs = (), {"functions": _from(sys._getframe(1), reading.text(call, "name"))}
    except Exception:
        guard.failed("dspy.functions")
    return _execution(wrapped, call, args, kwargs)


def _from(frame: Any, name: str | None) -> dict[str, Any]:
    """The function of this name, as DSPy looks for it."""
    while frame.f_globals.get("__name__", "").startswith("wrapt."):
        frame = frame.f_back
    found = frame.f_locals.get(name) or frame.f_globals.get(name)
    return {} if found is None or name is None else {name: found}


def _execute(call: Any, args: Any, kwargs: Any) -> Handle | None:
    """The program executes a call of a model's: of a tool, or of a function that is one."""
    name = reading.text(call, "name")
    if name is None or not running.shown():
        return None
    known = argument(args, kwargs, 0, "functions")
    tool = known.get(name) if type(known) is dict else None
    for each in wire.items(known) if type(known) is list else ():
        if reading.text(each, "name") == name:
            return _step_of(call, name, each)
    if tool is not None and reading.nearest(type(tool))[1] == "Tool":
        # It is called, and has its step there.
        return None
    return _step(name, None, reading.text(call, "id"), statics.member(call, "args"), tool)


def _step_of(call: Any, name: str, tool: Any) -> Handle | None:
    function = statics.member(tool, "func")
    arguments = statics.member(call, "args")
    return _step(name, reading.text(tool, "desc"), reading.text(call, "id"), arguments, function)


def _inside(error: BaseException) -> BaseException:
    """What the tool has raised, of what DSPy raises in its place."""
    return error.__cause__ or error


def _finish(handle: Handle | NoHandle, result: Any) -> None:
    told = isinstance(handle, Executed) and handle.told
    if result is not None and not told and handle.wants_content and not statics.iterates(result):
        handle.set_result(result)


_execution: Final = around(_execute, _finish, _inside)[0]


def _taken(name: str) -> str | None:
    """The id of the call of this tool that is next."""
    here = ctx.current()
    held: Any = here.get(_ASKED)
    if type(held) is not tuple or here.get(ctx.STEP) is not held[0]:
        # Nobody has asked, or the tool of an agent in another one's tool.
        return None
    asked = held[1]
    for position, (wanted, call_id) in enumerate(asked):
        if wanted == name:
            del asked[: position + 1]
            return call_id if type(call_id) is str else None
    return None


def _noted(args: Any, kwargs: Any) -> Any:
    """The calls that are executed now are noted; gives what takes that back."""
    try:
        calls = wire.items(statics.member(argument(args, kwargs, 0, "tool_calls"), "tool_calls"))
        asked = [(reading.text(call, "name"), reading.text(call, "id")) for call in calls]
        here = ctx.current()
        return ctx.attach(ctx.with_value(here, _ASKED, (here.get(ctx.STEP), asked)))
    except Exception:
        guard.failed("dspy.calls")
        return None


def noting(wrapped: Callable[..., Any], agent: Any, args: Any, kwargs: Any) -> Any:
    """Around the part of an agent that executes what a model has asked for."""
    token = _noted(args, kwargs)
    try:
        return wrapped(*args, **kwargs)
    finally:
        if token is not None:
            ctx.detach(token)


async def anoting(wrapped: Callable[..., Any], agent: Any, args: Any, kwargs: Any) -> Any:
    """The same, asynchronous."""
    token = _noted(args, kwargs)
    try:
        return await wrapped(*args, **kwargs)
    finally:
        if token is not None:
            ctx.detach(token)
