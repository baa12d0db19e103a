"""What a step gives back that is not done yet: the step lasts as long as that does.

Generators and coroutines are run inside the step, by a generator or coroutine of ours that has the
name of theirs; an SDK's stream stays the object it is, and the step ends with the model call that
it belongs to. Anything else ends the step at once.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Callable, Generator
from contextvars import Token
from functools import partial
from inspect import CO_ITERABLE_COROUTINE
from opcode import opmap
from types import (
    AsyncGeneratorType,
    CoroutineType,
    FunctionType,
    GeneratorType,
    NoneType,
    coroutine,
)
from typing import Any, Final, TypeAlias

from opentelemetry.context import Context

from otelier import context as ctx
from otelier import following, guard, leaving
from otelier.handle import Handle, NoHandle

AnyHandle: TypeAlias = Handle | NoHandle
# Takes the items of a generator, where they may be an answer.
Hear: TypeAlias = Callable[[Any], None] | None
# The step, its generator, and who hears; made when the first item is asked for.
Opened: TypeAlias = "Callable[[], tuple[AnyHandle, Any, Hear]]"

# What is all there, and what may hold something that is not.
_WHOLE: Final = (str, int, float, bool, bytes, NoneType)
_SEVERAL: Final = (dict, list, tuple)
# At which a generator stands that has not begun, in Python 3.11.
_CREATED: Final = opmap.get("RETURN_GENERATOR")


class Reading:
    """What the rest of a step needs of what was decorated."""

    __slots__ = ()

    def hearing(self, handle: AnyHandle) -> Hear:
        """What takes the items of a generator as they pass, where they may be an answer."""
        raise NotImplementedError

    def result(self, handle: AnyHandle, result: Any) -> None:
        """The step is done, and this came of it."""
        raise NotImplementedError

    def elsewhere(self, module: str) -> bool:
        """Whether what a model answers is the step's answer: the program reads it from there."""
        raise NotImplementedError


def leave(token: Token[Context] | Callable[[], None] | None) -> None:
    """The step's own code does not run any longer."""
    if callable(token):
        token()
    elif token is not None:
        ctx.detach(token)


def finish(result: Any, handle: AnyHandle, reading: Reading) -> Any:
    """End the step, now or with what it returned; what the program gets for ``result``."""
    if not handle.holds:
        return result
    try:
        kind = type(result)
        if kind is CoroutineType:
            return _named(_awaited(_Promised(handle, result), reading), result)
        if kind is GeneratorType:
            if result.gi_frame is not None and not result.gi_running:
                return _generator(result, handle, reading)
        elif kind is AsyncGeneratorType:
            if result.ag_frame is not None and not result.ag_running:
                return _async_generator(result, handle, reading)
        elif not _one_of(kind, _WHOLE):
            call = following.of(result)
            if call is not None and _ends_with(call, handle, reading):
                return result
            if not _one_of(kind, _SEVERAL) and _is_around(result, handle, reading):
                return result
    except Exception:
        guard.failed("returned.finish")
    reading.result(handle, result)
    handle.end()
    return result


def _one_of(kind: type, kinds: tuple[type, ...]) -> bool:
    # A class of the program's is not asked for its hash, nor whether it equals.
    for each in kinds:  # noqa: SIM110 - a generator costs a call each
        if kind is each:
            return True
    return False


def _generator(inner: Any, handle: AnyHandle, reading: Reading) -> Any:
    if reading.elsewhere(inner.gi_frame.f_globals.get("__name__")):
        handle.mirror()
    awaits = inner.gi_code.co_flags & CO_ITERABLE_COROUTINE
    read = awaited_pieces if awaits else pieces
    ours = _named(read(_Held(handle, inner, reading), inner.gi_suspended), inner)
    if inner.gi_suspended:
        # What is sent, thrown or closed next is for theirs.
        next(ours)
    return ours


