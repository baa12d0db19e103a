"""``python -m benchmarks.load``: otelier under load, beside the bare SDK and a hand-written floor.

Each figure is of a process of its own; the least of some rounds where it is processor time, which
what else runs on the machine disturbs least. ``--write`` puts the tables into
``benchmarks/README.md``.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import version
from math import prod
from pathlib import Path
from typing import Final

from benchmarks import counting, instructions, payloads, timing
from benchmarks.environments import ROOT
from benchmarks.load import at_once
from benchmarks.load.threads import CALL
from benchmarks.scenarios import VARIANTS, Scenario
from benchmarks.written import README, publish, table

MARK: Final = "under load"
_UNITS: Final = (
    *("bare SDK, thousand instructions", "floor adds", "otelier adds"),
    *("bare SDK, µs of CPU", "floor adds", "otelier adds"),
)
Figures = dict[str, float]


def child(part: str, *arguments: str | int) -> Figures:
    """What a part measures, in a new process."""
    command = [sys.executable, "-m", "benchmarks.load", "--child", part, *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{part} {arguments}: {done.stderr[-2000:]}")
    found: Figures = json.loads(done.stdout.splitlines()[-1])
    return found


def by_turns(rounds: int, part: str, *arguments: int) -> list[Figures]:
    """For each variant, the least of each figure of some rounds."""
    found: dict[str, list[Figures]] = {variant: [] for variant in VARIANTS}
    for _ in range(rounds):
        for variant, each in found.items():
            each.append(child(part, variant, *arguments))
    return [{name: min(one[name] for one in each) for name in each[0]} for each in found.values()]


# As many at once, or in threads, as are counted by callgrind, which is slow.
COUNTED: Final = 64


def calls(rounds: int, number: int, threads: int, each: int) -> Iterator[str]:
    """Tables of many calls: at once in one loop, in many threads, one after the other."""
    rows, memory = [], []
    for name, way, scenario, arguments in (
        ("one after the other", "", CALL, (1, threads * each)),
        (f"{threads} threads, {each} calls each", "threads", CALL, (threads, each)),
        (f"{number:,} at once in one event loop", "at once", at_once.CALL, (number,)),
    ):
        part = "at_once" if way == "at once" else "threads"
        bare, floor, ours = by_turns(rounds, part, *arguments)
        told = _counted(scenario, way, COUNTED if way else 1)
        taken = [one["microseconds"] for one in (bare, floor, ours)]
        rows.append([name, *told, *_of(taken), f"{ours['spans']:,.0f} of {prod(arguments):,}"])
        if way == "at once":
            memory = [
                ["held by each open call", *(_size(one["open"]) for one in (bare, floor, ours))],
                ["the most in all", *(_size(one["peak"]) for one in (bare, floor, ours))],
            ]
    yield table(["Small calls of chat", *_UNITS, "spans"], rows)
    yield table([f"Memory of {number:,} calls at once", *VARIANTS], memory)


def _counted(scenario: Scenario, way: str, number: int) -> list[str]:
    """Instructions of a call: bare, added by the floor, by otelier."""
    if instructions.missing():
        return ["–"] * 3
    times = max(10 // number, 1)
    jobs = [instructions.job(scenario, variant, times, way, number) for variant in VARIANTS]
    return _of([each / 1e3 for each in instructions.count(jobs)])


def pipeline(rate: int, seconds: int) -> Iterator[list[str]]:
    """Rows of a steady rate of spans."""
    for variant in ("floor", "otelier"):
        found = child("pipeline", variant, rate, seconds)
        yield [
            variant,
            f"{found['rate']:,.0f}",
            f"{found['making']:,.0f}",
            f"{found['exporting']:,.0f}",
            f"{(found['making'] + found['exporting']) * found['rate'] / 1e4:.0f} %",
            f"{found['queue']:,.0f}",
            f"{found['lost']:,.0f}",
        ]


def kept(number: int) -> Iterator[list[str]]:
    """Rows of what is left after many calls."""
    for variant in VARIANTS:
        found = child("kept", variant, number)
        yield [variant, *(f"{found[name]:,.0f}" for name in ("blocks", "objects", "otelier"))]


def streams(chunks: int) -> Iterator[list[str]]:
    """Rows of what an open stream holds."""
    for api in payloads.REQUESTS:
        on, off = (counting.held_by_stream(chunks, content, api) for content in (True, False))
        yield [api, _size(on.bytes), _size(off.bytes), f"{on.chunks}"]


def first_chunk(rounds: int) -> Iterator[list[str]]:
    """Rows of what is added until the first chunk is there."""
    for api in payloads.REQUESTS:
        one = Scenario(api, chunks=10)
        taken = timing.measure(one, rounds, 0.15, first=True)
        yield [api, *_counted(one, "first", 1), *_of(taken)]


def _of(taken: list[float]) -> list[str]:
    """What the bare SDK takes, what the floor adds, and otelier: in multiples of it too."""
    bare, floor, ours = taken
    ratio = f" ({(ours - bare) / (floor - bare):.2f} ×)" if floor > bare else ""
    return [f"{bare:,.0f}", f"{floor - bare:,.0f}", f"{ours - bare:,.0f}{ratio}"]


def _size(number: float) -> str:
    if number >= 1e6:
        return f"{number / 1e6:,.0f} MB"
    return f"{number / 1000:,.1f} KB"


def report(given: argparse.Namespace) -> Iterator[str]:
    """The section, part by part."""
    named = ", ".join(f"{each} {version(each)}" for each in ("openai", "anthropic"))
    yield (
        f"{datetime.now(UTC):%Y-%m-%d}, CPython {platform.python_version()}, {named}, "
        f"opentelemetry-sdk {version('opentelemetry-sdk')}."
    )
    yield from calls(given.rounds, given.at_once, given.threads, given.calls)
    heads = ["Tool steps through the batch processor", "spans a second", "µs of CPU to make one"]
    heads += ["to export one", "of a processor", "most in the queue of 2,048", "lost"]
    yield table(heads, pipeline(given.rate, given.seconds))
    heads = [f"Left after {given.kept:,} calls", "blocks of memory", "objects", "of otelier's"]
    yield table(heads, kept(given.kept))
    heads = [f"An open stream, {given.chunks:,} chunks", "otelier holds, content on", "content off"]
    yield table([*heads, "chunk objects kept"], streams(given.chunks))
    yield table(["To the first chunk", *_UNITS], first_chunk(given.rounds))


def main(words: list[str]) -> None:
    """Measure, print, and write; or be one of the processes that it takes."""
    if words[:1] == ["--child"]:
        _, part, variant, *numbers = words
        measure = import_module(f"benchmarks.load.{part}").measure
        print("\n" + json.dumps(measure(variant, *map(int, numbers))))
        return
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument("--at-once", type=int, default=10_000, help="calls in one event loop")
    parser.add_argument("--threads", type=int, default=64)
    parser.add_argument("--calls", type=int, default=50, help="of each thread")
    parser.add_argument("--rate", type=int, default=5000, help="spans a second")
    parser.add_argument("--seconds", type=int, default=10, help="of that rate")
    parser.add_argument("--kept", type=int, default=20_000, help="calls that leave nothing")
    parser.add_argument("--chunks", type=int, default=10_000, help="of an open stream")
    parser.add_argument("--rounds", type=int, default=3, help="the least of them is told")
    parser.add_argument("--write", type=Path, nargs="?", const=README, help="into this document")
    given = parser.parse_args(words)
    publish(report(given), MARK, given.write)


if __name__ == "__main__":
    main(sys.argv[1:])
