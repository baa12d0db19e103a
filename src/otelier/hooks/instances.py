"""Streams whose class has ``__next__`` itself: observed instance by instance, nothing of theirs
replaced.

The methods of the class are wrapped when the first stream of it is seen. What belongs to an
instance is held weakly: where the instance is let go of, its call ends.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from functools import wraps
from typing import Any, Final, TypeAlias

from otelier import forks, guard, under_way
from otelier.call import Call
from otelier.hooks.patching import Patches
from otelier.protocols import Take

# The last event for the call's reader, made when the stream ends; after one chunk at least.
Ending: TypeAlias = Callable[[], Any]


class Observed:
    """What is known of one stream."""

    __slots__ = ("__weakref__", "_ending", "_look", "call", "running")

    def __init__(self, call: Call, ending: Ending) -> None:
        self.call = call
        # Whether a method of the stream's runs, which may call another.
        self.running = False
        self._ending = ending
        self._look: Take | None = None
        under_way.note(weakref.ref(self, under_way.forget))

    @property
    def begun(self) -> bool:
        """Whether an item came."""
        return self._look is not None

    def look(self, item: Any) -> None:
        """An item, on its way to the user."""
        try:
            if self._look is None:
                self._look = self.call.begin_chunks(item)
            self._look(item)
        except Exception:
            guard.failed("instances.look")

    def over(self) -> None:
        """Nothing more will be looked at: the last event for the reader."""
        try:
            if self._look is not None and not self.call.ended:
                self._look(self._ending())
        except Exception:
            guard.failed("instances.over")

    @property
    def span(self) -> Any:
        """The span of its call."""
        return self.call.span

    def abandoned(self) -> None:
        """The stream is gone, or the program ends before it."""
        if not self.call.ended:
            self.over()
            self.call.abandoned()

    def __del__(self) -> None:
        self.abandoned()


_all: Final[weakref.WeakSet[Streams]] = weakref.WeakSet()


@forks.in_child
def _forked() -> None:
    for streams in tuple(_all):
        streams.renew()


class Streams:
    """The streams of one library's classes."""

    def __init__(self, patches: Patches, package: str) -> None:
        self._patches = patches
        self._package = package
        self._lock = threading.Lock()
        _all.add(self)
        self._classes: set[type] = set()
        self._held: weakref.WeakKeyDictionary[Any, Observed] = weakref.WeakKeyDictionary()

    def renew(self) -> None:
        """Another thread of the parent of this process may have held the lock."""
        self._lock = threading.Lock()

    def observe(self, stream: Any, call: Call, ending: Ending) -> bool:
        """Observe a stream; False for what is none, or none of the library's."""
        kind = type(stream)
        if not (hasattr(kind, "__next__") or hasattr(kind, "__anext__")):
            return False
        # Also where nobody looks: the request may leave with the first item, and is this call's.
        if not kind.__module__.startswith(self._package):
            return False
        self._watch(kind)
        self._held[stream] = Observed(call, ending)
        return True

    def _watch(self, kind: type) -> None:
        with self._lock:
            for owner in kind.__mro__:
                if owner in self._classes or not owner.__module__.startswith(self._package):
                    continue
                self._classes.add(owner)
                for name, wrapper in _METHODS.items():
                    if name in owner.__dict__:
                        self._patches.replace(owner, name, wrapper(self, owner.__dict__[name]))

    def of(self, stream: Any) -> Observed | None:
        """What is known of a stream, if it is to be observed now."""
        try:
            held = self._held.get(stream)
        except TypeError:  # A stream of the same class that cannot be looked up.
            return None
        return None if held is None or held.running or held.call.ended else held


def _next(streams: Streams, original: Any) -> Any:
    @wraps(original)
    def step(stream: Any) -> Any:
        held = streams.of(stream)
        if held is None:
            return original(stream)
        # The request may leave with the first item only.
        token = None if held.begun else held.call.enter()
        held.running = True
        try:
            item = original(stream)
        except StopIteration:
            held.over()
            held.call.end()
            raise
        except BaseException as error:
            held.over()
            held.call.fail(error)
            raise
        finally:
            held.running = False
            held.call.leave(token)
        held.look(item)
        return item

    return step


def _anext(streams: Streams, original: Any) -> Any:
    @wraps(original)
    async def step(stream: Any) -> Any:
        held = streams.of(stream)
        if held is None:
            return await original(stream)
        token = None if held.begun else held.call.enter()
        held.running = True
        try:
            item = await original(stream)
        except StopAsyncIteration:
            held.over()
            held.call.end()
            raise
        except BaseException as error:
            held.over()
            held.call.fail(error)
            raise
        finally:
            held.running = False
            held.call.leave(token)
        held.look(item)
        return item

    return step


def _close(streams: Streams, original: Any) -> Any:
    @wraps(original)
    def close(stream: Any, *args: Any, **kwargs: Any) -> Any:
        _left(streams, stream)
        return original(stream, *args, **kwargs)

    return close


def _aclose(streams: Streams, original: Any) -> Any:
    @wraps(original)
    async def aclose(stream: Any, *args: Any, **kwargs: Any) -> Any:
        _left(streams, stream)
        return await original(stream, *args, **kwargs)

    return aclose


def _left(streams: Streams, stream: Any) -> None:
    held = streams.of(stream)
    if held is not None:
        held.over()
        held.call.end("closed")


_METHODS = {"__next__": _next, "__anext__": _anext, "close": _close, "aclose": _aclose}
