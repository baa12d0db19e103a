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
from pathlib import Path
from typing import Final

from benchmarks import counting, instructions, payloads, timing
from benchmarks.environments import ROOT
from benchmarks.scenarios import VARIANTS, Scenario
from benchmarks.written import README, replace, table

MARK: Final = "under load"
Figures = dict[str, float]


def child(part: str, *arguments: str | int) -> Figures:
    """What a part measures, in a new process."""
    command = [sys.executable, "-m", __spec__.name, "--child", part, *map(str, arguments)]
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


def calls(rounds: int, number: int, threads: int, each: int) -> Iterator[list[str]]:
    """Rows of many calls: at once in one loop, in many threads, one after the other."""
    for name, part, arguments, spans in (
        (f"{number:,} at once in one event loop", "at_once", (number,), number),
        (f"{threads} threads, {each} calls each", "threads", (threads, each), threads * each),
        (f"one thread, {threads * each:,} calls", "threads", (1, threads * each), threads * each),
    ):
        bare, floor, ours = by_turns(rounds, part, *arguments)
        taken = [one["microseconds"] for one in (bare, floor, ours)]
        row = [name, f"{taken[0]:,.0f}", *_added(taken)]
        if part == "at_once":
            row += [_size(one["open"]) for one in (bare, floor, ours)]
            row += [_size(one["peak"]) for one in (bare, floor, ours)]
        else:
            row += ["–"] * 6
        yield [*row, f"{ours['spans']:,.0f} of {spans:,}"]


def pipeline(rate: int, seconds: int) -> Iterator[list[str]]:
    """Rows of a steady rate of spans."""
    for variant in ("floor", "otelier"):
        found = child("pipeline", variant, rate, seconds)
        yield [
            variant,
            f"{found['rate']:,.0f}",
            f"{found['making'] * 100:.0f} %",
            f"{(found['all'] - found['making']) * 100:.0f} %",
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
    scenarios = [Scenario(api, chunks=10) for api in payloads.REQUESTS]
    jobs = [
        instructions.job(one, variant, 10, first=True) for one in scenarios for variant in VARIANTS
    ]
    counts = iter([] if instructions.missing() else instructions.count(jobs))
    for one in scenarios:
        taken = timing.measure(one, rounds, 0.15, first=True)
        told = [next(counts, 0) / 1e3 for _ in VARIANTS]
        counted = [f"{told[0]:,.0f}", *_added(told)] if all(told) else ["–"] * 3
        yield [one.api, *counted, f"{taken[0]:,.0f}", *_added(taken)]


def _added(taken: list[float]) -> tuple[str, str]:
    """What the floor and what otelier adds, in multiples of it where it is more than nothing."""
    bare, floor, ours = taken
    ratio = f" ({(ours - bare) / (floor - bare):.2f} ×)" if floor > bare else ""
    return f"{floor - bare:,.0f}", f"{ours - bare:,.0f}{ratio}"


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
    heads = ["Small calls of chat", "bare SDK, µs of CPU a call", "floor adds", "otelier adds"]
    heads += [f"held by an open call: {each}" for each in VARIANTS]
    heads += [f"at most in memory: {each}" for each in VARIANTS]
    yield table([*heads, "spans"], calls(given.rounds, given.at_once, given.threads, given.calls))
    heads = ["Tool steps through the batch processor", "a second", "CPU, making them"]
    heads += ["CPU, exporting them", "most in the queue of 2,048", "lost"]
    yield table(heads, pipeline(given.rate, given.seconds))
    heads = [f"Left after {given.kept:,} calls", "blocks of memory", "objects", "of otelier's"]
    yield table(heads, kept(given.kept))
    heads = [f"An open stream, {given.chunks:,} chunks", "otelier holds, content on", "content off"]
    yield table([*heads, "chunk objects kept"], streams(given.chunks))
    heads = ["To the first chunk", "bare SDK, thousand instructions", "floor adds", "otelier adds"]
    heads += ["bare SDK, µs of CPU", "floor adds", "otelier adds"]
    yield table(heads, first_chunk(given.rounds))


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
    parts = []
    for part in report(given):
        print(part, end="\n\n", flush=True)
        parts.append(part)
    if given.write:
        replace(given.write, MARK, "\n\n".join(parts))


if __name__ == "__main__":
    main(sys.argv[1:])
