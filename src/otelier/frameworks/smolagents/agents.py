"""Agents: each run is one, streamed or not; one that another manages is a tool to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from otelier import pipeline
from otelier.executed import Executed
from otelier.frameworks import steps
from otelier.frameworks.smolagents import calls, reading, running
from otelier.frameworks.smolagents.running import AgentRun
from otelier.frameworks.smolagents.tools import blame
from otelier.handle import Handle, NoHandle
from otelier.hooks.calling import argument
from otelier.hooks.patching import Patches
from otelier.hooks.stepping import around
from otelier.returned import Hear


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap what runs an agent, what calls one that is managed, and steps inside."""
    owner = module.__dict__.get("MultiStepAgent")
    if owner is None or "run" not in owner.__dict__:
        raise LookupError(f"{module.__name__}.MultiStepAgent.run")
    streamed = around(_begin, _finish, lasts=True, hearing=_hearing)[0]
    whole = around(_begin, _finish)[0]

    def run(wrapped: Callable[..., Any], agent: Any, args: Any, kwargs: Any) -> Any:
        stream = argument(args, kwargs, 1, "stream")
        # A generator that is an agent's answer is none of its steps.
        wrapper = whole if stream is None or stream is False else streamed
        return wrapper(wrapped, agent, args, kwargs)

    patches.wrap(owner, "run", run)
    # Before 1.8 a class of its own stood for an agent that is managed.
    for kind in (owner, module.__dict__.get("ManagedAgent")):
        if kind is not None and "__call__" in kind.__dict__:
            patches.wrap(kind, "__call__", around(_call, _answered, blame)[0])
    for name, method in (
        ("ToolCallingAgent", "_step_stream"),
        ("CodeAgent", "_step_stream"),
        ("ToolCallingAgent", "step"),
        ("CodeAgent", "step"),
    ):
        kind = module.__dict__.get(name)
        if kind is not None and method in kind.__dict__:
            patches.wrap(kind, method, around(_step, _nothing, lasts=True)[0])
    for method in ("_generate_planning_step", "planning_step"):
        if method in owner.__dict__:
            patches.wrap(owner, method, around(_plan, _nothing, lasts=True)[0])
    return "MultiStepAgent.run"


def _begin(agent: Any, args: Any, kwargs: Any) -> Handle | None:
    if not running.shown():
        return None
    step = pipeline.agent(
        reading.text(agent, "name"),
        description=reading.text(agent, "description"),
        model=reading.model(agent),
    )
    handle = steps.begin(step, made=AgentRun)
    if handle is not None and handle.wants_content:
        handle.set_input(argument(args, kwargs, 0, "task"))
        handle.set_system(reading.instructions(agent))
        handle.set_tools(reading.offered(agent))
    return handle


def _finish(handle: Handle | NoHandle, result: Any) -> None:
    if isinstance(handle, Handle):
        running.answer(handle, result)


def _hearing(handle: Handle | NoHandle) -> Hear:
    return handle.keep if isinstance(handle, AgentRun) else None


def _call(agent: Any, args: Any, kwargs: Any) -> Handle | None:
    """What an agent asks one that it manages, which has a name, as it asks a tool."""
    name = reading.text(agent, "name")
    if name is None or not running.shown():
        return None
    given = {**dict(zip(("task",), args, strict=False)), **kwargs}
    step = pipeline.tool(
        name,
        description=reading.text(agent, "description"),
        call_id=calls.calling.taken(),
        arguments=given,
    )
    return steps.begin(step, made=Executed)


def _answered(handle: Handle | NoHandle, result: Any) -> None:
    if handle.wants_content:
        handle.set_result(reading.plain(result))


def _step(agent: Any, args: Any, kwargs: Any) -> Handle | None:
    run = running.current()
    if run is not None:
        given = argument(args, kwargs, 0, "memory_step")
        run.step = kwargs.get("log_entry") if given is None else given
    return _inner("step")


def _plan(agent: Any, args: Any, kwargs: Any) -> Handle | None:
    return _inner("planning")


def _inner(name: str) -> Handle | None:
    return steps.begin(pipeline.step(name), made=running.Told) if running.inner() else None


def _nothing(handle: Handle | NoHandle, result: Any) -> None:
    pass
