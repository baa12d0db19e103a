"""A declared step: decorator for functions of every kind, and context manager."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Generator
from contextvars import Token
from types import CoroutineType
from typing import Any, TypeVar, cast

from opentelemetry.context import Context

from otelier import context as ctx
from otelier import guard, runtime, semconv, statics, unicode, values
from otelier.handle import NO_HANDLE, Handle, NoHandle
from otelier.kinds import RETRIEVAL, Kind
from otelier.semconv import Attributes

F = TypeVar("F", bound=Callable[..., Any])


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
        self._held: list[tuple[Handle | NoHandle, Token[Context] | None]] = []

    def start(self, default_name: str | None = None) -> Handle | NoHandle:
        """Begin the step; the caller ends it."""
        try:
            run = runtime.current()
            if run is None:
                return NO_HANDLE
            if run.late is not None:
                run.late()
            if ctx.suppressed(ctx.current()):
                return NO_HANDLE
            attributes = dict(self._attributes)
            name = self._name or default_name
            if name:
                name = unicode.clean(values.words(name))
                attributes[self._kind.named] = name
            handle = Handle(run, self._kind, attributes)
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
        self._held.append((handle, handle.enter()))
        return handle

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if not self._held:
            return
        handle, token = self._held.pop(self._mine())
        if token is not None:
            ctx.detach(token)
        handle.end(_failure(error))

    def _mine(self) -> int:
        """Which use is left: one declaration may be used by several tasks at once."""
        held = ctx.current()
        for position, (handle, _) in enumerate(self._held):
            if isinstance(handle, Handle) and handle._context is held:
                return position
        return -1

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
            return self._async_generator(function, name, inputs)
        if inspect.isgeneratorfunction(function):
            return self._generator(function, name, inputs)
        if inspect.iscoroutinefunction(function):
            return self._coroutine(function, name, inputs)

        @functools.wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            handle = self._begin(name, inputs, args, kwargs)
            token = handle.enter()
            try:
                result = function(*args, **kwargs)
            except BaseException as error:
                _leave(token)
                handle.end(_failure(error))
                raise
            _leave(token)
            if type(result) is CoroutineType:
                return _awaited(result, handle, inputs)
            inputs.result(handle, result)
            handle.end()
            return result

        return run

    def _begin(self, name: str, inputs: _Inputs, args: Any, kwargs: Any) -> Handle | NoHandle:
        handle = self.start(inputs.default_name(name))
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
                _leave(token)
                handle.end(_failure(error))
                raise
            _leave(token)
            inputs.result(handle, result)
            handle.end()
            return result

        return run

    def _generator(self, function: Any, name: str, inputs: _Inputs) -> Any:
        @functools.wraps(function)
        def run(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
            handle = self._begin(name, inputs, args, kwargs)
            hear = inputs.hearing(handle)
            inner: Generator[Any, Any, Any] | None = None
            resume: Callable[[], Any] | None = None
            try:
                while True:
                    # The step is current only while its own code runs, never at the yield.
                    token = handle.enter()
                    try:
                        if inner is None:
                            inner = function(*args, **kwargs)
                            item = next(inner)
                        else:
                            assert resume is not None
                            item = resume()
                    finally:
                        _leave(token)
                    if hear is not None:
                        hear(item)
                    try:
                        sent = yield item
                        resume = functools.partial(inner.send, sent)
                    except GeneratorExit:
                        resume = None
                        raise
                    except BaseException as thrown:
                        resume = functools.partial(inner.throw, thrown)
            except StopIteration as stop:
                handle.end()
                return stop.value
            except GeneratorExit:
                _close(inner, handle)
                handle.left()
                raise
            except BaseException as error:
                handle.end(_failure(error))
                raise

        return run

    def _async_generator(self, function: Any, name: str, inputs: _Inputs) -> Any:
        @functools.wraps(function)
        async def run(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
            handle = self._begin(name, inputs, args, kwargs)
            hear = inputs.hearing(handle)
            inner: AsyncGenerator[Any, Any] | None = None
            resume: Callable[[], Any] | None = None
            left = False
            try:
                while True:
                    token = handle.enter()
                    try:
                        if inner is None:
                            inner = function(*args, **kwargs)
                            item = await inner.__anext__()
                        else:
                            assert resume is not None
                            item = await resume()
                    finally:
                        _leave(token)
                    if hear is not None:
                        hear(item)
                    try:
                        sent = yield item
                        resume = functools.partial(inner.asend, sent)
                    except GeneratorExit:
                        resume = None
                        raise
                    except BaseException as thrown:
                        # Cancelled at the yield: an event loop that ends closes what was left.
                        left = _cancelled(thrown)
                        resume = functools.partial(inner.athrow, thrown)
            except StopAsyncIteration:
                handle.end()
            except GeneratorExit:
                token = handle.enter()
                try:
                    if inner is not None:
                        await inner.aclose()
                finally:
                    _leave(token)
                    handle.left()
                raise
            except BaseException as error:
                early = left and _cancelled(error)
                handle.end(None if early else _failure(error))
                raise

        return run


def _close(inner: Generator[Any, Any, Any] | None, handle: Handle | NoHandle) -> None:
    token = handle.enter()
    try:
        if inner is not None:
            inner.close()
    except BaseException as error:
        handle.end(_failure(error))
        raise
    finally:
        _leave(token)


async def _awaited(coroutine: Any, handle: Handle | NoHandle, inputs: _Inputs) -> Any:
    token = handle.enter()
    try:
        result = await coroutine
    except BaseException as error:
        _leave(token)
        handle.end(_failure(error))
        raise
    _leave(token)
    inputs.result(handle, result)
    handle.end()
    return result


def _leave(token: Token[Context] | None) -> None:
    if token is not None:
        ctx.detach(token)


def _cancelled(error: BaseException) -> bool:
    # By name: importing asyncio for it would cost each program's start.
    return type(error).__name__ == "CancelledError"


def _failure(error: BaseException | None) -> BaseException | None:
    """The error that makes a step a failed one: leaving a generator early is none."""
    return None if issubclass(type(error), GeneratorExit) else error


class _Inputs:
    """Arguments and result of a decorated function, as content."""

    def __init__(self, function: Any, kind: Kind, options: dict[str, Any]) -> None:
        self._kind = kind
        self._capture = options.get("capture", True)
        try:
            self._signature: inspect.Signature | None = inspect.signature(function)
        except (TypeError, ValueError):
            self._signature = None

    def default_name(self, function_name: str) -> str | None:
        return function_name

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

    def result(self, handle: Handle | NoHandle, result: Any) -> None:
        if not self._capture or not handle.wants_content or result is None:
            return
        # Nothing that can be consumed is looked into.
        if statics.iterates(result):
            return
        if isinstance(handle, Handle) and not handle._result:
            handle.set_result(result)
