"""What was received, on its way into the store: one thread writes what all requests wait for."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from otelier.store.sharing import Pruner, fault, of_the_store
from otelier.store.spans import StoredLog, StoredSpan
from otelier.store.writer import Writer
from otelier.web.refusing import RefusedError

# About so many spans and logs are one transaction: other programs write into the store, too.
_TOGETHER: Final = 1000


@dataclass(slots=True, eq=False)
class _Part:
    """Something that a request waits for."""

    spans: Sequence[StoredSpan]
    logs: Sequence[StoredLog]
    done: bool = False
    failed: Exception | None = None

    @property
    def size(self) -> int:
        return len(self.spans) + len(self.logs)


class Inbox:
    """Stores what requests bring, those that wait at the same time in one transaction."""

    def __init__(self, writer: Writer, say: Callable[[str], None]) -> None:
        """``say``: how the person at the terminal is told of what went wrong, in one line."""
        self._writer = writer
        self._pruner = Pruner(writer)
        self._say = say
        self._waiting: deque[_Part] = deque()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="otelier-store")
        self._trouble = ""
        self._closing = False
        # Seconds that the last batch took.
        self._took = 0.0

    async def keep(self, spans: Sequence[StoredSpan], logs: Sequence[StoredLog] = ()) -> None:
        """Return when all of it is stored. Raises RefusedError where it cannot be.

        Of what is refused some may be stored; sent again, it is there once.
        """
        parts = [_Part(spans[at : at + _TOGETHER], ()) for at in range(0, len(spans), _TOGETHER)]
        parts += [_Part((), logs[at : at + _TOGETHER]) for at in range(0, len(logs), _TOGETHER)]
        if not parts:
            return
        self._waiting.extend(parts)
        work = asyncio.get_running_loop().run_in_executor(self._thread, self._store, parts[-1])
        # Whatever becomes of the request: others may be stored with it.
        await asyncio.shield(work)
        if not self._closing:
            # When those have been served who wait.
            self._thread.submit(self._pruner.step, self._took)
        for part in parts:
            if part.failed is not None:
                raise _refused(part.failed)

    async def close(self) -> None:
        """Store what waits, and let go of the file."""
        self._closing = True
        await asyncio.to_thread(self._thread.shutdown)
        self._writer.close()

    def _store(self, last: _Part) -> None:
        """Write until ``last`` is written, which may have been done together with others."""
        while not last.done:
            taken = [self._waiting.popleft()]
            size = taken[0].size
            while self._waiting and size + self._waiting[0].size <= _TOGETHER:
                taken.append(self._waiting.popleft())
                size += taken[-1].size
            self._write(taken)

    def _write(self, parts: Sequence[_Part]) -> None:
        try:
            spans = [span for part in parts for span in part.spans]
            logs = [log for part in parts for log in part.logs]
            began = time.monotonic()
            self._writer.write(spans, logs)
            self._took = time.monotonic() - began
        except Exception as error:
            if not of_the_store(error) and len(parts) > 1:
                # What one of them brought is no reason to refuse the others.
                for part in parts:
                    self._write([part])
                return
            if of_the_store(error):
                # Nor need the others wait until each of them has found it out.
                parts = [*parts, *self._all_that_wait()]
            for part in parts:
                part.failed = error
            # A file that was replaced or mended is opened anew.
            self._writer.close()
            self._tell(f"what was received could not be stored: {fault(error)}")
        else:
            self._tell("")
        finally:
            for part in parts:
                part.done = True

    def _all_that_wait(self) -> list[_Part]:
        waiting: list[_Part] = []
        while self._waiting:
            waiting.append(self._waiting.popleft())
        return waiting

    def _tell(self, trouble: str) -> None:
        """Say what is new: that it began, that it is another, that it is over."""
        if trouble != self._trouble:
            self._trouble = trouble
            self._say(trouble or "what is received is stored again")


def _refused(error: Exception) -> RefusedError:
    if of_the_store(error):
        return RefusedError(503, f"the store cannot be written now: {fault(error)}")
    return RefusedError(500, f"this cannot be stored: {type(error).__name__}: {error}")
