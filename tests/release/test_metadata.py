"""What the package tells of itself stands in one place."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import otelier
from tests.release import pythons

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_the_version_is_told_by_one_file() -> None:
    assert "version" in PROJECT["dynamic"]
    found = [
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "src").rglob("*.py")
        if re.search(r"^__version__\b.*=", path.read_text(), re.M)
    ]
    assert found == ["src/otelier/version.py"]


def test_the_changelog_has_the_version_first() -> None:
    heads = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert next(each for each in heads if each != "Unreleased") == otelier.__version__


def test_each_claimed_python_is_one_that_is_allowed() -> None:
    oldest = PROJECT["requires-python"].removeprefix(">=")
    numbers = [int(each.partition(".")[2]) for each in pythons.claimed()]
    assert pythons.claimed()[0] == oldest
    assert numbers == list(range(numbers[0], numbers[-1] + 1))


def test_no_file_has_another_address_of_the_project() -> None:
    repository = PROJECT["urls"]["Repository"]
    site = PROJECT["urls"]["Documentation"]
    assert all(url.startswith((repository, site)) for url in PROJECT["urls"].values())
    read = [ROOT / name for name in ("mkdocs.yml", "README.md", "SECURITY.md", "CONTRIBUTING.md")]
    read += [*(ROOT / ".github").rglob("*.*")]
    for path in filter(Path.is_file, read):
        for url in re.findall(
            r"https://[\w.]*git(?:hub|lab)[\w.]*/[^\s)\"'>]*otelier[^\s)\"'>]*", path.read_text()
        ):
            assert url.startswith((repository, site)), f"{path.name}: {url}"
