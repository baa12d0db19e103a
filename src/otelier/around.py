"""What holds while a part of a program runs: a context manager, and a decorator of functions."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

from opentelemetry.context import Context

from otelier import context as ctx
from otelier import guard
from otelier.declared import lazily
from otelier.handle import NoHandle
from otelier.returned import Hear, Reading, apieces, finish, leave, pieces

F = TypeVar("F", bound=Callable[..., Any])
Self = TypeVar("Self", bound="Around")


class Around:
    """Puts something into the context of what runs inside; several tasks may share one."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held: list[ctx.Use] = []

    def _inside(self, held: Context) -> Context:
        """``held`` with what is to hold inside."""
        raise NotImplementedError

    def _enter(self) -> None:
        """It is entered, beside the context."""

    def _leave(self) -> None:
        """It is left, maybe in another task than that which entered it."""

    def _within(self, held: Context) -> Context:
        try:
            return self._inside(held)
        except Exception:
            guard.failed("around")
            return held

    # --- context manager -------------------------------------------------------------------

    def __enter__(self: Self) -> Self:
        self._held.append(ctx.Use(ctx.attach(self._within(ctx.current()))))
        self._enter()
        return self

    def __exit__(self, *exception: object) -> None:
        self._leave()
        ctx.leave(self._held)

    async def __aenter__(self: Self) -> Self:
        return self.__enter__()

    async def __aexit__(self, *exception: object) -> None:
        self.__exit__()

    # --- decorator -------------------------------------------------------------------------

    def __call__(self, function: F) -> F:
        """Decorate a function of any kind, which stays of that kind; it holds while that runs.

        Also while a coroutine, a generator or an SDK's stream runs that it returns; of generators
        while their own code runs, never where they yield.
        """
        return cast(F, self._decorated(function))

    def _decorated(self, function: Any) -> Any:
        if isinstance(function, staticmethod | classmethod):
            return type(function)(self._decorated(function.__func__))
        for asks, read, flag in (
            (inspect.isasyncgenfunction, apieces, inspect.CO_ASYNC_GENERATOR),
            (inspect.isgeneratorfunction, pieces, inspect.CO_GENERATOR),
        ):
            if asks(function):
                return lazily(function, read, flag, self._begin)
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def arun(*args: Any, **kwargs: Any) -> Any:
                inside = self._begin(ctx.current(), args, kwargs)[0]
                token = inside.enter()
                try:
                    result = await function(*args, **kwargs)
                finally:
                    leave(token)
                return finish(result, inside, _SILENT)

            return arun

        @functools.wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            inside = self._begin(ctx.current(), args, kwargs)[0]
            token = inside.enter()
            try:
                result = function(*args, **kwargs)
            finally:
                leave(token)
            return finish(result, inside, _SILENT)

        return run

    def _begin(self, called: Context, _args: Any, _kwargs: Any) -> tuple[_Inside, None]:
        return _Inside(self, self._within(called)), None


class _Inside(NoHandle):
    """Stands for a step where there is none: a context that is current while code runs."""

    holds = True

    def __init__(self, around: Around, context: Context) -> None:
        self._around = around
        self._context = context

    def enter(self) -> Any:
        """Make it current; what it gives leaves it."""
        token = ctx.attach(self._context)
        self._around._enter()

        def left() -> None:
            self._around._leave()
            ctx.detach(token)

        return left


class _Silent(Reading):
    """Nobody wants to know what comes of it."""

    __slots__ = ()

    def hearing(self, handle: object) -> Hear:
        """Nobody hears."""
        return None

    def result(self, handle: object, result: Any) -> None:
        """Nothing."""

    def elsewhere(self, module: object) -> bool:
        """There is no answer."""
        return False


_SILENT: Final = _Silent()
