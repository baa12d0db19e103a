"""One process, many threads, one client."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from time import process_time

from benchmarks.load.counted import providers
from benchmarks.scenarios import Bench, Scenario

CALL = Scenario("chat")


def together(bench: Bench, threads: int, calls: int) -> None:
    """So many calls in each of so many threads, which begin together."""
    ready = Barrier(threads)

    def work() -> None:
        ready.wait()
        for _ in range(calls):
            bench.run()

    with ThreadPoolExecutor(threads) as pool:
        for each in [pool.submit(work) for _ in range(threads)]:
            each.result()


def measure(variant: str, threads: int, calls: int) -> dict[str, float]:
    """Processor time of a call, of all threads, and the spans that ended."""
    counted, given = providers()
    with Bench(CALL, variant, **given) as bench:
        together(bench, 2, 20)
        counted.taken()
        begin = process_time()
        together(bench, threads, calls)
        spent = process_time() - begin
        return {"microseconds": spent / threads / calls * 1e6, "spans": counted.taken()}
