"""How all of CrewAI's steps begin: unless somebody else shows them already."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from otelier import context as ctx
from otelier import runtime, statics
from otelier.declared import Step
from otelier.frameworks import steps
from otelier.handle import Handle
from otelier.hooks import foreign

NAME: Final = "crewai"
# What other instrumentations wrap: module, class, method.
_SEAMS: Final = (
    ("crewai.crew", "Crew", "kickoff"),
    ("crewai.crew", "Crew", "akickoff"),
    ("crewai.agent.core", "Agent", "execute_task"),
    ("crewai.agent", "Agent", "execute_task"),
    ("crewai.task", "Task", "_execute_core"),
    ("crewai.task", "Task", "execute_sync"),
    ("crewai.tools.tool_usage", "ToolUsage", "_use"),
    ("crewai.tools.base_tool", "BaseTool", "run"),
)


class AgentRun(Handle):
    """An agent's run. CrewAI enters it again where it tries again, or by another of its names."""

    __slots__ = ("told", "whose")

    # The agent that runs, by its identity: a handle keeps none alive.
    whose: int
    # Whether the tools are told as the model has them.
    told: bool


def begin(
    step: Step, made: type[Handle] = Handle, conversation_id: str | None = None
) -> Handle | None:
    """Begin a step here; None where nothing is to be seen."""
    return steps.begin(step, made=made, conversation_id=conversation_id)


def shown() -> bool:
    """Whether CrewAI's steps are ours to show."""
    return steps.shown(NAME, _wrappers)


def current() -> AgentRun | None:
    """The agent's run in which this runs, if nothing is between."""
    around = ctx.current().get(ctx.STEP)
    return around if type(around) is AgentRun and not around.ended else None


def takes_content() -> bool:
    """Whether content may be in spans that begin here."""
    run = runtime.current()
    return run is not None and run.captures(ctx.current()).spans


def inner() -> bool:
    """Whether inner steps are to be seen."""
    return steps.inner_steps() and shown()


def _wrappers() -> Iterator[Any]:
    yield from foreign.wrappers(_SEAMS)
    # Others listen on CrewAI's bus.
    bus = statics.loaded("crewai.events.event_bus", "crewai_event_bus")
    for held in (statics.member(bus, "_sync_handlers"), statics.member(bus, "_async_handlers")):
        for handlers in held.values() if type(held) is dict else ():
            yield from handlers if type(handlers) is frozenset else ()
