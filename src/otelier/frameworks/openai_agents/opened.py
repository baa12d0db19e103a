"""The SDK's spans and traces that have started, and not finished; kept beside them."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any, Final

from opentelemetry.context import Context

from otelier import context as ctx
from otelier import errors, guard, leaving
from otelier.frameworks.openai_agents import around
from otelier.handle import Handle
from otelier.hooks.beside import Beside
from otelier.model_runs import ModelRun

# How to leave those that are current. The tokens stand in the task's own context: they hold it, and
# with it the SDK's span, which may never finish.
_left: Final[ContextVar[Any]] = ContextVar("otelier-agents-left", default=None)


class Open:
    """A span or trace of the SDK's that has started, and not finished."""

    __slots__ = ("error", "handle", "model", "outer", "told", "trace")

    def __init__(self, handle: Handle | None, inside: Context | None = None) -> None:
        """``inside`` is made current, until :meth:`leave`."""
        self.handle = handle
        self.trace: around.Around | None = None
        # The model's run, where that is what it is.
        self.model: ModelRun | None = None
        # What was told of a failure, and the exception that was handled then.
        self.told: Mapping[str, Any] | None = None
        self.error: BaseException | None = None
        # What the program handles while it makes the run: no failure of the run's.
        self.outer = id(sys.exception())
        if inside is not None:
            _left.set((self, ctx.attach(inside), _left.get()))

    def leave(self) -> None:
        """It is not current any longer, here; elsewhere it never was."""
        found = _left.get()
        while found is not None:
            held, token, before = found
            if held is self:
                ctx.detach(token)
                _left.set(before)
                return
            found = before

    def end(self, error: BaseException | None) -> None:
        """End the step; of a run that keeps its data to itself by the kind of error alone."""
        if self.handle is None:
            return
        held = around.run()
        if error is None or held is None or not held.private or leaving.how(error) is not None:
            self.handle.end(error)
        else:
            self.handle.fail(errors.kind(error))

    def raised(self) -> BaseException | None:
        """The exception that passes here, where one does."""
        error = sys.exception()
        return None if id(error) == self.outer else error


_open: Final[Beside[Open]] = Beside()


def keep(thing: Any, found: Open | None) -> None:
    """What is known of a span or trace that starts."""
    if found is not None:
        _open.put(thing, found)


def of(thing: Any) -> Open | None:
    """What is known of one that has started."""
    return _open.of(thing)


def take(thing: Any) -> Open | None:
    """The same, of one that finishes: it is left, and forgotten."""
    found = _open.of(thing)
    if found is not None:
        _open.drop(thing)
        found.leave()
    return found


def count() -> int:
    """How many have not finished."""
    return len(_open._held)


def forget() -> None:
    """Nobody will see them finish."""
    try:
        for _, found in list(_open._held.values()):
            if found.handle is not None:
                found.handle.left(leaving.ABANDONED)
    except Exception:
        guard.failed("openai_agents.forget")
