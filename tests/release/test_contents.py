"""What is wrong with a wheel or an sdist is told."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from tests.release import built, contents, trying
from tests.release.commands import Fault

PACKAGE = (
    "otelier/__init__.py",
    "otelier/py.typed",
    "otelier/prices/list.jsonl",
    "otelier/questions/__init__.pyi",
    "otelier/store/schema.sql",
    "otelier/store/views.sql",
    "otelier/web/static/otelier.css",
    "otelier/web/static/tree.js",
    "otelier/web/static/vendor/htmx.LICENSE",
    "otelier/web/templates/base.html",
)
BESIDE = (
    "otelier-1.2.3.dist-info/METADATA",
    "otelier-1.2.3.dist-info/entry_points.txt",
    "otelier-1.2.3.dist-info/licenses/LICENSE",
)
SDIST = (
    *(".gitignore", "CHANGELOG.md", "LICENSE", "PKG-INFO", "README.md", "pyproject.toml"),
    *("examples/demo.py", "src/otelier/__init__.py"),
)


def test_a_wheel_of_the_repositorys_files_is_right() -> None:
    assert list(contents.of_wheel((*PACKAGE, *BESIDE), PACKAGE)) == []


@pytest.mark.parametrize("lacking", [each for each in PACKAGE if not each.endswith("__init__.py")])
def test_a_wheel_without_a_file_that_otelier_reads_is_not(lacking: str) -> None:
    names = [each for each in (*PACKAGE, *BESIDE) if each != lacking]
    (problem,) = contents.of_wheel(names, None)
    assert problem.startswith("the wheel has no otelier/")
    assert f"the wheel lacks {lacking}" in list(contents.of_wheel(names, PACKAGE))


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("otelier/notes.txt", "otelier/notes.txt is not in the repository"),
        (
            "benchmarks/load.py",
            "the wheel installs benchmarks/load.py, which is no part of otelier",
        ),
        ("otelier/__pycache__/call.pyc", "otelier/__pycache__/call.pyc is released"),
        ("otelier/tests/test_call.py", "otelier/tests/test_call.py is released"),
    ],
)
def test_a_wheel_with_more_than_the_package_is_not(more: str, told: str) -> None:
    assert told in list(contents.of_wheel((*PACKAGE, *BESIDE, more), PACKAGE))


def test_an_sdist_has_the_package_and_what_is_read_of_it() -> None:
    assert list(contents.of_sdist(SDIST)) == []
    assert list(contents.of_sdist(SDIST[:-2])) == ["the sdist has no examples/*"]
    for more in ("docs/pictures/trace.png", "otelier-demo.db", "src/other/__init__.py"):
        assert list(contents.of_sdist((*SDIST, more))) == [f"the sdist has {more}"]
    assert "examples/.env is released" in list(contents.of_sdist((*SDIST, "examples/.env")))


def test_the_package_of_this_repository_has_what_a_wheel_needs() -> None:
    kept = contents.kept()
    assert kept is None or not list(contents.of_wheel([*kept, *BESIDE], kept))


def test_a_release_has_the_versions_tag_and_a_day() -> None:
    changelog = "# Changes\n\n## 1.2.3 (2027-01-31)\n\n## 1.2.2 (unreleased)\n"
    contents.named("v1.2.3", "1.2.3", changelog)
    with pytest.raises(Fault, match=r"the tag is v1\.2\.4"):
        contents.named("v1.2.4", "1.2.3", changelog)
    with pytest.raises(Fault, match="no heading"):
        contents.named("v1.2.2", "1.2.2", changelog)


def zipped(path: Path, files: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w") as opened:
        for name, text in files.items():
            opened.writestr(name, text)
    return path


def test_wheels_that_differ_are_told_apart(tmp_path: Path) -> None:
    one = zipped(tmp_path / "one.whl", {"a": "1", "b": "2", "c": "3"})
    other = zipped(tmp_path / "other.whl", {"a": "1", "b": "3", "d": "4"})
    assert built.differences(one, other) == ["b", "c", "d"]
    assert built.differences(one, one) == []


def test_the_oldest_versions_are_those_that_the_wheel_names(tmp_path: Path) -> None:
    told = "Requires-Dist: rich>=13\nRequires-Dist: wrapt<3,>=1.14\n"
    extra = "Requires-Dist: mcp>=1.10; extra == 'mcp'\n"
    marked = "Requires-Dist: orjson>=3.9; platform_python_implementation == 'CPython'\n"
    name = "otelier-1.2.3.dist-info/METADATA"
    wheel = zipped(tmp_path / "otelier-1.2.3-py3-none-any.whl", {name: told + extra + marked})
    assert list(trying.lowest(wheel)) == ["rich==13", "wrapt==1.14", "orjson==3.9"]
    assert contents.version(wheel) == "1.2.3"
    wheel = zipped(tmp_path / "loose.whl", {name: "Requires-Dist: rich<16\n"})
    with pytest.raises(Fault, match="no oldest version"):
        list(trying.lowest(wheel))
