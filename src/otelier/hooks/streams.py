"""Streams are observed on the SDK's own instances: no proxies, no buffering.

The iterator inside a stream is replaced by one that looks at each item on its way, is pickled and
copied as what it replaces, and the HTTP response tells when the user leaves early.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from types import AsyncGeneratorType, GeneratorType
from typing import Any, TypeAlias

from otelier import guard
from otelier.call import Call
from otelier.hooks import responses
from otelier.hooks.beside import InPlace
from otelier.protocols import Take

# Takes the response, and a function that tells whether it is the stream itself that reads now;
# gives the list of those who read it instead, which knows whether they do just now.
ByOther: TypeAlias = Callable[[Any, Callable[[], bool]], Sequence[Any]]
# Gives an item as the protocol reads it, or None where it is no chunk (a comment, an empty line).
# None in its place: items as they are.
Parse: TypeAlias = "Callable[[Any], Any] | None"


class _Observed(InPlace):
    """The items of a stream, observed."""

    __slots__ = ("__weakref__", "_call", "_inner", "_look", "_parse", "let_go", "others")

    def __init__(self, inner: Any, call: Call, parse: Parse = None) -> None:
        self._inner = inner
        self._call = call
        self._parse = parse
        self._look: Take | None = None
        self.let_go: Callable[[], None] | None = None
        self.others: Sequence[Any] = ()

    def _seen(self, item: Any) -> Take:
        """Look at an item; what looks at the next ones, which does so unguarded."""
        try:
            look = self._look
            if look is None:
                self._look = look = looking(self._call, self._parse, item)
            look(item)
            return look
        except Exception:
            guard.failed("streams.look")
            return self._seen

    def _over(self) -> None:
        """There are no more."""
        self._look = None
        self._call.end()

    def _raised(self, error: BaseException) -> None:
        """The SDK has raised, unless it said that somebody else reads just now."""
        inner = self._inner
        try:
            if getattr(inner, "gi_running", False) or getattr(inner, "ag_running", False):
                return
        except Exception:
            guard.failed("streams.raised")
        self._call.fail(error)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def __del__(self) -> None:
        if not self.others:
            self._call.abandoned()
        if self.let_go is not None:
            self.let_go()


class Items(_Observed):
    """The items of a synchronous stream, observed."""

    __slots__ = ()

    def __iter__(self) -> Iterator[Any]:
        return self._each() if type(self._inner) is GeneratorType else self

    def __next__(self) -> Any:
        try:
            item = next(self._inner)
        except StopIteration:
            self._over()
            raise
        except BaseException as error:
            self._raised(error)
            raise
        self._seen(item)
        return item

    def _each(self) -> Iterator[Any]:
        """The items for a loop: those of a generator cost it a third of what ``__next__`` does."""
        items = self._inner
        try:
            for item in items:
                look = self._seen(item)
                yield item
                break
            for item in items:
                try:
                    look(item)
                except Exception:
                    guard.failed("streams.look")
                yield item
        except GeneratorExit:
            raise  # The loop was left; whoever has the stream may read on.
        except BaseException as error:
            self._raised(error)
            raise
        self._over()


class AsyncItems(_Observed):
    """The items of an asynchronous stream, observed."""

    __slots__ = ()

    def __aiter__(self) -> AsyncIterator[Any]:
        if type(self._inner) is AsyncGeneratorType:
            try:
                return unannounced(self._each())
            except Exception:
                guard.failed("streams.each")
        return self

    async def __anext__(self) -> Any:
        try:
            item = await self._inner.__anext__()
        except StopAsyncIteration:
            self._over()
            raise
        except BaseException as error:
            self._raised(error)
            raise
        self._seen(item)
        return item

    async def _each(self) -> AsyncGenerator[Any, None]:
        """The same for a loop; the first is nothing, see :func:`unannounced`."""
        yield
        items = self._inner
        left = False
        try:
            async for item in items:
                look = self._seen(item)
                try:
                    yield item
                except GeneratorExit:
                    left = True
                    raise
                break
            async for item in items:
                try:
                    look(item)
                except Exception:
                    guard.failed("streams.look")
                try:
                    yield item
                except GeneratorExit:
                    left = True
                    raise
        except GeneratorExit as error:
            if not left:  # It came while the SDK waited, which nobody can any more.
                self._call.fail(error)
            raise
        except BaseException as error:
            self._raised(error)
            raise
        self._over()


def unannounced(each: AsyncGenerator[Any, None]) -> AsyncGenerator[Any, None]:
    """An asynchronous generator, begun without the knowledge of the event loop.

    It has nothing to close when it is let go of. A loop that knew it would make a task for that,
    and warn of it at its own end, where without us it has nothing to do.
    """
    hooks = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(None, None)
    try:
        anext(each).__await__().send(None)
    except StopIteration:
        pass
    finally:
        sys.set_asyncgen_hooks(*hooks)
    return each


def elsewhere(item: Any) -> None:
    """As ``parse``: the items are handed to the call at another place; here only the end shows."""


def looking(call: Call, parse: Parse, first: Any) -> Take:
    """What looks at the items of a stream, of which ``first`` is the first."""
    if parse is None:
        return call.begin_chunks(first)
    if parse is elsewhere:
        call.begin_chunks(first)
        return elsewhere
    take: Take | None = None

    def look(item: Any) -> None:
        nonlocal take
        chunk = parse(item)
        if chunk is not None:
            if take is None:
                take = call.begin_chunks(chunk)
            take(chunk)

    return look


async def aclosed(inner: Any) -> None:
    """Close an SDK's generator, unless the event loop is at it already, as when it ends."""
    aclose = getattr(inner, "aclose", None)
    if aclose is not None and not getattr(inner, "ag_running", False):
        await aclose()


