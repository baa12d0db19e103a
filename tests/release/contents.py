"""What is in the wheel and in the sdist, and what must or must not be."""

from __future__ import annotations

import fnmatch
import re
import subprocess
import tarfile
import zipfile
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Final

from tests.release.commands import Fault

ROOT: Final = Path(__file__).resolve().parents[2]
# Each names a file at least, without which otelier would be imported and not work.
NEEDED: Final = (
    "otelier/py.typed",
    "otelier/prices/list.jsonl",
    "otelier/questions/__init__.pyi",
    "otelier/store/schema.sql",
    "otelier/store/views.sql",
    "otelier/web/static/*.css",
    "otelier/web/static/*.js",
    "otelier/web/static/vendor/*.LICENSE",
    "otelier/web/templates/*.html",
    "otelier-*.dist-info/entry_points.txt",
    "otelier-*.dist-info/licenses/LICENSE",
)
# Beside `src/otelier`.
IN_SDIST: Final = (
    *("CHANGELOG.md", "LICENSE", "PKG-INFO", "README.md", "pyproject.toml", ".gitignore"),
    "examples/*",
)
NEVER: Final = ("tests", "test", "conftest.py", "__pycache__", ".env", ".DS_Store")


def of_wheel(names: Collection[str], kept: Collection[str] | None) -> Iterator[str]:
    """What is wrong with a wheel of these files; ``kept``: the repository's of the package."""
    yield from never(names)
    for pattern in NEEDED:
        if not fnmatch.filter(names, pattern):
            yield f"the wheel has no {pattern}"
    package = {name for name in names if name.startswith("otelier/")}
    for name in sorted({*names} - package):
        if not fnmatch.fnmatch(name, "otelier-*.dist-info/*"):
            yield f"the wheel installs {name}, which is no part of otelier"
    if kept is not None:
        yield from (f"the wheel lacks {name}" for name in sorted({*kept} - package))
        yield from (f"{name} is not in the repository" for name in sorted(package - {*kept}))


def of_sdist(names: Collection[str]) -> Iterator[str]:
    """What is wrong with an sdist of these files, whose own folder is taken from their names."""
    yield from never(names)
    for pattern in IN_SDIST:
        if not fnmatch.filter(names, pattern):
            yield f"the sdist has no {pattern}"
    for name in sorted(names):
        if not any(fnmatch.fnmatch(name, each) for each in (*IN_SDIST, "src/otelier/*")):
            yield f"the sdist has {name}"


def never(names: Collection[str]) -> Iterator[str]:
    """Files that nobody wants installed."""
    for name in sorted(names):
        if {*PurePosixPath(name).parts} & {*NEVER}:
            yield f"{name} is released"


def kept() -> set[str] | None:
    """The package's files in the repository; None where this is none."""
    if not (ROOT / ".git").exists():
        return None
    command = ["git", "ls-files", "src/otelier"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return {name.removeprefix("src/") for name in listed.splitlines()}


def checked(sdist: Path, wheel: Path) -> list[str]:
    """The wheel's files, summed up by folder; a :class:`Fault` tells all that is wrong."""
    with zipfile.ZipFile(wheel) as opened:
        sizes = {each.filename: each.file_size for each in opened.infolist()}
    with tarfile.open(sdist) as archive:
        members = [each.name.partition("/")[2] for each in archive.getmembers() if each.isfile()]
    problems = [*of_wheel(sizes, kept()), *of_sdist(members)]
    if problems:
        raise Fault("\n".join(problems))
    return [*summary(sizes)]


def summary(sizes: Mapping[str, int]) -> Iterator[str]:
    """A line for each part of the package and kind of file."""
    parts: dict[tuple[str, str], list[int]] = {}
    for name, size in sizes.items():
        path = PurePosixPath(name)
        part = "/".join(path.parts[: min(2, len(path.parts) - 1)])
        parts.setdefault((part, path.suffix or path.name), []).append(size)
    for (part, kind), found in sorted(parts.items()):
        counted = f"{len(found)} file{'s' if len(found) > 1 else ''}"
        yield f"  {part}: {counted} of {kind}, {sum(found) / 1000:,.0f} kB"


def named(tag: str, version: str, changelog: str) -> None:
    """A :class:`Fault` unless the tag is the version's, and the changelog tells its day."""
    if tag != f"v{version}":
        raise Fault(f"the tag is {tag}, the version {version}")
    if not re.search(rf"^## {re.escape(version)} \(\d{{4}}-\d\d-\d\d\)$", changelog, re.M):
        raise Fault(f"CHANGELOG.md has no heading '## {version} (day)'")


def version(wheel: Path) -> str:
    """The version that the wheel's name tells."""
    return wheel.name.split("-")[1]
