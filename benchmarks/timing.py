"""What otelier adds, in microseconds and as a multiple of the hand-written floor.

``python -m benchmarks.timing [--quick]``. One run, the variants by turns, the least of all
rounds; processor time, which what else runs on the machine disturbs least.
Ratios carry over to other machines, microseconds do not; ``benchmarks.instructions`` and
``benchmarks.counting`` give figures without noise.
"""

from __future__ import annotations

import argparse
import gc
from dataclasses import replace
from time import thread_time

from benchmarks import counting
from benchmarks import scenarios as s


def least(bench: s.Bench, seconds: float, first: bool) -> float:
    """The least processor time of one operation, in microseconds, within a budget of it."""
    run = bench.first_chunk if first else bench.run
    best = float("inf")
    until = thread_time() + seconds
    gc.collect()
    gc.disable()
    try:
        while True:
            begin = thread_time()
            run()
            end = thread_time()
            best = min(best, end - begin)
            if end > until:
                return best * 1e6
    finally:
        gc.enable()


def measure(scenario: s.Scenario, rounds: int, seconds: float, first: bool = False) -> list[float]:
    """Microseconds of one operation: bare, floor, otelier."""
    best = dict.fromkeys(s.VARIANTS, float("inf"))
    for _ in range(rounds):
        for variant in s.VARIANTS:
            with s.Bench(scenario, variant) as bench:
                best[variant] = min(best[variant], least(bench, seconds, first))
    return [best[variant] for variant in s.VARIANTS]


def row(name: str, found: list[float], each: int = 1) -> None:
    """One line of the table."""
    bare, hand, ours = found
    floor, added = (hand - bare) / each, (ours - bare) / each
    digits = 2 if each > 1 else 0
    ratio = f"{added / floor:8.2f}" if floor > 0 else f"{'–':>8}"
    print(
        f"{name:48}{bare / each:12.{digits}f}{floor:12.{digits}f}{added:12.{digits}f}{ratio}",
        flush=True,
    )


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="about a minute")
    quick = parser.parse_args().quick
    rounds, seconds = (3, 0.15) if quick else (8, 0.4)
    print(f"{'µs, least of ' + str(rounds) + ' rounds':48}{'bare SDK':>12}{'floor adds':>12}"
          f"{'otelier adds':>13}{'ratio':>7}")  # fmt: skip
    calls = [*s.SMALL, *s.LARGE, *s.UNSAMPLED, *s.NOTHING]
    if not quick:
        calls += [*s.FRESH, *s.GROWING, *(replace(one, asynchronous=True) for one in s.SMALL)]
    for one in calls:
        row(one.name, measure(one, rounds, seconds))
    for api in ("chat", "responses", "messages"):
        one = s.Scenario(api, chunks=10)
        row(f"{api} to the first chunk", measure(one, rounds, seconds, first=True))
    streams = s.streams()
    if quick:
        streams = [one for one in streams if not one.asynchronous]
    for one in [*streams, s.TOOLS]:
        row(f"{one.name}, each chunk", measure(one, rounds, seconds), one.chunks)
    if not quick:
        for api in ("chat", "responses", "messages"):
            one = s.Scenario(api, chunks=1000)
            row(f"{one.name}, each chunk", measure(one, rounds, seconds * 4), one.chunks)
    start(2 if quick else 8)


def start(rounds: int) -> None:
    """CPU time at the start of programs."""
    unused = counting.start(counting.INSTRUMENT, rounds=rounds)
    bare = counting.start(counting.USE, rounds=rounds)
    used = counting.start(counting.INSTRUMENT + counting.USE, rounds=rounds)
    print(f"\nstart of a program without GenAI SDK: {unused.milliseconds:+.0f} ms CPU, "
          f"{len(unused.modules)} modules")  # fmt: skip
    added = used.milliseconds - bare.milliseconds
    print(f"start of one with openai and anthropic: {added:+.0f} ms CPU over "
          f"{bare.milliseconds:.0f}")  # fmt: skip


if __name__ == "__main__":
    main()
