"""A declared step: decorator for functions of every kind, and context manager."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from types import FunctionType
from typing import Any, Final, TypeAlias, TypeVar, cast
from weakref import WeakSet

from opentelemetry.context import Context
from opentelemetry.trace import get_current_span

from otelier import apart, guard, runtime, semconv, statics, theirs, unicode, values
from otelier import context as ctx
from otelier.handle import NO_HANDLE, Handle, NoHandle
from otelier.kinds import RETRIEVAL, TOOL, Kind
from otelier.prompts import Named
from otelier.returned import Hear, Reading, apieces, awaited_pieces, finish, leave, pieces
from otelier.semconv import Attributes

F = TypeVar("F", bound=Callable[..., Any])
# (the context of the call, its arguments, by name) -> what is around it, and who hears.
Begin: TypeAlias = "Callable[[Context, Any, Any], tuple[Handle | NoHandle, Hear]]"

# Decorated generator functions.
_marked: Final[WeakSet[Any]] = WeakSet()


class Step:
    """One declared step: a decorator and a context manager."""

    __slots__ = ("_attributes", "_held", "_kind", "_name", "_options")

    def __init__(
        self, kind: Kind, name: str | None, attributes: Attributes, options: dict[str, Any]
    ) -> None:
        self._kind = kind
        self._name = name
        self._attributes = attributes
        self._options = options
        self._held: list[ctx.Use] = []

    def start(
        self,
        default_name: str | None = None,
        parent: Context | None = None,
        function: Any = None,
        made: type[Handle] = Handle,
    ) -> Handle | NoHandle:
        """Begin the step, in ``parent`` if that is not here; the caller ends it.

        ``function`` is what was decorated, ``made`` the kind of handle.
        """
        try:
            run = runtime.current()
            if run is None:
                return NO_HANDLE
            if run.late is not None:
                run.late()
            if parent is None:
                parent = ctx.current()
            if ctx.suppressed(parent):
                return NO_HANDLE
            own = unicode.clean(values.words(self._name)) if self._name else None
            around: Any = parent.get(ctx.STEP)
            if self._kind is TOOL and made is Handle and around is not None and not around.ended:
                private = not self._options.get("capture", True)
                told: Named | None = self._options.get("prompt")
                joined: NoHandle | None = around.join(
                    function, own, default_name, self._attributes, private
                )
                if joined is not None:
                    if told is not None:
                        around.hold(told)
                    return joined
            lent = None
            if self._kind is TOOL:
                span = get_current_span(parent)
                if theirs.tool_run(span, (own, default_name)) and apart.belongs(span, run):
                    lent = span
            attributes = dict(self._attributes)
            prompt: Named | None = self._options.get("prompt")
            if prompt is not None:
                attributes.update(prompt.attributes)
                parent = ctx.with_value(parent, ctx.PROMPT, prompt)
            name = own
            if not name and default_name:
                name = unicode.clean(values.words(default_name))
            if name:
                attributes[self._kind.named] = name
            handle = made(run, self._kind, attributes, parent, lent)
            if lent is not None:
                theirs.lend(lent)
            # Others' spans have no content of ours.
            if prompt is not None and lent is None and self._options.get("capture", True):
                handle.set_prompt(prompt)
            query = self._options.get("query")
            if query is not None:
                handle.set_query(query)
            arguments = self._options.get("arguments")
            if arguments is not None:
                handle.set_arguments(arguments)
            return handle
        except Exception:
            guard.failed("pipeline.start")
            return NO_HANDLE

    # --- context manager -------------------------------------------------------------------

    def __enter__(self) -> Handle | NoHandle:
        handle = self.start()
        self._held.append(ctx.Use(handle.enter(), handle))
        # A tool that is one with a runner's has its handle.
        return getattr(handle, "whole", handle)

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        use = ctx.leave(self._held)
        if use is not None:
            use.what.end(error)

    async def __aenter__(self) -> Handle | NoHandle:
        return self.__enter__()

    async def __aexit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        self.__exit__(kind, error, trace)

    # --- decorator -------------------------------------------------------------------------

    def __call__(self, function: F) -> F:
        """Decorate a function of any kind; it stays of that kind."""
        return cast(F, self._decorated(function))

    def _decorated(self, function: Any) -> Any:
        if isinstance(function, staticmethod | classmethod):
            return type(function)(self._decorated(function.__func__))
        name = getattr(function, "__name__", None) or type(function).__name__
        inputs = _Inputs(function, self._kind, self._options)
        if inspect.isasyncgenfunction(function):
            return self._lazy(function, name, inputs, apieces, inspect.CO_ASYNC_GENERATOR)
        if inspect.isgeneratorfunction(function):
            return self._lazy(function, name, inputs, pieces, inspect.CO_GENERATOR)
        if inspect.iscoroutinefunction(function):
            return self._coroutine(function, name, inputs)

        @functools.wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            handle = self._begin(name, inputs, args, kwargs)
            token = handle.enter()
            try:
                result = function(*args, **kwargs)
            except BaseException as error:
                leave(token)
                handle.end(error)
                raise
            leave(token)
            return finish(result, handle, inputs)

        return run

    def _begin(
        self,
        name: str,
        inputs: _Inputs,
        args: Any,
        kwargs: Any,
        parent: Context | None = None,
    ) -> Handle | NoHandle:
        handle = self.start(name, parent, inputs.function)
        if handle.wants_content:
            inputs.arguments(handle, args, kwargs)
        return handle

    def _coroutine(self, function: Any, name: str, inputs: _Inputs) -> Any:
        @functools.wraps(function)
        async def run(*args: Any, **kwargs: Any) -> Any:
            handle = self._begin(name, inputs, args, kwargs)
            token = handle.enter()
            try:
                result = await function(*args, **kwargs)
            except BaseException as error:
                leave(token)
                handle.end(error)
                raise
            leave(token)
            return finish(result, handle, inputs)

        return run

    def _lazy(self, function: Any, name: str, inputs: _Inputs, read: Any, flag: int) -> Any:
        def begin(called: Context, args: Any, kwargs: Any) -> tuple[Handle | NoHandle, Hear]:
            handle = self._begin(name, inputs, args, kwargs, self._parent(called))
            return handle, inputs.hearing(handle)

        return lazily(function, read, flag, begin)

    def _parent(self, called: Context) -> Context:
        """Where a step belongs that begins now, and was called in ``called``."""
        return called


def lazily(function: Any, read: Any, flag: int, begin: Begin) -> Any:
    """A generator function: what is around it begins when it is read, where it was called.

    Generator functions run nothing when they are called, and ours could not see where that is.
    So it is a function that gives a generator of ours, and is marked as what it stands for.
    ``read`` and ``flag`` are of its kind; ``begin`` is given the context of the call.
    """
    plain = type(function) is FunctionType
    nested = plain and function in _marked
    awaits = function.__code__.co_flags & inspect.CO_ITERABLE_COROUTINE if plain else 0

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        called = ctx.current()
        # Wrong arguments are told at once. What is around another step is there before that is.
        inner = None if nested else function(*args, **kwargs)
        if nested:
            _innermost(function)(*args, **kwargs)

        def opened() -> tuple[Handle | NoHandle, Any, Hear]:
            handle, hear = begin(called, args, kwargs)
            mine = inner
            if mine is None:
                token = handle.enter()
                try:
                    mine = function(*args, **kwargs)
                finally:
                    leave(token)
            return handle, mine, hear

        ours = (awaited_pieces if awaits else read)(opened)
        ours.__name__, ours.__qualname__ = run.__name__, run.__qualname__
        return ours

    if _can_mark():
        _mark(run, flag | awaits)
    _marked.add(run)
    return run


def _innermost(function: Any) -> Any:
    """The program's own function beneath ours; calling it runs nothing."""
    while function in _marked:
        function = function.__wrapped__
    return function


