"""Agents: one run of an agent is a step, whole or streamed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from opentelemetry.context import Context, create_key

from otelier import completing, guard, pipeline, semconv, statics
from otelier import context as ctx
from otelier.frameworks import steps
from otelier.frameworks.semantic_kernel import others, reading, streams, works
from otelier.handle import Handle, NoHandle
from otelier.hooks.calling import argument
from otelier.hooks.patching import Patches
from otelier.hooks.stepping import around

_WHOLE: Final = "get_response"
_STREAMS: Final = ("invoke", "invoke_stream")
_BASE: Final = "Agent"
# The run of an agent, in the context of what it does.
_RUN: Final = create_key("otelier-semantic-kernel-agent")


class Run:
    """One run of an agent."""

    __slots__ = ("agent", "handle", "within")

    def __init__(self, agent: Any, within: bool) -> None:
        self.agent = agent
        self.handle: Handle | None = None
        # Whether other agents are around it.
        self.within = within


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap what runs the agents that a module has."""
    found = []
    for kind in tuple(vars(module).values()):
        if not _is_agent(kind, module.__name__):
            continue
        if _WHOLE in kind.__dict__:
            patches.wrap(kind, _WHOLE, around(_begin, _finish)[1])
            found.append(kind.__name__)
        for name in _STREAMS:
            if name in kind.__dict__:
                patches.wrap(kind, name, _streamed)
    if not found:
        raise LookupError(f"{module.__name__}: no agent with {_WHOLE}")
    return ", ".join(found)


def _is_agent(kind: Any, module: str) -> bool:
    if not isinstance(kind, type) or kind.__module__ != module:
        return False
    return any(each.__name__ == _BASE for each in kind.__mro__[1:])


def here() -> Run | None:
    """The run of an agent whose own code runs here: not that of its tools."""
    run = ctx.current().get(_RUN)
    if isinstance(run, Run) and ctx.current().get(ctx.STEP) is run.handle:
        return run
    return None


def _shown(agent: Any) -> bool:
    run = here()
    # Some run one of their own methods by another.
    return (run is None or run.agent is not agent) and others.shown()


def _begin(
    agent: Any, args: Any, kwargs: Any, parent: Context | None = None
) -> Handle | NoHandle | None:
    if not _shown(agent):
        return None
    parent = ctx.current() if parent is None else parent
    inside = parent.get(_RUN) is not None or works.running(parent) is not None
    run = Run(agent, inside)
    name = reading.string(agent, "name")
    step = pipeline.agent(
        name if reading.given(agent, "name") else None,
        description=reading.string(agent, "description"),
    )
    handle = run.handle = steps.begin(
        step,
        ctx.with_value(parent, _RUN, run),
        conversation_id=conversation(run, kwargs.get("thread")),
    )
    if handle is None:
        return None
    told = reading.string(agent, "id")
    if told:
        handle.set(semconv.AGENT_ID, told)
    if handle.wants_content:
        _tell(handle, agent, args, kwargs)
    return handle


def _tell(handle: Handle, agent: Any, args: Any, kwargs: Any) -> None:
    handle.mirror()
    kernel = kwargs.get("kernel") or statics.storage(agent).get("kernel")
    choice = statics.storage(agent).get("function_choice_behavior")
    handle.set_tools(reading.definitions(kernel, choice))
    asked = argument(args, kwargs, 0, "messages")
    if asked is not None:
        handle.set_input(reading.chat(asked))


def _finish(handle: Handle | NoHandle, result: Any) -> None:
    scope = handle.scope
    if scope is None or scope.answer is not None or not handle.wants_content:
        return
    # Its model calls are nobody's that is seen.
    handle.set_output(reading.chat(statics.storage(result).get("message")))


def _streamed(wrapped: Callable[..., Any], agent: Any, args: Any, kwargs: Any) -> Any:
    """A generator: its run begins when it is read, where it was called."""
    called = ctx.current()

    def begin() -> Handle | NoHandle | None:
        return _begin(agent, args, kwargs, called)

    return streams.read(wrapped(*args, **kwargs), begin)


def conversation(run: Run, thread: Any) -> str | None:
    """The id of a run's thread; None where that is no conversation of its own.

    An agent that another one runs, or that works with others, has a thread that nobody asked for.
    """
    told = None if thread is None or run.within else reading.string(thread, "_id")
    return None if told is None or completing.is_answer(told) else told


def converse(thread: Any) -> None:
    """The thread of the agent that runs here is known: what follows belongs to it."""
    try:
        run = here()
        if run is not None and run.handle is not None:
            steps.belongs(run.handle, conversation_id=conversation(run, thread))
    except Exception:
        guard.failed("semantic_kernel.converse")


def instruct(text: Any) -> None:
    """The agent that runs here works by these instructions."""
    try:
        run = here()
        if run is not None and run.handle is not None:
            run.handle.set_system(text)
    except Exception:
        guard.failed("semantic_kernel.instruct")
