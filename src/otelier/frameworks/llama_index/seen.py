"""What the dispatcher tells of a call, and what is kept of it until the call is over."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextvars import Token
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from opentelemetry.context import Context

from otelier import context as ctx
from otelier import statics
from otelier.declared import Step
from otelier.frameworks import steps
from otelier.frameworks.steps import Run
from otelier.handle import Handle

LIBRARY: Final = "llama_index"
# Where the root of the dispatchers is.
_ROOTS: Final = ("llama_index_instrumentation", "llama_index.core.instrumentation")
# What a step of a workflow raises that waits for an event: it runs again when that is there.
_WAITS: Final = "WaitingForEvent"


@dataclass(slots=True)
class Entered:
    """A call that begins. ``owner`` is the object whose method it is, if it is one."""

    id: str
    above: str | None
    owner: Any
    method: str
    arguments: Mapping[str, Any]


def others() -> Iterator[Any]:
    """What may be another instrumentation's."""
    for module in _ROOTS:
        root = statics.loaded(module, "root_dispatcher")
        if root is not None:
            yield from (*root.span_handlers, *root.event_handlers)


# (the run, what the call returns)
Finish: TypeAlias = Callable[[Run, Any], None]
# (the run, what the call raises)
Fail: TypeAlias = Callable[[Run, BaseException | None], None]


class More:
    """What is kept of a run besides its step (``Run.more``)."""

    __slots__ = ("fail", "finish", "held", "token")

    def __init__(self, finish: Finish, fail: Fail, token: Token[Context] | None) -> None:
        self.finish = finish
        self.fail = fail
        # Leaves the context that the call has entered.
        self.token = token
        # Whatever the kind of call has to remember.
        self.held: Any = None


# The calls that are not over, by the ids that the dispatcher gives them.
runs: Final = steps.Runs()


def ended(run: Run, result: Any = None) -> None:
    """End the step of a call of whose result nothing is told."""
    if run.handle is not None:
        run.handle.end()


def failed(run: Run, error: BaseException | None) -> None:
    """End the step of a call that has raised; what waits for an event has not failed."""
    if run.handle is None:
        return
    if error is not None and statics.name(type(error)) == _WAITS:
        run.handle.left()
    else:
        run.handle.end(error)


def nothing(run: Run, result: Any) -> None:
    """Of a call that is no step."""


def begin(
    entered: Entered,
    step: Step,
    finish: Finish = ended,
    fail: Fail = failed,
    *,
    conversation_id: str | None = None,
    made: type[Handle] = Handle,
    within: Context | None = None,
) -> Run | None:
    """A call that is a step begins, maybe ``within`` another context: current until it returns."""
    token = None if within is None else ctx.attach(within)
    run = runs.begin(entered.id, None, step, conversation_id=conversation_id, made=made)
    if token is not None:
        ctx.detach(token)
    if run is not None:
        run.more = More(finish, fail, ctx.attach(run.context))
    return run


def pass_by(
    entered: Entered,
    finish: Finish = nothing,
    fail: Fail = nothing,
    *,
    conversation_id: str | None = None,
    context: Context | None = None,
) -> Run | None:
    """A call that is no step, of which something has to be known; ``context`` is inside of it."""
    run = runs.pass_by(entered.id, None, conversation_id=conversation_id)
    if run is not None:
        if context is not None:
            run.context = context
        enters = context is not None or conversation_id is not None
        run.more = More(finish, fail, ctx.attach(run.context) if enters else None)
    return run


def leave(run: Run) -> More:
    """Leave the context that the call has entered."""
    more: More = run.more
    if more.token is not None:
        ctx.detach(more.token)
        more.token = None
    return more