def _async_generator(inner: Any, handle: AnyHandle, reading: Reading) -> Any:
    frame = inner.ag_frame
    if reading.elsewhere(frame.f_globals.get("__name__")):
        handle.mirror()
    begun: Any = getattr(inner, "ag_suspended", None)
    if begun is None:  # Before Python 3.12.
        begun = inner.ag_code.co_code[max(frame.f_lasti, 0)] != _CREATED
    ours = _named(apieces(_Held(handle, inner, reading), begun), inner)
    if begun:
        try:
            ours.asend(None).send(None)
        except StopIteration:
            pass
    return ours


def _named(ours: Any, theirs: Any) -> Any:
    ours.__name__, ours.__qualname__ = theirs.__name__, theirs.__qualname__
    return ours


def _ends_with(call: Any, handle: AnyHandle, reading: Reading) -> bool:
    """Let a step end with a model call; False where that is over."""

    def after(error: BaseException | None, how: str | None, answer: list[Any], now: int) -> None:
        if answer and isinstance(handle, Handle) and reading.elsewhere(""):
            handle.answered(answer)
        handle.over(error, how, now)

    return bool(call.then(after))


def _is_around(given: Any, handle: AnyHandle, reading: Reading) -> bool:
    """Whether a step goes on until ``given`` has sent a request, and that is answered."""
    if not following.lazies:
        return False
    around = _Around(handle, reading)
    if any(lazy(given, around) for lazy in following.lazies):
        return True
    around.handle = None
    return False


class _Around:
    """The step around a request that was not sent yet; ends it where it never is."""

    __slots__ = ("handle", "reading", "theirs")

    def __init__(self, handle: AnyHandle, reading: Reading) -> None:
        self.handle: AnyHandle | None = handle
        self.reading = reading
        # A coroutine that nobody else has: it would complain as well as ours.
        self.theirs: Any = None

    def __call__(self, request: Any) -> Any:
        if type(request) is CoroutineType:
            self.theirs = request
            return _named(self._asent(), request)

        def send(*args: Any, **kwargs: Any) -> Any:
            handle = self._take()
            if handle is None:
                return request(*args, **kwargs)
            token = handle.enter()
            try:
                given = request(*args, **kwargs)
            except BaseException as error:
                leave(token)
                handle.end(error)
                raise
            leave(token)
            return self._given(handle, given)

        return send

    async def _asent(self) -> Any:
        theirs, self.theirs = self.theirs, None
        handle = self._take()
        assert handle is not None
        token = handle.enter()
        try:
            given = await theirs
        except BaseException as error:
            leave(token)
            handle.end(error)
            raise
        leave(token)
        return self._given(handle, given)

    def _take(self) -> AnyHandle | None:
        handle, self.handle = self.handle, None
        return handle

    def _given(self, handle: AnyHandle, given: Any) -> Any:
        call = following.of(given)
        if call is None or not _ends_with(call, handle, self.reading):
            handle.end()
        return given

    def __del__(self) -> None:
        if self.theirs is not None:
            self.theirs.close()
        if self.handle is not None:
            self.handle.left(leaving.ABANDONED)


class _Held:
    """The step of a generator that was not begun to be read; ends it where that is dropped."""

    __slots__ = ("_handle", "_inner", "_reading")

    def __init__(self, handle: AnyHandle, inner: Any, reading: Reading) -> None:
        self._handle: AnyHandle | None = handle
        self._inner = inner
        self._reading = reading

    def __call__(self) -> tuple[AnyHandle, Any, Hear]:
        handle, inner = self._handle, self._inner
        assert handle is not None
        self._handle = self._inner = None
        return handle, inner, self._reading.hearing(handle)

    def __del__(self) -> None:
        if self._handle is not None:
            self._handle.left(leaving.ABANDONED)


