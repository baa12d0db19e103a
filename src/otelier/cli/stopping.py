"""A wish to end that a signal's handler may tell, whatever the program is doing just then."""

from __future__ import annotations

import contextlib
import selectors
import signal
import socket
from collections.abc import Iterator
from typing import Any, Final

_ENDS: Final = (signal.SIGINT, signal.SIGTERM)


class Stop:
    """What ``threading.Event`` is to threads: that one's lock may be held when the signal comes."""

    def __init__(self) -> None:
        # A selector of the system's own: ``select`` knows no descriptor above 1,023, and a program
        # (or its parent) may hold that many.
        self._read, self._write = socket.socketpair()
        self._write.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._read, selectors.EVENT_READ)

    def set(self) -> None:
        """Tell it, for good."""
        with contextlib.suppress(OSError):
            self._write.send(b".")

    def is_set(self) -> bool:
        """Whether it was told."""
        return self.wait(0)

    def wait(self, seconds: float) -> bool:
        """Wait until it is told, but not longer; whether it was."""
        return bool(self._selector.select(seconds))

    def close(self) -> None:
        """Give back what it holds of the system."""
        self._selector.close()
        self._read.close()
        self._write.close()


@contextlib.contextmanager
def stopped() -> Iterator[Stop]:
    """What the first signal to end sets; a second one ends the process at once."""
    stop = Stop()
    before: dict[signal.Signals, Any] = {}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def end(*_: object) -> None:
        stop.set()
        restore()

    # Of another thread than the first none can be set.
    with contextlib.suppress(ValueError):
        for number in _ENDS:
            before[number] = signal.signal(number, end)
    try:
        yield stop
    finally:
        restore()
        stop.close()
