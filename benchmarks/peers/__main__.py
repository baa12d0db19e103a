"""``python -m benchmarks.peers``: what a call costs with otelier and with others, in one run.

Bare SDK, hand-written floor, otelier and each other instrumentation, in environments of their own
with the same SDKs. Instructions are counted by callgrind, where it is, and function calls by the
interpreter; microseconds are the least of some rounds, the variants by turns. A variant is compared
only where one call made one span with the messages on it (none, where content is off). ``--write``
puts the tables into ``benchmarks/README.md``.
"""

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from benchmarks import instructions
from benchmarks.peers.places import CORE, SDKS, Place, places
from benchmarks.peers.rows import ROWS, Row
from benchmarks.written import README, publish, table

MARK: Final = "beside others"
# What one operation takes in an environment: bare, with the floor, with the variant.
Taken = tuple[float, float, float]
# For each row, the environments where it was measured.
Figures = list[dict[str, Taken]]


def variants(place: Place) -> tuple[str, str, str]:
    return "bare", "floor", place.variant


class Notes:
    """What stands out, told once for all rows where it does."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], list[str]] = {}

    def add(self, place: Place, row: Row, text: str) -> None:
        self._rows.setdefault((place.title, text), []).append(row.name)

    def lines(self, all_of_them: int) -> Iterator[str]:
        for (title, text), names in self._rows.items():
            where = "everywhere" if len(names) == all_of_them else "; ".join(names)
            yield f"- {title}: {text} ({where})"


def checked(found: Sequence[Place], rows: Sequence[Row], notes: Notes) -> list[list[Place]]:
    """For each row, the places that can be compared."""
    comparable: list[list[Place]] = []
    for row in rows:
        comparable.append([])
        for place in found:
            if place.problem:
                continue
            try:
                seen = place.ask("missing", scenario=asdict(row.scenario), variant=place.variant)
            except RuntimeError as problem:
                notes.add(place, row, str(problem))
                continue
            if seen["missing"]:
                notes.add(place, row, seen["missing"])
                continue
            comparable[-1].append(place)
            if row.scenario.content and seen["told"] < seen["sent"]:
                notes.add(place, row, f"{seen['told']} of {seen['sent']} messages kept")
            if not seen["metrics"]:
                notes.add(place, row, "no metrics")
    return comparable


def counted(rows: Sequence[Row], comparable: list[list[Place]], notes: Notes) -> Figures:
    """Instructions of one operation of each row; several environments at once do no harm."""
    found: Figures = [{} for _ in rows]

    def count(place: Place) -> None:
        own = [number for number, each in enumerate(comparable) if place in each]
        jobs = []
        for number in own:
            row = rows[number]
            for variant in variants(place):
                jobs += [instructions.job(each, variant, row.times) for each in row.scenarios]
        try:
            counts = map(float, instructions.count(jobs, python=place.python))
        except RuntimeError as problem:
            for number in own:
                notes.add(place, rows[number], f"not counted: {str(problem).splitlines()[-1]}")
            return
        for number in own:
            bare, floor, theirs = (rows[number].of(counts) for _ in range(3))
            found[number][place.variant] = bare, floor, theirs

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(count, dict.fromkeys(place for each in comparable for place in each)))
    return found


def called(rows: Sequence[Row], comparable: list[list[Place]]) -> Figures:
    """Function calls of one operation of each row."""
    found: Figures = [{} for _ in rows]
    for number, (row, own) in enumerate(zip(rows, comparable, strict=True)):
        for place in own:
            bare, floor, theirs = (
                row.of(place.ask("calls", scenario=asdict(s), variant=v) for s in row.scenarios)
                for v in variants(place)
            )
            found[number][place.variant] = bare, floor, theirs
    return found


def timed(
    rows: Sequence[Row], comparable: list[list[Place]], rounds: int, seconds: float
) -> Figures:
    """Microseconds of one operation of each row: the least of all rounds."""
    found: Figures = []
    for row, own in zip(rows, comparable, strict=True):
        scenarios = row.scenarios
        keys = [(place, each) for place in own for each in variants(place)]
        best = {key: [float("inf")] * len(scenarios) for key in keys}
        for _ in range(rounds):
            for (place, variant), least in best.items():
                for number, scenario in enumerate(map(asdict, scenarios)):
                    took = place.ask("least", scenario=scenario, variant=variant, seconds=seconds)
                    least[number] = min(least[number], took)
        found.append({})
        for place in own:
            bare, floor, theirs = (row.of(iter(best[place, each])) for each in variants(place))
            found[-1][place.variant] = bare, floor, theirs
    return found


def figures(
    what: str, rows: Sequence[Row], found: Sequence[Place], measured: Figures, unit: float
) -> str:
    """A table: what each adds to the bare SDK, and in brackets in multiples of the floor."""
    heads = [what, "bare SDK", "goal", "floor", *(place.title for place in found)]
    lines = zip(rows, measured, strict=True)
    return table(heads, (list(_cells(row, found, taken, unit)) for row, taken in lines))


def _cells(
    row: Row, found: Sequence[Place], measured: dict[str, Taken], unit: float
) -> Iterator[str]:
    yield row.name
    digits = 0 if row.whole else 2
    bare, floor, _ = measured.get("otelier", (0.0, 0.0, 0.0))
    yield f"{bare / unit:,.{digits}f}"
    yield f"≤ {row.goal:g} ×"
    yield f"{(floor - bare) / unit:,.{digits}f}"
    for place in found:
        yield _added(measured.get(place.variant), unit, digits)


def _added(taken: Taken | None, unit: float, digits: int) -> str:
    if taken is None:
        return "–"
    bare, floor, theirs = taken
    added = f"{(theirs - bare) / unit:,.{digits}f}"
    if floor <= bare:
        return added
    ratio = (theirs - bare) / (floor - bare)
    return f"{added} ({ratio:.{2 if ratio < 10 else 0}f} ×)"


def described(found: Iterable[Place]) -> str:
    """Date and versions."""
    own = next(place for place in found if place.variant == "otelier")
    common = [(name, own.versions[name]) for name in (*SDKS, CORE)]
    words = [f"{datetime.now(UTC):%Y-%m-%d}", f"CPython {platform.python_version()}"]
    words += [f"{name} {number}" for name, number in common]
    lines = [", ".join(words) + "."]
    for place in found:
        if place.problem:
            lines.append(f"- {place.title}: not installed: {place.problem.splitlines()[-1]}")
        elif place.packages:
            differ = [name for name, number in common if place.versions[name] != number]
            named = [f"{name} {place.versions[name]}" for name in (*place.packages, *differ)]
            lines.append(f"- {place.title}: {', '.join(named)}")
    return "\n".join(lines)


def report(found: Sequence[Place], arguments: argparse.Namespace) -> Iterator[str]:
    """The section, part by part."""
    yield described(found)
    rows = [row for row in ROWS if arguments.only in row.name]
    notes = Notes()
    comparable = checked(found, rows, notes)
    why = instructions.missing()
    if arguments.instructions and why:
        yield f"No instructions: {why}."
    elif arguments.instructions:
        measured = counted(rows, comparable, notes)
        yield figures("Thousand instructions added", rows, found, measured, 1e3)
    yield figures("Function calls added", rows, found, called(rows, comparable), 1)
    if arguments.rounds:
        measured = timed(rows, comparable, arguments.rounds, arguments.seconds)
        yield figures("Microseconds added", rows, found, measured, 1)
    yield "\n".join(notes.lines(len(rows)))


def main(given: list[str] | None = None) -> None:
    """Measure, print, and write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("peers", nargs="*", help="these alone, beside otelier")
    parser.add_argument("--only", default="", help="rows whose name contains this")
    parser.add_argument(
        "--no-instructions",
        dest="instructions",
        action="store_false",
        help="function calls alone, which take minutes less to count",
    )
    parser.add_argument("--rounds", type=int, default=5, help="of timing; 0: none")
    parser.add_argument("--seconds", type=float, default=0.15, help="of each round")
    parser.add_argument("--write", type=Path, nargs="?", const=README, help="into this document")
    arguments = parser.parse_args(given)
    with places(arguments.peers) as found:
        publish(report(found, arguments), MARK, arguments.write)


if __name__ == "__main__":
    main()