def _mark(function: Any, flag: int) -> None:
    function.__code__ = function.__code__.replace(co_flags=function.__code__.co_flags | flag)


@functools.cache
def _can_mark() -> bool:
    """Whether a function that is marked as a generator function still runs when it is called."""

    def plain() -> bool:
        return True

    _mark(plain, inspect.CO_GENERATOR)
    return plain() is True


class _Inputs(Reading):
    """Arguments and result of a decorated function, as content."""

    __slots__ = ("_capture", "_kind", "_root", "_signature", "function")

    def __init__(self, function: Any, kind: Kind, options: dict[str, Any]) -> None:
        self.function = function
        self._kind = kind
        self._root = _root(getattr(function, "__module__", None))
        self._capture = options.get("capture", True)
        try:
            self._signature: inspect.Signature | None = inspect.signature(function)
        except (TypeError, ValueError):
            self._signature = None

    def arguments(self, handle: Handle | NoHandle, args: Any, kwargs: Any) -> None:
        if not self._capture:
            return
        try:
            bound = self._bind(args, kwargs)
            if self._kind is RETRIEVAL:
                query = bound.get("query", next(iter(bound.values()), None))
                if issubclass(type(query), str):
                    handle.set_query(str.__str__(query))
                top_k = bound.get("top_k", bound.get("k"))
                if type(top_k) is int:
                    handle.set(semconv.RETRIEVAL_TOP_K, top_k)
            else:
                handle.set_arguments(bound)
        except Exception:
            guard.failed("pipeline.arguments")

    def _bind(self, args: Any, kwargs: Any) -> dict[str, Any]:
        if self._signature is None:
            return {**{str(n): value for n, value in enumerate(args)}, **kwargs}
        bound = dict(self._signature.bind_partial(*args, **kwargs).arguments)
        for first in ("self", "cls"):
            bound.pop(first, None)
        return bound

    def hearing(self, handle: Handle | NoHandle) -> Callable[[Any], None] | None:
        """What takes the items of a generator as they pass, where they may be an answer."""
        wanted = self._capture and self._kind.sums and handle.wants_content
        return handle.hear if wanted else None

    def elsewhere(self, module: Any) -> bool:
        """Whether what a model answers is the step's answer: the program reads it from there."""
        return bool(self._capture) and self._kind.sums and _root(module) != self._root

    def result(self, handle: Handle | NoHandle, result: Any) -> None:
        """The step is done, and this came of it."""
        if not self._capture or not handle.wants_content or result is None:
            return
        # Nothing that can be consumed is looked into.
        if statics.iterates(result):
            return
        if isinstance(handle, Handle) and not handle._result:
            handle.set_result(result)


def _root(module: Any) -> str:
    return module.partition(".")[0] if type(module) is str else ""