class _Promised:
    """The step of a coroutine that was not awaited yet; ends it where that is dropped.

    Theirs is closed then: it would complain as well as ours, or in the place of one that was
    closed.
    """

    __slots__ = ("_handle", "_theirs")

    def __init__(self, handle: AnyHandle, theirs: Any) -> None:
        self._handle: AnyHandle | None = handle
        self._theirs = theirs

    def take(self) -> tuple[AnyHandle, Any]:
        handle, theirs = self._handle, self._theirs
        assert handle is not None
        self._handle = self._theirs = None
        return handle, theirs

    def __del__(self) -> None:
        if self._handle is None:
            return
        handle, theirs = self.take()
        # Who has it as well may await it.
        if not _shared(theirs):
            theirs.close()
        handle.left(leaving.ABANDONED)


def pieces(opened: Opened, begun: bool = False) -> Generator[Any, Any, Any]:
    """A generator of a step, which is current only while its own code runs, never at the yield.

    ``begun``: theirs stands at a yield. Then ours stops at one first.
    """
    handle, inner, hear = opened()
    del opened  # It may hold theirs.
    step: Callable[[], Any] | None = None if begun else inner.__next__
    item: Any = None
    try:
        while True:
            if step is not None:
                token = handle.enter()
                try:
                    item = step()
                finally:
                    leave(token)
                    step = None
                if hear is not None:
                    hear(item)
            try:
                sent = yield item
                step = partial(inner.send, sent)
            except GeneratorExit:
                raise
            except BaseException as thrown:
                step = partial(inner.throw, thrown)
    except StopIteration as stop:
        handle.end()
        return stop.value
    except GeneratorExit as gone:
        # Who has theirs as well may go on with it; else it is closed when this is gone.
        told = None if _shared(inner) else _closed(inner, handle)
        handle.end(gone)
        if told is not None:
            return told
        raise
    except BaseException as error:
        handle.end(error)
        raise


# The same of a coroutine of the old kind, which is awaited.
awaited_pieces: Any = coroutine(FunctionType(pieces.__code__, globals(), "", (False,)))


def _references(inner: Any) -> int:
    count: Any = getattr(sys, "getrefcount", None)
    return 0 if count is None else int(count(inner))


def _of_one() -> int:
    inner = iter(())
    return _references(inner)


_ONE: Final = _of_one()


def _shared(inner: Any) -> bool:
    """Whether somebody beside the caller's variable has a generator."""
    # One more for this function's own.
    return _references(inner) > _ONE + 1


def _closed(inner: Any, handle: AnyHandle) -> Any:
    """Close their generator; since Python 3.13 it may tell something."""
    token = handle.enter()
    try:
        return inner.close()
    except BaseException as error:
        handle.end(error)
        raise
    finally:
        leave(token)


async def apieces(opened: Opened, begun: bool = False) -> AsyncGenerator[Any, Any]:
    """The same of an asynchronous generator."""
    handle, inner, hear = opened()
    del opened
    step: Callable[[], Any] | None = None if begun else inner.__anext__
    item: Any = None
    left = False
    try:
        while True:
            if step is not None:
                token = handle.enter()
                try:
                    item = await step()
                finally:
                    leave(token)
                    step = None
                if hear is not None:
                    hear(item)
            try:
                sent = yield item
                step = partial(inner.asend, sent)
            except GeneratorExit:
                raise
            except BaseException as thrown:
                # Cancelled at the yield: an event loop that ends closes what was left.
                left = leaving.a_cancellation(thrown)
                step = partial(inner.athrow, thrown)
    except StopAsyncIteration:
        handle.end()
    except GeneratorExit as gone:
        token = handle.enter()
        try:
            # An event loop that ends may be at it already.
            if not inner.ag_running and not _shared(inner):
                await inner.aclose()
        except BaseException as error:
            handle.end(error)
            raise
        finally:
            leave(token)
        handle.end(gone)
        raise
    except BaseException as error:
        if left and leaving.a_cancellation(error):
            handle.left(leaving.CANCELLED)
        handle.end(error)
        raise


async def _awaited(promised: _Promised, reading: Reading) -> Any:
    handle, theirs = promised.take()
    token = handle.enter()
    try:
        result = await theirs
    except BaseException as error:
        leave(token)
        handle.end(error)
        raise
    leave(token)
    return finish(result, handle, reading)
