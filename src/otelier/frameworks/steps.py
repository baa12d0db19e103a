"""What all frameworks' rooms share: a framework's runs become steps, with the parents they have.

A room knows its framework and hands over names, ids, arguments and results; it knows no wire
format. Three ways make a step current in its body:

- a function that is the whole step is wrapped: :func:`otelier.hooks.stepping.around`;
- a start and a finish in one task: ``token = handle.enter()`` … ``ctx.detach(token)``;
- a context that the framework copies for the body: ``ctx.attach(runs.context(run_id))`` in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from contextvars import ContextVar, Token
from time import monotonic
from typing import Any, Final
from weakref import ref

from opentelemetry.context import Context, create_key

from otelier import context as ctx
from otelier import guard, leaving, runtime
from otelier.declared import Step
from otelier.handle import Handle
from otelier.hooks import foreign
from otelier.sessions import belonging, told

# Runs whose end a framework never tells must not pile up. Those that go on are as many as a program
# has requests at once, by what is nested in each: of so many only what is old is given up.
_MANY: Final = 10_000
_OLD: Final = 3600.0
_MOST: Final = 200_000
# The innermost run of a framework's, by what stands for it.
_RUN: Final = create_key("otelier-framework-run")
_OWN: Final = create_key("otelier-framework-own")
# A name that a library has made up.
_UUID: Final = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def begin(
    step: Step,
    parent: Context | None = None,
    *,
    conversation_id: str | None = None,
    user_id: str | None = None,
    made: type[Handle] = Handle,
) -> Handle | None:
    """Begin a step, in ``parent`` if that is not here; None where nothing is to be seen.

    ``step`` is one of :mod:`otelier.pipeline`'s. ``conversation_id`` and ``user_id`` are the
    framework's own thread and user: on the step and on all that is inside, unless the program has
    said otherwise by ``session()``. Never raises; the caller ends the step.
    """
    try:
        if runtime.current() is None:
            return None
        parent = ctx.current() if parent is None else parent
        if conversation_id or user_id:
            parent = belonging(parent, conversation_id, user_id)
        handle = step.start(parent=parent, made=made)
        return handle if isinstance(handle, Handle) else None
    except Exception:
        guard.failed("frameworks.begin")
        return None


def belongs(
    handle: Handle, *, conversation_id: str | None = None, user_id: str | None = None
) -> None:
    """What a framework tells of a step only when that has begun, where it runs. Never raises.

    As at :func:`begin`: on the step and on all that begins inside from now on.
    """
    try:
        before, here = handle.context, ctx.current()
        known = belonging(before, conversation_id, user_id)
        if known is before:
            return
        handle.move(known)
        for name, value in told(known).items():
            if handle.get(name) is None:
                handle.set(name, value)
        # Until the step is left: who entered it puts back what was before.
        ctx.attach(known if here is before else belonging(here, conversation_id, user_id))
    except Exception:
        guard.failed("frameworks.belongs")


class NextCall:
    """The id of the model's call of a tool that is executed here, which the tool is not told."""

    def __init__(self, name: str) -> None:
        # Who takes it empties the list, in whatever copy of the context.
        self._held: ContextVar[list[str] | None] = ContextVar(name, default=None)

    def note(self, call_id: str | None) -> Token[Any]:
        """It is executed from here on; ``forget`` takes the token."""
        return self._held.set(None if call_id is None else [call_id])

    def forget(self, token: Token[Any]) -> None:
        """It was executed."""
        self._held.reset(token)

    def taken(self) -> str | None:
        """The id, for the one who asks first."""
        held = self._held.get()
        try:
            return held.pop() if held else None
        except IndexError:
            return None


class Run:
    """One run of a framework's: its step, if it is one that is seen, and the context inside."""

    __slots__ = ("_stands", "began", "context", "handle", "more")

    def __init__(
        self, handle: Handle | None, context: Context, stands: object | None = None
    ) -> None:
        """``stands`` is what stands for it in ``context``, if something does."""
        self.handle = handle
        self.context = context
        self._stands = stands or object()
        self.began = monotonic()
        # Whatever a room has to remember of it.
        self.more: Any = None

    @property
    def inside(self) -> bool:
        """Whether the code that runs here is in this very run already.

        So it is in spans and steps of the program's own, too, that are open in the run.
        """
        return ctx.current().get(_RUN) is self._stands


