"""Many calls in one event loop, all of them open at the same moment."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections.abc import Callable, Coroutine
from time import thread_time
from typing import Any

import httpx2

from benchmarks.load import memory
from benchmarks.load.counted import providers
from benchmarks.scenarios import Bench, Scenario

CALL = Scenario("chat", asynchronous=True)
Make = Callable[[int], Coroutine[Any, Any, Any]]


class Together(Bench):
    """A bench whose calls are answered when as many have asked as are wanted."""

    wanted = 1
    asked = 0
    full: asyncio.Event

    def _answer(self, request: httpx2.Request) -> Any:
        return super()._answer(request) if self.wanted == 1 else self._later(request)

    async def _later(self, request: httpx2.Request) -> httpx2.Response:
        self.asked += 1
        if self.asked == self.wanted:
            self.full.set()
        await self.answered.wait()
        return super()._answer(request)

    def together(self, number: int, look: Callable[[], object], make: Make | None = None) -> None:
        """So many calls; ``look`` when all are open. ``make``: what is done for each."""
        self.wanted, self.asked = number, 0
        assert self._loop is not None
        self._loop.run_until_complete(self._together(look, make or self._one))
        self.wanted = 1

    async def _one(self, number: int) -> None:
        await self.astart()

    async def _together(self, look: Callable[[], object], make: Make) -> None:
        self.full, self.answered = asyncio.Event(), asyncio.Event()
        tasks = [asyncio.create_task(make(number)) for number in range(self.wanted)]
        await self.full.wait()
        look()
        self.answered.set()
        await asyncio.gather(*tasks)


def measure(variant: str, number: int) -> dict[str, float]:
    """Processor time of a call and the most memory, in a process of its own."""
    counted, given = providers()
    with Together(CALL, variant, **given) as bench:
        bench.together(100, int)
        counted.taken()
        gc.collect()
        held: list[int] = []
        before = memory.forget_peak()
        begin = thread_time()
        bench.together(number, lambda: held.append(memory.now()))
        spent = thread_time() - begin
        return {
            "microseconds": spent / number * 1e6,
            "open": (held[0] - before) / number,
            "peak": float(memory.peak() - before),
            "spans": counted.taken(),
        }


def held(variant: str, number: int) -> float:
    """Bytes that Python holds for each open call."""
    _, given = providers()
    with Together(CALL, variant, **given) as bench:
        bench.together(20, int)
        found: list[int] = []

        def look() -> None:
            gc.collect()
            found.append(tracemalloc.get_traced_memory()[0])

        gc.collect()
        tracemalloc.start()
        try:
            bench.together(number, look)
        finally:
            tracemalloc.stop()
    return found[0] / number
