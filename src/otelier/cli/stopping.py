"""A wish to end that a signal's handler may tell, whatever the program is doing just then."""

from __future__ import annotations

import contextlib
import os
import select
import signal
from collections.abc import Iterator
from typing import Any, Final

_ENDS: Final = (signal.SIGINT, signal.SIGTERM)


class Stop:
    """What ``threading.Event`` is to threads: that one's lock may be held when the signal comes."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)

    def set(self) -> None:
        """Tell it, for good."""
        with contextlib.suppress(OSError):
            os.write(self._write, b".")

    def is_set(self) -> bool:
        """Whether it was told."""
        return self.wait(0)

    def wait(self, seconds: float) -> bool:
        """Wait until it is told, but not longer; whether it was."""
        return bool(select.select([self._read], [], [], seconds)[0])

    def close(self) -> None:
        """Give back what it holds of the system."""
        os.close(self._read)
        os.close(self._write)


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
