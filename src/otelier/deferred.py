"""Ends that the garbage collector could not do where it ran, kept for later.

The collector may run anywhere, also where this thread holds a lock of OpenTelemetry's, which ending
a span would take again: there an end waits for the next span or flush.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from otelier import forks

# What waits for :func:`drain`.
waiting: Final[deque[Callable[[], None]]] = deque()
# They are the parent's to end.
forks.in_child(waiting.clear)

# Code that holds locks which ending a span may take.
_LOCKING: Final = ("opentelemetry.sdk", "opentelemetry.exporter", "otelier.cost", "otelier.blobs")


def inside_telemetry() -> bool:
    """Whether this thread may hold a lock that ending a span takes."""
    frame: Any = sys._getframe(2)
    while frame is not None:
        if frame.f_globals.get("__name__", "").startswith(_LOCKING):
            return True
        frame = frame.f_back
    return False


def defer(end: Callable[[], None]) -> None:
    """End something at the next :func:`drain`."""
    waiting.append(end)


def drain() -> None:
    """End what the garbage collector could not end where it ran."""
    while waiting:
        try:
            end = waiting.popleft()
        except IndexError:
            return
        end()