def items(inner: Any, call: Call, parse: Parse = None) -> Items | AsyncItems:
    """An iterator that the SDK itself iterates and whose type nobody sees, observed."""
    return (
        AsyncItems(inner, call, parse) if hasattr(inner, "__anext__") else Items(inner, call, parse)
    )


def observe(stream: Any, call: Call, by_other: ByOther | None = None) -> None:
    """Observe an SDK's stream (``_iterator`` and its HTTP response), which stays as it is.

    ``by_other`` sees to a response that somebody else than the stream reads: helpers of older SDKs
    make a stream of their own from it.
    """
    inner = stream._iterator
    stream._iterator = observed = items(inner, call)
    response = getattr(stream, "response", None) or getattr(stream, "http_response", None)
    follow(observed, inner, response, call, by_other)


def follow(
    observed: Items | AsyncItems,
    inner: Any,
    response: Any,
    call: Call,
    by_other: ByOther | None = None,
) -> None:
    """Know when the ``response`` that the generator ``inner`` reads is closed early."""
    prefix = "ag" if isinstance(observed, AsyncItems) else "gi"
    running, frame = f"{prefix}_running", f"{prefix}_frame"
    generator = _reference(inner)

    def left() -> None:
        # The SDK closes the response from inside its generator, and once more when the generator
        # has ended and lets go of what it held: neither is an early exit.
        held = generator()
        if any(other.running for other in items_others):
            return  # Whoever reads the response will tell how it ends.
        if held is None:
            # The garbage collector has it: its end closes the response.
            call.abandoned()
        elif not (getattr(held, running, False) or getattr(held, frame, 0) is None):
            call.end("closed")

    def reading_myself() -> bool:
        held = generator()
        return held is not None and bool(getattr(held, running, False))

    items_others = by_other(response, reading_myself) if by_other is not None else ()
    observed.others = items_others
    observed.let_go = responses.on_close(response, left)


def _reference(value: Any) -> Callable[[], Any]:
    # A strong one would keep a dropped stream alive through its response.
    try:
        return weakref.ref(value)
    except TypeError:
        kind = type(value)
        return lambda: kind
