"""What is around a run of the SDK's: its trace, the runner's run, the agent; all in the context."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from opentelemetry import context as otel_context
from opentelemetry.context import Context

from otelier import context as ctx
from otelier import statics, wire
from otelier.executed import Executed
from otelier.frameworks import steps
from otelier.handle import Handle
from otelier.hooks.calling import argument

_LIBRARY: Final = "openai_agents"
_RUN: Final = otel_context.create_key("otelier-agents-run")
_TRACE: Final = otel_context.create_key("otelier-agents-trace")
_AGENT: Final = otel_context.create_key("otelier-agents-agent")


class AgentRun(Handle):
    """An agent's step, and the tools that it was offered last, by name."""

    __slots__ = ("asked", "direct", "model", "name", "tools")

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.name: str | None = None
        # Whether the agent has been asked what it works by, and the model that it is to use.
        self.asked = False
        self.model: str | None = None
        self.tools: Mapping[str, Any] = {}
        # Whether it is one of the agents that the workflow around consists of, not a tool's.
        self.direct = False


class ToolRun(Executed):
    """A step of a tool that the SDK runs."""

    __slots__ = ()


class Run:
    """One run by the SDK's runner, as far as its spans do not tell it."""

    __slots__ = ("endless", "model", "offered", "prepares", "private", "several")

    def __init__(
        self, several: bool, model: str | None, endless: bool = False, private: bool = False
    ) -> None:
        # Whether its agents may hand over to others.
        self.several = several
        # The model that it uses in the place of its agents'.
        self.model = model
        # Whether the program goes on where an agent has had too many turns.
        self.endless = endless
        # Whether it is to keep its data to itself: its content, and what exceptions say.
        self.private = private
        # The task or thread that prepares a streamed run, while it does: the run is another task.
        self.prepares: Any = None
        # The tools that an agent was offered before its span has started, by the agent's name.
        self.offered: dict[str, Mapping[str, Any]] = {}


class Around:
    """A trace of the SDK's: the workflow that it is, if it is one."""

    __slots__ = ("failed", "grouped", "own", "workflow")

    def __init__(self, workflow: Handle | None, grouped: bool, own: bool) -> None:
        self.workflow = workflow
        # Whether it is a run's own: then that fails with its agents.
        self.own = own
        # The kind of error and its message, of a run that raises nothing itself.
        self.failed: tuple[str, str | None] | None = None
        # Whether the program has said by its group whose conversation it is.
        self.grouped = grouped


def seen() -> bool:
    """Whether steps are to be seen: otelier runs, and nobody else shows them."""
    return steps.shown(_LIBRARY, _others)


def _others() -> Iterable[Any]:
    # Not by the function that gets it: that makes one, which exports.
    provider = statics.loaded("agents.tracing.setup", "GLOBAL_TRACE_PROVIDER")
    if provider is None:
        return
    yield provider
    processors = statics.member(provider, "_multi_processor")
    held = None if processors is None else statics.member(processors, "_processors")
    yield from wire.items(held)


def run() -> Run | None:
    """The innermost run of the runner's."""
    found = ctx.current().get(_RUN)
    return found if isinstance(found, Run) else None


def with_run(context: Context, found: Run) -> Context:
    """``context`` inside of a run."""
    return ctx.with_value(context, _RUN, found)


def trace() -> Around | None:
    """The SDK's trace that is around."""
    found = ctx.current().get(_TRACE)
    return found if isinstance(found, Around) else None


def with_trace(context: Context, found: Around) -> Context:
    """``context`` inside of a trace of the SDK's."""
    return ctx.with_value(context, _TRACE, found)


def agent() -> AgentRun | None:
    """The innermost agent that runs."""
    found: Any = ctx.current().get(_AGENT)
    return found if found is not None and not found.ended else None


def with_agent(context: Context, found: AgentRun) -> Context:
    """``context`` inside of an agent's run."""
    return ctx.with_value(context, _AGENT, found)


def current(args: Any, kwargs: Any) -> bool:
    """Whether a span or trace is to be current where it starts: ``start(mark_as_current)``."""
    return bool(argument(args, kwargs, 0, "mark_as_current"))


def text(thing: Any, *names: str) -> str | None:
    """A text that an object of the SDK's holds under one of these names."""
    for name in names:
        found = statics.member(thing, name)
        if type(found) is str and found:
            return found
    return None


def model(owner: Any) -> str | None:
    """The name of the model that an agent, or a run, is to use; None where it names none."""
    found = statics.member(owner, "model")
    return found if type(found) is str else text(found, "model")
