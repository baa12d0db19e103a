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
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

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
    from benchmarks.scenarios import Scenario

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


def plan(quick: bool) -> list[tuple[str, Any, int, bool, str]]:
    """What is measured: name, scenario, how often, up to the first chunk only, budget."""
    from benchmarks import scenarios as s

    rows: list[tuple[str, Any, int, bool, str]] = []
    rows += [(one.name, one, 20, False, "1.2") for one in s.SMALL]
    rows += [(one.name, one, 2, False, "0.3") for one in s.LARGE]
    if not quick:
        rows += [(one.name, one, 2, False, "") for one in (*s.FRESH, *s.GROWING)]
    rows += [(one.name, one, 20 if not one.large else 2, False, "1.5") for one in s.UNSAMPLED]
    rows += [(one.name, one, 20 if not one.large else 2, False, "") for one in s.NOTHING]
    rows += [
        ("first chunk " + api, s.Scenario(api, chunks=10), 10, True, "1.2")
        for api in ("chat", "responses", "messages")
    ]
    for one in s.streams():
        if one.asynchronous and quick:
            continue
        budget = "2" if one.content else "1.2"
        rows.append((one.name, one, 1, False, budget))
    rows.append((s.TOOLS.name, s.TOOLS, 1, False, "2"))
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
    rows = [row for row in plan(arguments.quick) if arguments.only in row[0]]
    floor = "floor+cost" if arguments.cost_record else "floor"
    jobs = []
    for _, scenario, times, first, _ in rows:
        for variant in ("bare", floor, "otelier"):
            jobs.append(job(scenario, variant, times, "first" if first else ""))
            if scenario.chunks and not first:
                # The call around the stream, to take it away.
                jobs.append(job(replace(scenario, chunks=2), variant, 10))
    counts = iter(count(jobs))
    print(f"{'thousand instructions':44}{'bare':>10}{'floor +':>10}{'otelier +':>10}{'ratio':>7}"
          f"{'budget':>8}")  # fmt: skip
    for name, scenario, _, first, budget in rows:
        found: list[float] = []
        for _ in range(3):
            value = float(next(counts))
            if scenario.chunks and not first:
                value = (value - next(counts)) / (scenario.chunks - 2)
                each = " /chunk"
            else:
                each = ""
            found.append(value)
        bare, hand, ours = found[0], found[1] - found[0], found[2] - found[0]
        digits = 2 if each else 0
        ratio = ours / hand
        verdict = f"{budget:>6} {'ok' if ratio <= float(budget) else '!!'}" if budget else ""
        print(f"{name + each:44}{bare / 1e3:10.{digits}f}{hand / 1e3:10.{digits}f}"
              f"{ours / 1e3:10.{digits}f}{ratio:7.2f}{verdict:>9}")  # fmt: skip


if __name__ == "__main__":
    main()
