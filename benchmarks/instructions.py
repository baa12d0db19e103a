"""Instructions per operation, counted by valgrind's callgrind: exact where clocks are not.

``python -m benchmarks.instructions [--quick] [--only WORD]``. Needs valgrind and an x86-64 machine;
says so and ends where there is none. A Python under valgrind runs the operations; it tells
callgrind by client requests where they begin and end, so that nothing else is counted.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import mmap
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, Final

from benchmarks.peers.rows import ROWS, Row
from benchmarks.scenarios import Scenario

ROOT: Final = Path(__file__).resolve().parents[1]
# valgrind's "special instruction" for amd64 (valgrind.h): rotations that cancel each other out.
_REQUEST: Final = bytes.fromhex("4889f8 31d2 48c1c703 48c1c70d 48c1c73d 48c1c733 4887db 4889d0 c3")
_TOOL: Final = (ord("C") << 24) | (ord("T") << 16)
_ZERO, _DUMP_AT, _START, _STOP = _TOOL + 1, _TOOL + 3, _TOOL + 4, _TOOL + 5
# What is counted is a program that runs: the interpreter specializes code that it has seen for some
# tens of times. Operations that are counted so often are small enough for that.
_WARM: Final = 40
_SMALL: Final = 10


def missing() -> str | None:
    """Why nothing can be counted here; None if it can."""
    if shutil.which("valgrind") is None:
        return "valgrind is not installed"
    if platform.machine() not in ("x86_64", "AMD64"):
        return "the client requests are written for x86-64"
    return None


def _requests() -> Callable[..., None]:
    memory = mmap.mmap(-1, len(_REQUEST), prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    memory.write(_REQUEST)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    function = ctypes.CFUNCTYPE(ctypes.c_uint64, ctypes.c_void_p)(address)

    def request(code: int, text: bytes = b"") -> None:
        held = ctypes.create_string_buffer(text)
        arguments = (ctypes.c_uint64 * 6)(code, ctypes.addressof(held))
        function(ctypes.addressof(arguments))

    request.memory = memory  # type: ignore[attr-defined]
    return request


def child(jobs: list[dict[str, Any]]) -> None:
    """Runs under valgrind: each job once, with its own dump."""
    from benchmarks.load.at_once import Together
    from benchmarks.load.threads import together

    request = _requests()
    for number, job in enumerate(jobs):
        with Together(Scenario(**job["scenario"]), job["variant"], **job["options"]) as bench:
            ways: dict[str, Callable[[], object]] = {
                "": bench.run,
                "first": bench.first_chunk,
                "at once": partial(bench.together, job["number"], int),
                "threads": partial(together, bench, job["number"], 1),
            }
            run = ways[job["way"]]
            for _ in range(_WARM if job["times"] >= _SMALL else 1):
                run()
            gc.collect()
            gc.freeze()
            gc.disable()
            request(_START)
            request(_ZERO)
            for _ in range(job["times"]):
                run()
            request(_DUMP_AT, b"job %d" % number)
            request(_STOP)
            gc.enable()
            gc.unfreeze()


def count(
    jobs: list[dict[str, Any]], keep: Path | None = None, python: str = sys.executable
) -> list[int]:
    """Instructions of one operation of each job, in the environment of an interpreter."""
    with tempfile.TemporaryDirectory() as folder:
        place = keep or Path(folder)
        process = subprocess.run(
            [
                "valgrind", "--tool=callgrind", "--instr-atstart=no", "--dump-line=no",
                f"--callgrind-out-file={place}/out", python,
                "-m", "benchmarks.instructions", "--child",
            ],
            input=json.dumps(jobs),
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": "0", "PYTHONMALLOC": "pymalloc"},
            capture_output=True,
            text=True,
        )  # fmt: skip
        if process.returncode:
            raise RuntimeError(process.stderr[-4000:])
        found = [0] * len(jobs)
        for file in place.glob("out*"):
            text = file.read_text()
            job = re.search(r"^desc: Trigger: Client Request: job (\d+)", text, re.MULTILINE)
            # Its "summary" leaves out threads that have ended.
            total = re.search(r"^totals: (\d+)", text, re.MULTILINE)
            if job and total:
                number = int(job[1])
                found[number] = int(total[1]) // jobs[number]["times"] // jobs[number]["number"]
        return found


def job(
    scenario: Any, variant: str, times: int, way: str = "", number: int = 1, **options: Any
) -> dict[str, Any]:
    """One measurement, as JSON.

    ``way``: one call after the other, each up to its ``first`` chunk, or a ``number`` of them ``at
    once`` in a loop or in ``threads``.
    """
    return {
        "scenario": asdict(scenario),
        "variant": variant,
        "times": times,
        "way": way,
        "number": number,
        "options": options,
    }


def plan(quick: bool) -> list[tuple[Row, bool]]:
    """What is measured, and whether up to the first chunk only."""
    from benchmarks import scenarios as s

    goals = {row.scenario: row.goal for row in ROWS}

    def row(one: Scenario, times: int = 1, name: str = "") -> Row:
        return Row(name or one.name, one, goals.get(one, 0), times)

    rows = [(row(one, 20), False) for one in s.SMALL]
    rows += [(row(one, 2), False) for one in s.LARGE]
    if not quick:
        rows += [(row(one, 2), False) for one in (*s.FRESH, *s.GROWING)]
    rows += [(row(one, 2 if one.large else 20), False) for one in (*s.UNSAMPLED, *s.NOTHING)]
    for api in ("chat", "responses", "messages"):
        one = s.Scenario(api, chunks=10)
        rows.append((row(one, 10, f"first chunk {api}"), True))
    for one in (*s.streams(), s.TOOLS):
        if not (one.asynchronous and quick):
            rows.append((row(one), False))
    return rows


def main() -> None:
    """Count, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer scenarios")
    parser.add_argument("--only", default="", help="scenarios whose name contains this")
    parser.add_argument("--cost-record", action="store_true", help="floor with a cost metric too")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(json.load(sys.stdin))
        return
    reason = missing()
    if reason:
        print("skipped:", reason)
        return
    rows = [each for each in plan(arguments.quick) if arguments.only in each[0].name]
    floor = "floor+cost" if arguments.cost_record else "floor"
    jobs = [
        job(scenario, variant, row.times, "first" if first else "")
        for row, first in rows
        for variant in ("bare", floor, "otelier")
        for scenario in (row.scenarios[:1] if first else row.scenarios)
    ]
    counts = map(float, count(jobs))
    print(f"{'thousand instructions':44}{'bare':>10}{'floor +':>10}{'otelier +':>10}{'ratio':>7}"
          f"{'goal':>8}")  # fmt: skip
    for row, first in rows:
        each = not (row.whole or first)
        bare, hand, ours = (next(counts) if first else row.of(counts) for _ in range(3))
        ratio = (ours - bare) / (hand - bare)
        verdict = f"{row.goal:6g} {'ok' if ratio <= row.goal else '!!'}" if row.goal else ""
        digits = 2 if each else 0
        print(f"{row.name + ' /chunk' * each:44}{bare / 1e3:10.{digits}f}"
              f"{(hand - bare) / 1e3:10.{digits}f}{(ours - bare) / 1e3:10.{digits}f}"
              f"{ratio:7.2f}{verdict:>9}")  # fmt: skip


if __name__ == "__main__":
    main()
