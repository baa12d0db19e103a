"""SDKs whose streams are plain generators: the user gets a generator too, which looks on.

A generator function sends nothing before its first ``next``: then the call begins, too, and one
that is never iterated is no call.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from typing import Any

from otelier import context as ctx
from otelier import guard
from otelier.call import Call
from otelier.hooks.streams import Parse, aclosed, looking
from otelier.protocols import Take


def lazily(inner: Any, opened: Callable[[], Call | None], parse: Parse = None) -> Any:
    """A generator that sends its request with its first item, observed from then on.

    ``opened`` begins the call, or gives None where it is not to be seen. It belongs to where the
    generator was made, wherever that is read.
    """
    called = ctx.current()

    def guarded() -> Call | None:
        token = ctx.attach(called)
        try:
            return opened()
        except Exception:
            guard.failed("generators.open")
            return None
        finally:
            ctx.detach(token)

    return _observed(inner, guarded, parse)


def eagerly(inner: Any, call: Call, parse: Parse = None) -> Any:
    """A generator that the SDK made after it sent the request, observed.

    For generators that the SDK itself iterates see :func:`otelier.hooks.streams.items`.
    """
    return _observed(inner, _Begun(call), parse)


class _Begun:
    """Gives the call to the generator; ends it where that is dropped before its first item."""

    __slots__ = ("_call", "_given")

    def __init__(self, call: Call) -> None:
        self._call = call
        self._given = False

    def __call__(self) -> Call:
        self._given = True
        return self._call

    def __del__(self) -> None:
        if not self._given:
            self._call.abandoned()


def _observed(inner: Any, opened: Callable[[], Call | None], parse: Parse) -> Any:
    ours: Any = (_aitems if hasattr(inner, "__anext__") else _items)(inner, opened, parse)
    try:
        ours.__name__, ours.__qualname__ = inner.__name__, inner.__qualname__
    except Exception:
        guard.failed("generators.named")
    return ours


def _items(
    inner: Iterator[Any], opened: Callable[[], Call | None], parse: Parse
) -> Generator[Any, Any, Any]:
    call = opened()
    if call is None:
        return (yield from inner)
    look: Take | None = None
    # The request leaves with the first item; later ones come while the user's context is current.
    token = call.enter()
    step: Callable[[], Any] | None = None
    try:
        while True:
            try:
                item = next(inner) if step is None else step()
            except StopIteration as stop:
                call.end()
                return stop.value
            except BaseException as error:
                call.fail(error)
                raise
            finally:
                if token is not None:
                    call.leave(token)
                    token = None
            try:
                if look is None:
                    look = looking(call, parse, item)
                look(item)
            except Exception:
                guard.failed("generators.look")
            try:
                sent = yield item
                step = None if sent is None else _send(inner, sent)
            except GeneratorExit:
                raise
            except BaseException as error:
                step = _throw(inner, error)
    except GeneratorExit:
        # First, as closing may raise.
        call.end("closed")
        _closed(inner)
        raise


def _send(inner: Any, value: Any) -> Callable[[], Any]:
    return lambda: inner.send(value)


def _throw(inner: Any, error: BaseException) -> Callable[[], Any]:
    return lambda: inner.throw(error)


def _closed(inner: Any) -> None:
    close = getattr(inner, "close", None)
    if close is not None:
        close()


async def _aitems(
    inner: Any, opened: Callable[[], Call | None], parse: Parse
) -> AsyncGenerator[Any, Any]:
    call = opened()
    look: Take | None = None
    token = None if call is None else call.enter()
    step: Callable[[], Any] | None = None
    try:
        while True:
            try:
                item = await (inner.__anext__() if step is None else step())
            except StopAsyncIteration:
                if call is not None:
                    call.end()
                return
            except BaseException as error:
                if call is not None:
                    call.fail(error)
                raise
            finally:
                if call is not None and token is not None:
                    call.leave(token)
                    token = None
            try:
                if look is not None:
                    look(item)
                elif call is not None:
                    look = looking(call, parse, item)
                    look(item)
            except Exception:
                guard.failed("generators.look")
            try:
                sent = yield item
                step = None if sent is None else _asend(inner, sent)
            except GeneratorExit:
                raise
            except BaseException as error:
                step = _athrow(inner, error)
    except GeneratorExit:
        # First, as closing may raise, wait, or be cancelled.
        if call is not None:
            call.end("closed")
        await aclosed(inner)
        raise


def _asend(inner: Any, value: Any) -> Callable[[], Any]:
    return lambda: inner.asend(value)


def _athrow(inner: Any, error: BaseException) -> Callable[[], Any]:
    return lambda: inner.athrow(error)
