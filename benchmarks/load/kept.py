"""What is left of calls that are over."""

from __future__ import annotations

import gc
import sys

from benchmarks import counting
from benchmarks.load.counted import providers
from benchmarks.scenarios import Bench, Scenario


def measure(variant: str, number: int) -> dict[str, float]:
    """Blocks and objects of Python that so many calls left, and otelier's objects among them."""
    _, given = providers()
    with Bench(Scenario("messages"), variant, **given) as bench:
        for _ in range(500):
            bench.run()
        before, blocks, objects = counting.otelier_objects(), *_held()
        for _ in range(number):
            bench.run()
        after, more_blocks, more_objects = counting.otelier_objects(), *_held()
        after.subtract(before)
        return {
            "blocks": more_blocks - blocks,
            "objects": more_objects - objects,
            "otelier": (+after).total(),
        }


def _held() -> tuple[int, int]:
    gc.collect()
    return sys.getallocatedblocks(), len(gc.get_objects())
