"""A tool that an SDK's runner executes, and the program's own declaration of it: one span.

The runner knows the call's id and what the model asked for; the declaration, met while the tool
runs, has the name and the description that the program chose, and whether content may be taken.
"""

from __future__ import annotations

import functools
from contextvars import Token
from types import FunctionType, MethodType
from typing import Any, Final

from opentelemetry.context import Context
from opentelemetry.trace import Span

from otelier import context as ctx
from otelier import guard, semconv, statics
from otelier.handle import Handle, NoHandle
from otelier.kinds import Kind
from otelier.prompts import Named
from otelier.runtime import Runtime
from otelier.semconv import Attributes

# How many wrappers of a function are looked through.
_MOST: Final = 10


class Executed(Handle):
    """A runner's tool. Its content waits for the end: its declaration may refuse it."""

    __slots__ = ("_free", "_private", "_waiting", "brings", "error", "function")

    def __init__(
        self,
        run: Runtime,
        kind: Kind,
        attributes: Attributes,
        parent: Context | None = None,
        lent: Span | None = None,
    ) -> None:
        self._waiting: Attributes = {}
        super().__init__(run, kind, attributes, parent, lent)
        self._private = False
        # Whoever takes the one item is its declaration.
        self._free = [True]
        # What the runner calls, where it tells.
        self.function: Any = None
        # What it calls is one tool of another framework's, of the same name, and nothing else.
        self.brings = False
        # What the tool has raised, where the runner makes a result of it.
        self.error: BaseException | None = None

    @property
    def wants_content(self) -> bool:
        """Whether arguments and results are of use."""
        return super().wants_content and not self._private

    @property
    def told(self) -> bool:
        """Whether the program has told the result."""
        return self._result

    def _put(self, found: Attributes) -> None:
        self._waiting.update(found)

    def _withdraw(self) -> None:
        self._waiting = {}

    def _sum_up(self) -> None:
        if self._waiting and not self._private:
            self._span.set_attributes(self._waiting)
        super()._sum_up()

    def brought(self, name: Any) -> bool:
        """Whether a tool that another framework runs here is this one; true once."""
        if not self.brings or self.ended or self._attributes.get(semconv.TOOL_NAME) != name:
            return False
        self.brings = False
        return True

    def join(
        self,
        function: Any,
        name: str | None,
        default_name: str | None,
        attributes: Attributes,
        private: bool,
    ) -> Joined | None:
        """Become what is declared in it, if that is it: this ``function``, or of its name."""
        try:
            if not _same(self.function, function):
                named = self._attributes.get(semconv.TOOL_NAME)
                if named is None or named not in (name, default_name):
                    return None
            try:
                self._free.pop()
            except IndexError:
                return None
            self._private = private
            if private:
                self._waiting = {}
            for key, value in attributes.items():
                if key != semconv.TOOL_CALL_ID or key not in self._attributes:
                    self.set(key, value)
            if name:
                self.set(semconv.TOOL_NAME, name)
                self._span.update_name(f"{semconv.EXECUTE_TOOL} {name}")
            return Joined(self)
        except Exception:
            guard.failed("executed.join")
            return None

    def hold(self, prompt: Named) -> None:
        """The prompt of the declaration, for this and what is started inside from now on."""
        try:
            for name, value in prompt.attributes.items():
                self.set(name, value)
            self._context = ctx.with_value(self._context, ctx.PROMPT, prompt)
        except Exception:
            guard.failed("executed.hold")
        self.set_prompt(prompt)


class Joined(NoHandle):
    """The declared step of a tool whose span a runner has opened, and ends."""

    __slots__ = ("whole",)

    def __init__(self, whole: Executed) -> None:
        self.whole = whole

    @property
    def span(self) -> Span:
        """The runner's span of it."""
        return self.whole.span

    @property
    def _context(self) -> Context:
        return self.whole._context

    def enter(self) -> Token[Context] | None:  # type: ignore[override]
        """Make the span current, also where the runner's context did not come along."""
        return self.whole.enter()

    def end(self, error: BaseException | None = None) -> None:
        """Keep what was raised; the runner ends the span."""
        self.whole.error = error


def _same(given: Any, function: Any) -> bool:
    """Whether ``given`` calls ``function``, as far as wrappers tell."""
    if function is None:
        return False
    for _ in range(_MOST):
        if given is function:
            return True
        kind = type(given)
        if kind is functools.partial:
            given = given.func
        elif kind is MethodType:
            given = given.__func__
        elif kind is FunctionType:
            given = statics.storage(given).get("__wrapped__")
        else:
            return False
    return False
