"""Around a function of a library's that is one step: a tool that it runs, an agent, a search."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from otelier import guard, returned
from otelier.handle import Handle, NoHandle
from otelier.returned import Hear, leave

Wrapper: TypeAlias = Callable[[Any, Any, Any, Any], Any]
Open: TypeAlias = Callable[[Any, Any, Any], "Handle | NoHandle | None"]
Close: TypeAlias = Callable[[Handle | NoHandle, Any], None]
# What was raised in it, of what the library raises in its place; None where nothing has failed.
Blame: TypeAlias = Callable[[BaseException], "BaseException | None"]
# What a result holds that is not done yet, and what puts the step's own in its place.
Pending: TypeAlias = Callable[
    ["Handle | NoHandle", Any], "tuple[Any, Callable[[Any], None]] | None"
]
# What takes the items of a step's generator as they pass, and never raises.
Hearing: TypeAlias = "Callable[[Handle | NoHandle], Hear]"


def itself(error: BaseException) -> BaseException:
    """The error, where what a library raises is what was raised in it."""
    return error


class _Rest(returned.Reading):
    """What is left of a step whose function has returned."""

    __slots__ = ("_finish", "_hearing")

    def __init__(self, finish: Close, hearing: Hearing | None) -> None:
        self._finish = finish
        self._hearing = hearing

    def hearing(self, handle: Handle | NoHandle) -> Hear:
        return None if self._hearing is None else self._hearing(handle)

    def result(self, handle: Handle | NoHandle, result: Any) -> None:
        try:
            self._finish(handle, result)
        except Exception:
            guard.failed("stepping.finish")

    def elsewhere(self, module: str) -> bool:
        return False


def around(
    begin: Open,
    finish: Close,
    blame: Blame = itself,
    *,
    lasts: bool = False,
    pending: Pending | None = None,
    hearing: Hearing | None = None,
) -> tuple[Wrapper, Wrapper]:
    """The synchronous and the asynchronous wrapper of a function that is one step.

    ``begin(owner, args, kwargs)`` begins the step, or gives None where it is not to be seen;
    ``finish(handle, result)`` tells it what came of it; the step is current in between. Neither
    needs a guard of its own. ``lasts``: where a generator is returned, the step goes on until that
    is read, closed or dropped, and is current while its own code runs; ``pending(handle, result)``
    finds it where it is a part of what is returned. ``finish`` is not called then, but
    ``hearing(handle)`` gives what hears its items.
    """
    rest = _Rest(finish, hearing)

    def opened(owner: Any, args: Any, kwargs: Any) -> Handle | NoHandle | None:
        try:
            return begin(owner, args, kwargs)
        except Exception:
            guard.failed("stepping.begin")
            return None

    def closed(handle: Handle | NoHandle, result: Any) -> Any:
        if lasts:
            return returned.finish(result, handle, rest)
        try:
            found = pending(handle, result) if pending is not None else None
            if found is not None:
                theirs, put = found
                put(returned.finish(theirs, handle, rest))
                return result
        except Exception:
            guard.failed("stepping.pending")
        rest.result(handle, result)
        handle.end()
        return result

    def run(wrapped: Callable[..., Any], owner: Any, args: Any, kwargs: Any) -> Any:
        handle = opened(owner, args, kwargs)
        if handle is None:
            return wrapped(*args, **kwargs)
        token = handle.enter()
        try:
            result = wrapped(*args, **kwargs)
        except BaseException as error:
            leave(token)
            handle.end(blame(error))
            raise
        leave(token)
        return closed(handle, result)

    async def arun(
        wrapped: Callable[..., Awaitable[Any]], owner: Any, args: Any, kwargs: Any
    ) -> Any:
        handle = opened(owner, args, kwargs)
        if handle is None:
            return await wrapped(*args, **kwargs)
        token = handle.enter()
        try:
            result = await wrapped(*args, **kwargs)
        except BaseException as error:
            leave(token)
            handle.end(blame(error))
            raise
        leave(token)
        return closed(handle, result)

    return run, arun
