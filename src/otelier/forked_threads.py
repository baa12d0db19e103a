"""The OpenTelemetry SDK's threads in programs that gevent patches, where otelier set the SDK up.

In a forked child the SDK starts them while the fork is going on. gevent, whose own handler comes
after that, expects none there and gives up half-way (``gevent.threading._ForkHooks``): they start
with the next span instead. What they wait for was made before gevent came, if otelier runs since
the program's start, and would hold all greenlets up: it is made anew. And a thread that was there
before gevent is not found by the number it has since, which Python tells with a traceback when it
ends.

Without gevent all is as the SDK has it.
"""

from __future__ import annotations

import _thread
import atexit
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from importlib import import_module
from typing import Any, Final

from otelier import deferred, guard

# What starts a thread in forked children, and its method that does.
_OWNERS: Final = (
    ("opentelemetry.sdk._shared_internal", "BatchProcessor"),
    ("opentelemetry.sdk.metrics._internal.export", "PeriodicExportingMetricReader"),
)
_THREADS: Final = ("_worker_thread", "_daemon_thread")
_NATIVE_LOCK: Final = type(_thread.allocate_lock())
_METHOD: Final = "_at_fork_reinit"
# Objects of the SDK hold them weakly.
_kept: Final[list[Any]] = []


@contextmanager
def made_here() -> Iterator[None]:
    """What the SDK makes meanwhile starts its threads after forks of a program with gevent."""
    replaced: list[tuple[Any, Any]] = []
    try:
        for module, name in _OWNERS:
            owner: Any = getattr(import_module(module), name, None)
            original = owner.__dict__.get(_METHOD) if owner is not None else None
            if original is not None:
                setattr(owner, _METHOD, _after(original))
                replaced.append((owner, original))
    except Exception:
        guard.failed("forked_threads.replace")
    try:
        yield
    finally:
        for owner, original in replaced:
            setattr(owner, _METHOD, original)


def _after(original: Callable[[Any], None]) -> Callable[[Any], None]:
    def reinit(held: Any) -> None:
        if not _patched():
            original(held)
            ends_quietly(held)
            return
        # What the parent has not sent is the parent's.
        waiting = getattr(held, "_queue", None)
        if waiting is not None:
            waiting.clear()
        deferred.defer(lambda: _once(original, held))
        # Before the SDK's own handler, which waits for a thread that has been started.
        atexit.unregister(deferred.drain)
        atexit.register(deferred.drain)

    _kept.append(reinit)
    return reinit


def _once(original: Callable[[Any], None], held: Any) -> None:
    # A log record that came first has done it.
    if getattr(held, "_pid", None) == os.getpid():
        return
    exporter = getattr(held, "_exporter", None)
    for each in (held, exporter, getattr(exporter, "_client", None)):
        for name, value in tuple(getattr(each, "__dict__", {}).items()):
            # A lock of the parent's may be held here for ever, too.
            if type(value) is _NATIVE_LOCK:
                setattr(each, name, threading.Lock())
            elif type(value).__name__ == "Event" and not value.is_set():
                setattr(each, name, threading.Event())
    original(held)


def ends_quietly(held: Any) -> None:
    """The thread of ``held`` may end under another number than it began with."""
    for name in _THREADS:
        thread = getattr(held, name, None)
        if thread is not None and hasattr(thread, "_delete"):
            thread._delete = partial(_forget, thread)


def _forget(thread: Any) -> None:
    with suppress(KeyError):
        type(thread)._delete(thread)


def _patched() -> bool:
    """Whether threads are gevent's."""
    monkey: Any = sys.modules.get("gevent.monkey")
    return monkey is not None and bool(monkey.is_module_patched("threading"))
