"""Runs the trees of agent frameworks, each framework in an environment of its own.

``python -m tests.frameworks [name …]``: the newest of each framework, or of those whose name starts
so. ``--oldest`` runs the oldest plausible versions as well. Versions are pinned; ``--newest`` tries
those of today, in environments of their own. ``--count`` counts what a step of each
costs instead (:mod:`benchmarks.frameworks`). Environments are kept in
``.cache/frameworks``, as many at a time as there are processors. When all rows ran, the
table in `docs/frameworks/index.md` is written from the results.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from benchmarks import environments
from tests.framework_rows import ROOT, ROWS, TOOLS, Row, ordered

FOLDER = "tests/lineage/frameworks"
BEGIN, END = "<!-- frameworks: make test-frameworks -->", "<!-- end of frameworks -->"


def chosen(arguments: list[str]) -> Iterator[Row]:
    """The rows that were asked for."""
    names = [each for each in arguments if not each.startswith("-")]
    newest = "--newest" in arguments
    for row in (replace(each, newest=newest) for each in ROWS):
        if names:
            if any(row.name.startswith(name) for name in names):
                yield row
        elif not row.oldest or "--oldest" in arguments:
            yield row


def install(row: Row, uv: str | None) -> str:
    """Make the row's environment, unless it is there already; what went wrong, if something did."""
    pins = None if row.newest else row.pins
    return environments.install(row.folder, (*row.packages, *TOOLS), uv, pins)


def version(row: Row) -> str:
    """Which version of the framework is installed."""
    code = f"from importlib.metadata import version; print(version({row.distribution!r}))"
    python = environments.interpreter(row.folder)
    return subprocess.run([python, "-c", code], capture_output=True, text=True).stdout.strip()


def run(row: Row, uv: str | None) -> bool:
    """Run the row's tests; True if all passed. What they say is printed when they are over."""
    problem = install(row, uv)
    if problem:
        print(f"=== {row.name}: not installed\n{problem}", flush=True)
        return False
    files = [f"{FOLDER}/{name}" for name in row.files]
    python = environments.interpreter(row.folder)
    command = [python, "-m", "pytest", "-q", "-rs", "--timeout", "120", *files]
    environment = {**os.environ, **dict(row.environment)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    said = re.findall(r"^.*\d+ (?:passed|failed|error|skipped).*$", done.stdout, re.M)
    closing = said[-1].strip("= ") if said else f"exit code {done.returncode}"
    # A file whose framework is not there is skipped: then nothing was tested.
    passed = done.returncode == 0 and " passed" in f" {closing}"
    shown = "" if passed else f"\n{done.stdout}{done.stderr}"
    print(f"=== {row.name}: {row.distribution} {version(row)}: {closing}{shown}", flush=True)
    counted = re.sub(r" in [\d.]+s.*", "", closing)
    (row.folder / "result.txt").write_text(f"{row.distribution} {version(row)}\n{counted}\n")
    return passed


def count(row: Row, uv: str | None, header: bool) -> bool:
    """Count what a step of the row's framework costs; beside another, theirs as well."""
    problem = install(row, uv)
    if problem:
        print(f"{row.name}: not installed\n{problem}", flush=True)
        return False
    name = row.name.removesuffix("-beside")
    python = environments.interpreter(row.folder)
    command = [python, "-m", "benchmarks.frameworks", *(["--header"] if header else []), name]
    environment = {**os.environ, **dict(row.environment)}
    return subprocess.run(command, cwd=ROOT, env=environment).returncode == 0


def counted(arguments: list[str]) -> Iterator[Row]:
    """The row of each framework in which it is counted: beside another one, where there is one."""
    from benchmarks.frameworks import PEERS

    names = [each for each in arguments if not each.startswith("-")]
    for row in ROWS:
        name = row.name.removesuffix("-beside")
        beside = name in PEERS
        small = ROOT / FOLDER / "small" / f"{name}.py"
        if small.exists() and beside == row.name.endswith("-beside") and name in (names or [name]):
            yield row


def table() -> str | None:
    """The table of frameworks; None where a row has not run."""
    ran: dict[str, list[tuple[str, str]]] = {}
    for row in ROWS:
        result = row.folder / "result.txt"
        if not result.exists():
            return None
        named, counted = result.read_text().splitlines()
        distribution, number = named.split(" ", 1)
        ran.setdefault(distribution, []).append((number, counted))
    lines = ["| Framework | Tested versions | Result of the tests |", "|---|---|---|"]
    for distribution, rows in ran.items():
        numbers = sorted({number for number, _ in rows}, key=ordered)
        bad = [f"{number}: {said}" for number, said in rows if "failed" in said or "error" in said]
        lines.append(f"| {distribution} | {', '.join(numbers)} | {'; '.join(bad) or 'all pass'} |")
    return "\n".join(lines)


def main() -> int:
    """Run what was asked for; how many rows failed."""
    uv = environments.installer()
    if "--count" in sys.argv:
        rows = list(counted(sys.argv[1:]))
        return sum(not count(row, uv, row is rows[0]) for row in rows)
    rows = list(chosen(sys.argv[1:]))
    # The last rows of the table take longest.
    order = rows[::-1]
    with ThreadPoolExecutor(os.cpu_count()) as workers:
        passed = dict(zip(order, workers.map(lambda row: run(row, uv), order), strict=True))
    failed = [row.name for row in rows if not passed[row]]
    print(f"{len(rows) - len(failed)} of {len(rows)} environments passed")
    if failed:
        print("failed: " + ", ".join(failed))
    written = table()
    if written is not None:
        page = ROOT / "docs/frameworks/index.md"
        before, _, rest = page.read_text().partition(BEGIN)
        after = rest.partition(END)[2]
        page.write_text(f"{before}{BEGIN}\n{written}\n{END}{after}")
    return len(failed)


if __name__ == "__main__":
    sys.exit(main())
