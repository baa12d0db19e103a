"""How all of smolagents' steps begin: unless somebody else shows them already."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from opentelemetry.context import Context, create_key
from opentelemetry.trace import Span

from otelier import context as ctx
from otelier import errors, leaving, statics
from otelier.frameworks import steps
from otelier.frameworks.smolagents import reading
from otelier.handle import Handle
from otelier.hooks import foreign
from otelier.kinds import Kind
from otelier.runtime import Runtime
from otelier.semconv import Attributes

NAME: Final = "smolagents"
# What other instrumentations wrap: module, class, method.
_SEAMS: Final = (
    ("smolagents.agents", "MultiStepAgent", "run"),
    ("smolagents.agents", "CodeAgent", "_step_stream"),
    ("smolagents.agents", "CodeAgent", "step"),
    ("smolagents.tools", "Tool", "__call__"),
    ("smolagents.models", "TransformersModel", "generate"),
)
_AGENT: Final = create_key("otelier-smolagents-agent")
_INTERRUPTED: Final = "Agent interrupted."
_TOLD: Final = frozenset(
    {
        ("smolagents.local_python_executor", "InterpreterError"),
        ("smolagents.utils", "AgentError"),
    }
)
# A model that could not be asked: whoever runs the agent gets that.
_RAISED: Final = ("smolagents.utils", "AgentGenerationError")
_context: Final = BaseException.__dict__["__context__"].__get__


class AgentRun(Handle):
    """An agent's run. What is in it finds it, whatever is in between."""

    __slots__ = ("calls", "last", "step")

    def __init__(
        self,
        run: Runtime,
        kind: Kind,
        attributes: Attributes,
        parent: Context | None = None,
        lent: Span | None = None,
    ) -> None:
        # The calls of tools that the model wants: name, identity of the arguments, id.
        self.calls: list[tuple[Any, int, str]] = []
        # What smolagents remembers of the step that is done just now.
        self.step: Any = None
        # Of a stream, what it gave last.
        self.last: Any = None
        super().__init__(run, kind, attributes, parent, lent)
        self._context = ctx.with_value(self._context, _AGENT, self)

    def keep(self, item: Any) -> None:
        """An item of a stream: the last one is the answer."""
        self.last = item

    def end(self, error: BaseException | None = None) -> None:
        """End it, once. Who interrupts an agent, or leaves its stream, has not failed."""
        last, self.last, self.step = self.last, None, None
        how = None if error is None else left(error)
        if how is not None:
            self.left(how)
            return
        if error is None and last is not None:
            answer(self, last)
        super().end(error)


class Told(Handle):
    """What has failed as the model is told then: with the code that it wrote, or its arguments."""

    __slots__ = ()

    def end(self, error: BaseException | None = None) -> None:
        """End it, once. What the model is told is content."""
        if error is not None and is_told(error):
            self.fail(errors.kind(error), errors.message(error), told=True)
        else:
            super().end(error)


def is_told(error: BaseException) -> bool:
    """Whether smolagents tells the model of it, in words of its own."""
    if left(error) is not None:
        return False
    kinds = [statics.identity(base) for base in statics.bases(type(error))]
    return _RAISED not in kinds and not _TOLD.isdisjoint(kinds)


def left(error: BaseException) -> str | None:
    """How an agent was left that ends with ``error``, as far as only smolagents tells."""
    if statics.identity(type(error)) == ("smolagents.utils", "AgentError"):
        said = statics.member(error, "message")
        return leaving.CANCELLED if said == _INTERRUPTED else None
    # A stream gives its step away once more while it is closed, which Python takes for an error.
    if type(error) is RuntimeError and type(_context(error)) is GeneratorExit:
        return leaving.CLOSED
    return None


def answer(handle: Handle, result: Any) -> None:
    """What an agent answers; what is no answer is passed by."""
    if not handle.wants_content:
        return
    known, result = reading.answer(result)
    if not known:
        return
    if type(result) is str:
        handle.set_output(result)
    elif not statics.iterates(result):
        handle.set_result(result)


def current() -> AgentRun | None:
    """The innermost agent that runs here."""
    found = ctx.current().get(_AGENT)
    return found if type(found) is AgentRun and not found.ended else None


def shown() -> bool:
    """Whether smolagents' steps are ours to show."""
    return steps.shown(NAME, _wrappers)


def inner() -> bool:
    """Whether inner steps are to be seen."""
    return steps.inner_steps() and shown()


def _wrappers() -> Iterator[Any]:
    return foreign.wrappers(_SEAMS)
