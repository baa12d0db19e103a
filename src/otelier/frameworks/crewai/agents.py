"""Agents: each task that one executes, and each run of one alone, is an agent's run.

CrewAI enters the same run again where it tries again, and where one method stands for another;
that is one run.
"""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

from otelier import pipeline, semconv, statics, values
from otelier.frameworks.crewai import reading, running
from otelier.frameworks.crewai.crews import restores
from otelier.frameworks.crewai.running import AgentRun
from otelier.handle import Handle, NoHandle
from otelier.hooks.calling import argument
from otelier.hooks.patching import Patches
from otelier.hooks.stepping import around


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap what runs an agent: ``Agent``, or in a module of its own the older ``LiteAgent``."""
    owner = module.__dict__.get("Agent") or module.__dict__.get("LiteAgent")
    # In an event loop, newer versions' ``kickoff`` gives a coroutine of ``kickoff_async``.
    kickoff = _run_outside if "is_inside_event_loop" in module.__dict__ else _run
    found = []
    for method, begin in (
        ("execute_task", _task),
        ("aexecute_task", _task),
        ("kickoff", kickoff),
        ("kickoff_async", _run),
    ):
        function = owner.__dict__.get(method) if owner is not None else None
        if function is not None and not reading.made_in(module, function):
            # Newer versions only have it here as well.
            return "Agent, where it is made"
        if function is not None:
            run, arun = around(begin, _finish)
            patches.wrap(owner, method, arun if inspect.iscoroutinefunction(function) else run)
            found.append(method)
    if not found:
        raise LookupError(f"{module.__name__}.Agent.execute_task")
    return f"{owner.__name__}.{found[0]}"


def _task(agent: Any, args: Any, kwargs: Any) -> Handle | None:
    handle = _begin(agent)
    if handle is not None and handle.wants_content:
        task = argument(args, kwargs, 0, "task")
        context = argument(args, kwargs, 1, "context")
        tools = argument(args, kwargs, 2, "tools")
        asked = (reading.text(task, "description"), context if type(context) is str else None)
        handle.set_input("\n\n".join(each for each in asked if each))
        handle.set_tools(reading.definitions(tools or statics.member(agent, "tools")))
    return handle


def _run(agent: Any, args: Any, kwargs: Any) -> Handle | None:
    if restores(kwargs):
        return None
    handle = _begin(agent)
    if handle is not None and handle.wants_content:
        handle.set_input(argument(args, kwargs, 0, "messages"))
        handle.set_tools(reading.definitions(statics.member(agent, "tools")))
    return handle


def _run_outside(agent: Any, args: Any, kwargs: Any) -> Handle | None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return _run(agent, args, kwargs)
    return None


def _begin(agent: Any) -> Handle | None:
    if not running.shown() or _goes_on(agent):
        return None
    named = running.takes_content()
    step = pipeline.agent(
        _filled(agent, "role", named),
        description=_filled(agent, "goal", named),
        model=reading.model(agent),
    )
    handle = running.begin(step, AgentRun)
    if not isinstance(handle, AgentRun):
        return handle
    handle.whose = id(agent)
    identity = statics.member(agent, "id")
    if identity is not None:
        handle.set(semconv.AGENT_ID, values.words(identity))
    if handle.wants_content:
        handle.set_system(reading.text(agent, "backstory"))
    return handle


def _goes_on(agent: Any) -> bool:
    """Whether this is still the run that is there already."""
    inside = running.current()
    if inside is None:
        return False
    if inside.whose == id(agent):
        return True
    # Older versions run an agent by another object.
    scope = inside.scope
    lite = statics.name(type(agent)) == "LiteAgent"
    return lite and scope is not None and scope.name == reading.text(agent, "role")


def _filled(agent: Any, name: str, filled: bool) -> str | None:
    """The agent's role or goal; without content, as the program wrote it, not filled in."""
    written = reading.private(agent, f"_original_{name}")
    if not filled and type(written) is str:
        return written.strip() or None
    return reading.text(agent, name)


def _finish(handle: Handle | NoHandle, result: Any) -> None:
    if not handle.wants_content:
        return
    answer = result if type(result) is str else statics.member(result, "raw")
    if type(answer) is str:
        handle.set_output(answer)
    elif not statics.iterates(result):
        handle.set_result(result)
