"""Environments of their own in ``.cache``, made by uv, or by pip where uv cannot."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
CACHE: Final = ROOT / ".cache"


def installer() -> str | None:
    """uv, which takes seconds where pip takes minutes: the machine's, or one of our own."""
    found = shutil.which("uv")
    if found:
        return found
    folder = CACHE / "uv"
    if not (folder / "bin" / "uv").exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        command = [str(folder / "bin" / "python"), "-m", "pip", "install", "-q", "uv"]
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return str(folder / "bin" / "uv") if (folder / "bin" / "uv").exists() else None


def interpreter(folder: Path) -> str:
    """The Python of an environment."""
    return str(folder / "bin" / "python")


def install(folder: Path, packages: Iterable[str], uv: str | None, pins: Path | None = None) -> str:
    """Make an environment with otelier and these, unless it is there; what went wrong, if any.

    ``pins`` says which versions of them, and of what they need.
    """
    done = folder / "installed.txt"
    words = [*packages, *(("-c", str(pins)) if pins else ())]
    wanted = "\n".join([*words, pins.read_text() if pins else ""])
    if done.exists() and done.read_text() == wanted:
        return ""
    shutil.rmtree(folder, ignore_errors=True)
    python = interpreter(folder)
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    by_uv = [uv, "pip", "install", "--quiet", "--python", python] if uv else []
    by_pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    problem = ""
    for tool in filter(None, (by_uv, by_pip)):
        command = [*tool, "-e", str(ROOT), *words]
        made = subprocess.run(command, capture_output=True, text=True)
        if made.returncode == 0:
            done.write_text(wanted)
            return ""
        problem = made.stderr.strip()
    return problem or "cannot be installed"
