"""Files of pins hold for everybody, and are those of the environments."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests import pins
from tests.framework_rows import ROWS, TOOLS

EVERY = list(pins.every())
# A version, and where it counts.
PIN = re.compile(r"[a-z0-9][a-z0-9-]*(\[[a-z0-9,-]+\])?==[\w.+!]+( ; [\w\s.'=<>!()]+)?")


def named(requirement: str) -> str:
    return pins.normal(re.split(r"[\[<>=!~;\s]", requirement)[0])


@pytest.mark.parametrize("each", EVERY, ids=lambda each: each.path.stem)
def test_a_file_has_versions_and_nothing_of_a_machine(each: pins.Pins) -> None:
    head, *lines = each.path.read_text().splitlines()
    assert head + "\n" == each.header
    assert [line for line in lines if not PIN.fullmatch(line)] == []


@pytest.mark.parametrize("each", EVERY, ids=lambda each: each.path.stem)
def test_all_that_is_asked_for_is_pinned(each: pins.Pins) -> None:
    pinned = {named(line) for line in each.path.read_text().splitlines()[1:]}
    asked = [line for name in each.files for line in (pins.FOLDER / name).read_text().split()]
    wanted = {named(requirement) for requirement in (*asked, *each.packages)}
    assert wanted - pinned == set()


def test_there_is_a_file_for_each_environment_and_no_other() -> None:
    assert {each.path for each in EVERY} == {*pins.FOLDER.rglob("*.txt")}
    assert {name for each in EVERY for name in each.files} == {
        path.name for path in pins.FOLDER.glob("*.in")
    }
    assert len(ROWS) == len([*(pins.FOLDER / "frameworks").iterdir()])


def test_pins_of_a_framework_are_of_what_its_row_installs() -> None:
    by_path = {each.path: each.packages for each in EVERY}
    assert all(by_path[row.pins] == (*row.packages, *TOOLS) for row in ROWS)


def test_the_makefile_installs_by_files_that_are_there() -> None:
    makefile = (Path(pins.ROOT) / "Makefile").read_text()
    files = {f"requirements/{name}.txt" for name in re.findall(r"pinned,(\w+)", makefile)}
    files |= {*re.findall(r"requirements/[\w.]+\.(?:in|txt)\b", makefile)}
    assert len(files) > 4
    assert [name for name in files if not (pins.ROOT / name).exists()] == []