class Runs:
    """The runs of a framework that names them by ids, and says of each which is above it.

    All of what frameworks tell is also kept of runs that are no step, so that what is below finds
    what is above. Used by many threads: a dictionary's own operations are atomic.

    An id that is an object of its own (a ``UUID``) is held by the framework as long as the run may
    go on: when nobody has it any longer, the run was left, and its end will never be told.
    """

    def __init__(self) -> None:
        # Oldest first. Not an OrderedDict: ids may have an ``__eq__`` of their own, in which
        # another thread may come to run, and that bears no change in the middle of one.
        self._runs: dict[Any, Run] = {}

    def __len__(self) -> int:
        return len(self._runs)

    def of(self, run_id: Any) -> Run | None:
        """A run that has not ended."""
        return self._runs.get(key(run_id))

    def context(self, run_id: Any) -> Context | None:
        """The context inside a run; None for one that nobody knows."""
        run = self.of(run_id)
        return None if run is None else run.context

    def begin(
        self,
        run_id: Any,
        parent_id: Any,
        step: Step,
        *,
        conversation_id: str | None = None,
        user_id: str | None = None,
        made: type[Handle] = Handle,
    ) -> Run | None:
        """A run that is a step begins, in the run above it, or here where nobody knows that."""
        above = self._above(parent_id)
        stands = object()
        handle = begin(
            step,
            ctx.with_value(ctx.current() if above is None else above, _RUN, stands),
            conversation_id=conversation_id,
            user_id=user_id,
            made=made,
        )
        return None if handle is None else self._keep(run_id, Run(handle, handle.context, stands))

    def pass_by(
        self,
        run_id: Any,
        parent_id: Any,
        *,
        conversation_id: str | None = None,
        user_id: str | None = None,
    ) -> Run | None:
        """A run that is no step begins: what is below it belongs to what is above it."""
        context = self._above(parent_id)
        if context is None:
            context = runtime.here()
        if conversation_id or user_id:
            context = belonging(context, conversation_id, user_id)
        stands = object()
        return self._keep(run_id, Run(None, ctx.with_value(context, _RUN, stands), stands))

    def _above(self, parent_id: Any) -> Context | None:
        run = self.of(parent_id)
        if run is None:
            return None
        # A span of the program's own may be current inside the run.
        return ctx.current() if run.inside else run.context

    def _keep(self, run_id: Any, run: Run) -> Run:
        self._runs[key(run_id, self._gone)] = run
        if len(self._runs) > _MANY:
            self._give_up(run.began - _OLD)
        return run

    def _give_up(self, long_ago: float) -> None:
        """End the oldest run, if it began ``long_ago`` or there are too many."""
        try:
            oldest = next(iter(self._runs))
            if self._runs[oldest].began > long_ago and len(self._runs) <= _MOST:
                return
            given_up = self._runs.pop(oldest)
        except (KeyError, RuntimeError, StopIteration):
            return  # Another thread is at it: the next run makes up for it.
        if given_up.handle is not None:
            given_up.handle.abandoned()

    def pop(self, run_id: Any) -> Run | None:
        """A run ends: the caller ends its step. None for one that nobody knows."""
        return self._runs.pop(key(run_id), None)

    def _gone(self, key: Any) -> None:
        try:
            run = self._runs.pop(key, None)
            if run is not None and run.handle is not None:
                run.handle.left()
        except Exception:
            guard.failed("frameworks.gone")

    def clear(self) -> None:
        """Forget all of them; their steps end."""
        while self._runs:
            try:
                _, run = self._runs.popitem()
            except KeyError:
                break
            if run.handle is not None:
                run.handle.left(leaving.ABANDONED)


def key(run_id: Any, gone: Callable[[Any], None] | None = None) -> Any:
    """What a run is found by: its id by value, but not held."""
    if run_id is None or type(run_id) is str:
        return run_id
    try:
        return ref(run_id, gone)
    except TypeError:
        return run_id


def given(name: Any) -> str | None:
    """A name that somebody has given to a thing; None for what is no text, and for made-up ones."""
    told = issubclass(type(name), str) and name and not _UUID.fullmatch(name)
    return str.__str__(name) if told else None


def own(context: Context) -> Context:
    """``context``, in which a framework talks to a part of its own: what it says is no step."""
    return ctx.with_value(context, _OWN, True)


def is_own() -> bool:
    """Whether what runs here is a framework's talk to a part of its own (a server in memory)."""
    return ctx.current().get(_OWN) is True


def shown(library: str, others: Callable[[], Iterable[Any]]) -> bool:
    """Whether a framework's steps are ours to show: otelier runs, and nobody else shows them."""
    return runtime.current() is not None and not stands_down(library, others)


def inner_steps() -> bool:
    """Whether steps inside of what is shown are to be shown, too."""
    run = runtime.current()
    return run is not None and run.settings.framework_steps


def stands_down(library: str, others: Callable[[], Iterable[Any]]) -> bool:
    """Whether another instrumentation shows this framework's steps; asked once, said once.

    ``others`` gives what may be theirs: handlers, processors, wrappers of the seam.
    """
    run = runtime.current()
    return run is not None and foreign.shown_by(library, run, others)
