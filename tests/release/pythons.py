"""The Pythons that the package claims to run on, and where this machine has them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
ASK: Final = "import sys; print('%d.%d' % sys.version_info[:2])"


def claimed() -> list[str]:
    """The versions that the classifiers name, oldest first."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    numbers = (
        re.fullmatch(r"Programming Language :: Python :: 3\.(\d+)", each)
        for each in project["classifiers"]
    )
    return [f"3.{number}" for number in sorted(int(each[1]) for each in numbers if each)]


def candidates(version: str) -> Iterator[str]:
    """Where it may be: on the path, with pyenv, with uv."""
    yield sys.executable
    on_path = shutil.which(f"python{version}")
    if on_path:
        yield on_path
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from map(str, sorted(pyenv.glob(f"versions/{version}.*/bin/python"), reverse=True))
    uv = shutil.which("uv")
    if uv:
        command = [uv, "python", "find", "--no-python-downloads", "--no-project", version]
        yield subprocess.run(command, capture_output=True, text=True).stdout.strip()


def says(python: str) -> str:
    """Which version this is; nothing if it does not run (a shim of pyenv's may not)."""
    try:
        return subprocess.run([python, "-c", ASK], capture_output=True, text=True).stdout.strip()
    except OSError:
        return ""


def found(version: str) -> str | None:
    """An interpreter of that version on this machine."""
    return next((each for each in candidates(version) if says(each) == version), None)
