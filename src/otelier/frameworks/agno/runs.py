"""Runs of agents, of teams, which are agents with agents as their tools, and of workflows."""

from __future__ import annotations

import inspect
from functools import partial
from typing import Any, Final
from weakref import ref

from otelier import pipeline, statics
from otelier.declared import Step
from otelier.frameworks import steps
from otelier.frameworks.agno import reading, sessions
from otelier.frameworks.agno.events import KINDS, Events, Run, ended
from otelier.handle import Handle, NoHandle
from otelier.hooks.calling import argument
from otelier.hooks.patching import Patches
from otelier.hooks.stepping import around
from otelier.returned import Hear

_METHODS: Final = ("run", "arun", "continue_run", "acontinue_run")
# Where the results of runs are from.
_RUNS: Final = "agno.run."


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap what runs the class of this module, and what finds out whose conversation it is."""
    for owner, events in KINDS.items():
        kind = module.__dict__.get(owner)
        # The modules of the others have it, too.
        if kind is None or kind.__module__ != module.__name__ or "run" not in kind.__dict__:
            continue
        begin = partial(_workflow if owner == "Workflow" else _agent, events)
        run, arun = around(begin, _finish, lasts=True, hearing=_hearing)
        for method in _METHODS:
            function = kind.__dict__.get(method)
            if function is not None:
                patches.wrap(kind, method, arun if inspect.iscoroutinefunction(function) else run)
        sessions.found(kind, patches)
        return f"{owner}.run"
    raise LookupError(f"{module.__name__}.run")


def _agent(events: Events, agent: Any, args: Any, kwargs: Any) -> Handle | None:
    step = pipeline.agent(reading.text(agent, "name"), description=reading.text(agent, "role"))
    handle = _begin(step, events, agent, args, kwargs)
    if handle is not None and handle.wants_content:
        handle.set_system(reading.instructions(agent))
        handle.set_tools(reading.definitions(statics.member(agent, "tools")))
    return handle


def _workflow(events: Events, workflow: Any, args: Any, kwargs: Any) -> Handle | None:
    step = pipeline.workflow(reading.text(workflow, "name"))
    return _begin(step, events, workflow, args, kwargs)


def _begin(step: Step, events: Events, owner: Any, args: Any, kwargs: Any) -> Handle | None:
    if not reading.shown():
        return None
    asked = argument(args, kwargs, 0, "input")
    # A run that goes on is given what it has been, which is no question.
    before = kwargs.get("run_response")
    if statics.identity(type(asked))[0].startswith(_RUNS):
        before, asked = asked, None
    handle = steps.begin(
        step,
        made=Run,
        conversation_id=_told(kwargs, before, "session_id"),
        user_id=_told(kwargs, before, "user_id"),
    )
    if isinstance(handle, Run):
        handle.whose, handle.kind, handle.done = ref(owner), events, None
        if asked is not None and handle.wants_content:
            handle.set_input(asked)
    return handle


def _told(kwargs: Any, before: Any, name: str) -> str | None:
    """Whose it is, where that is known already; else Agno finds it out."""
    given = reading.told(kwargs.get(name))
    return reading.text(before, name) if given is None and before is not None else given


def _hearing(handle: Handle | NoHandle) -> Hear:
    return handle.hearing() if isinstance(handle, Run) else None


def _finish(handle: Handle | NoHandle, result: Any) -> None:
    if not isinstance(handle, Run) or not ended(handle, result):
        return
    answer = statics.storage(result).get("content")
    if answer is not None and handle.wants_content and not statics.iterates(answer):
        handle.set_output(answer)
