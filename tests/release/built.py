"""The files that would be uploaded: built, compared, and checked by tools of others."""

from __future__ import annotations

import shutil
import sys
import zipfile
from pathlib import Path
from typing import Final

from tests.release.commands import Fault, run

ROOT: Final = Path(__file__).resolve().parents[2]
FOLDER: Final = ROOT / ".cache" / "release"
DIST: Final = FOLDER / "dist"
# Of 10. One that is short of 10 by this has no author's address: there is none to give.
RATING: Final = 8


def files() -> tuple[Path, Path]:
    """The sdist and, made from it, the wheel; one made from here is no other."""
    direct = FOLDER / "direct"
    for folder in (DIST, direct):
        shutil.rmtree(folder, ignore_errors=True)
    build = [sys.executable, "-m", "build", "--no-isolation"]
    run([*build, "--outdir", DIST, ROOT])
    run([*build, "--wheel", "--outdir", direct, ROOT])
    (sdist,), (wheel,) = DIST.glob("*.tar.gz"), DIST.glob("*.whl")
    (other,) = direct.glob("*.whl")
    if wheel.name != other.name or (different := differences(wheel, other)):
        raise Fault(f"the wheel of the sdist is another: {wheel.name}, {different}")
    return sdist, wheel


def differences(one: Path, other: Path) -> list[str]:
    """The files that only one of two wheels has, or that differ."""
    with zipfile.ZipFile(one) as first, zipfile.ZipFile(other) as second:
        names = {*first.namelist(), *second.namelist()}
        both = {*first.namelist()} & {*second.namelist()}
        same = {name for name in both if first.read(name) == second.read(name)}
    return sorted(names - same)


def checked(sdist: Path, wheel: Path) -> None:
    """What an index refuses, what wheels hold by mistake, what is not told of the package."""
    tools = [sys.executable, "-m"]
    run([*tools, "twine", "check", "--strict", sdist, wheel])
    run([*tools, "check_wheel_contents", wheel])
    run([*tools, "pyroma", "-n", RATING, sdist])
