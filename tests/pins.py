"""Renews the versions that are pinned in ``requirements/``.

``python -m tests.pins [package …]``: the newest versions of everything, or of these packages.
``requirements/<name>.in`` says what an environment needs, ``<name>.txt`` beside it which versions
of that, and of all that it needs, are installed. A file holds for every claimed Python and
platform; where no set of versions does, for the oldest Python. Each environment of a framework has
a file in ``requirements/frameworks``.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks import environments
from tests.framework_rows import ROWS, TOOLS

ROOT: Final = Path(__file__).resolve().parents[1]
FOLDER: Final = ROOT / "requirements"
OLDEST: Final = "3.11"


@dataclass(frozen=True)
class Pins:
    """A file of pins, and what it is made of."""

    path: Path
    # Files beside otelier's own ``pyproject.toml``.
    files: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    # Whether otelier is installed in that environment from here.
    otelier: bool = True

    @property
    def header(self) -> str:
        made_of = ", ".join(self.files) or "tests/framework_rows.py"
        return f"# Made by `make update` of {made_of}.\n"


SETS: Final = (
    Pins(FOLDER / "test.txt", ("test.in", "lint.in"), extras=("ui",)),
    Pins(FOLDER / "beside.txt", ("beside.in",)),
    Pins(FOLDER / "docs.txt", ("docs.in",)),
    Pins(FOLDER / "release.txt", ("release.in",), otelier=False),
)


def every() -> Iterator[Pins]:
    """All files of pins."""
    yield from SETS
    for row in ROWS:
        yield Pins(row.pins, packages=(*row.packages, *TOOLS))


def by_uv(uv: str, pins: Pins, upgraded: list[str]) -> str:
    """The versions as uv finds them; what is pinned already stays where no upgrade is asked for."""
    own = ["pyproject.toml", *(f"--extra={name}" for name in pins.extras)] if pins.otelier else []
    files = [str(FOLDER / name) for name in pins.files]
    fresh = [f"--upgrade-package={name}" for name in upgraded] or ["--upgrade"]
    command = [uv, "pip", "compile", "--quiet", "--no-header", "--no-annotate", *fresh]
    for scope in (["--universal"], []):
        done = subprocess.run(
            [*command, *scope, "--python-version", OLDEST, *own, *files, "-", "-o", str(pins.path)],
            input="\n".join(pins.packages),
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        if done.returncode == 0:
            return pins.path.read_text()
    raise RuntimeError(f"{pins.path.relative_to(ROOT)}: {done.stderr.strip()}")


def by_pip(pins: Pins) -> str:
    """The versions as pip finds them, for this Python alone."""
    extras = f"[{','.join(pins.extras)}]" if pins.extras else ""
    own = [f"{ROOT}{extras}"] if pins.otelier else []
    files = [word for name in pins.files for word in ("-r", str(FOLDER / name))]
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed"]
    done = subprocess.run(
        [*command, "--quiet", "--report", "-", *own, *files, *pins.packages],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"{pins.path.relative_to(ROOT)}: {done.stderr.strip()}")
    found = [each["metadata"] for each in json.loads(done.stdout)["install"]]
    named = sorted((normal(each["name"]), each["version"]) for each in found)
    return "".join(f"{name}=={version}\n" for name, version in named if name != "otelier")


def normal(name: str) -> str:
    """A package's name as indexes and uv write it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def renew(uv: str | None, pins: Pins, upgraded: list[str]) -> str:
    """Write the file anew; what went wrong, if something did."""
    pins.path.parent.mkdir(parents=True, exist_ok=True)
    try:
        text = by_uv(uv, pins, upgraded) if uv else by_pip(pins)
    except RuntimeError as problem:
        return str(problem)
    pins.path.write_text(pins.header + text)
    return ""


def main(upgraded: list[str]) -> int:
    """Renew all files; how many could not be."""
    uv = environments.installer()
    with ThreadPoolExecutor(4) as workers:
        told = list(workers.map(lambda pins: renew(uv, pins, upgraded), every()))
    problems = [problem for problem in told if problem]
    print("\n".join([*problems, f"{len(told) - len(problems)} of {len(told)} files of pins made"]))
    return len(problems)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
