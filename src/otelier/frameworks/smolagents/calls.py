"""The ids of a model's calls of tools, which smolagents does not hand to the tools."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from otelier import guard, statics, wire
from otelier.frameworks.smolagents import reading, running
from otelier.frameworks.smolagents.running import AgentRun
from otelier.frameworks.steps import NextCall
from otelier.hooks.calling import argument
from otelier.hooks.patching import Patches

calling: Final = NextCall("otelier-smolagents-call")


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap what knows the calls, and what executes one of them."""
    found = []
    for owner in (module.__dict__.get(name) for name in ("MultiStepAgent", "ToolCallingAgent")):
        held = owner.__dict__ if owner is not None else {}
        for method, wrapper in (
            ("execute_tool_call", _execute),
            # Since 1.18; before, a step has one call and tells it.
            ("process_tool_calls", _told),
        ):
            if method in held:
                patches.wrap(owner, method, wrapper)
                found.append(method)
    if "execute_tool_call" not in found:
        raise LookupError(f"{module.__name__}.ToolCallingAgent.execute_tool_call")
    return ", ".join(found)


def _told(wrapped: Callable[..., Any], agent: Any, args: Any, kwargs: Any) -> Any:
    try:
        run = running.current()
        if run is not None:
            said = statics.member(argument(args, kwargs, 0, "chat_message"), "tool_calls")
            run.calls = list(_known(said))
    except Exception:
        guard.failed("smolagents.calls")
    return wrapped(*args, **kwargs)


def _known(calls: Any) -> Any:
    for call in wire.items(calls):
        name = reading.text(call, "id")
        function = statics.member(call, "function")
        if name is not None:
            held = statics.member(function, "arguments")
            yield reading.text(function, "name"), id(held), name


def _execute(wrapped: Callable[..., Any], agent: Any, args: Any, kwargs: Any) -> Any:
    token = None
    try:
        run = running.current()
        if run is not None:
            name = _find(
                run, argument(args, kwargs, 0, "tool_name"), argument(args, kwargs, 1, "arguments")
            )
            token = calling.note(name)
    except Exception:
        guard.failed("smolagents.call")
    try:
        return wrapped(*args, **kwargs)
    finally:
        if token is not None:
            calling.forget(token)


def _find(run: AgentRun, tool: Any, arguments: Any) -> str | None:
    """The id of a call: the one with these very arguments, or the next one of this tool."""
    of_tool = [each for each in run.calls if each[0] == tool]
    of_tool.sort(key=lambda call: call[1] != id(arguments))
    for call in of_tool:
        try:
            run.calls.remove(call)
        except ValueError:  # Another thread has it.
            continue
        return call[2]
    told = wire.items(statics.member(run.step, "tool_calls"))
    return reading.text(told[-1], "id") if told else None
