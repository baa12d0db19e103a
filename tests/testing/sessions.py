"""Runs of pytest as users have them: processes of their own, with otelier's plugin installed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from tests.servers import ProviderServer

ROOT = Path(__file__).parents[2]


class Done(NamedTuple):
    """How it went."""

    code: int
    out: str

    def summary(self) -> list[str]:
        """The lines of what otelier prints at the end."""
        section = re.search(r"=+ otelier: [^=]* =+\n((?:(?!=+ ).*\n)*)", self.out)
        return [] if section is None else section[1].splitlines()[: self._last(section[1])]

    def _last(self, text: str) -> int:
        lines = text.splitlines()
        ends = (n for n, line in enumerate(lines) if re.match(r"\d+ (passed|failed)", line))
        return next(ends, len(lines))


def installed(folder: Path) -> Path:
    """A folder to import from, in which otelier's plugin is registered as ``pip`` does it."""
    place = folder / "installed"
    info = place / "otelier_here-0.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: otelier-here\nVersion: 0\n")
    (info / "entry_points.txt").write_text("[pytest11]\notelier = otelier.testing.plugin\n")
    (info / "RECORD").write_text("otelier/__init__.py,,\n")
    package = place / "otelier"
    if not package.exists():
        package.symlink_to(ROOT / "src" / "otelier")
    return place


def environment(folder: Path, server: ProviderServer | None = None) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    path = os.pathsep.join(map(str, (installed(folder), ROOT)))
    here = {"PYTHONPATH": path, "COLUMNS": "100"}
    if server is not None:
        here["OPENAI_BASE_URL"], here["OPENAI_API_KEY"] = f"{server.url}/v1", "k"
        here["OTELIER_PROVIDER_HOSTS"] = f"{server.url.removeprefix('http://')}=openai"
    return {**kept, **here}


def run(
    folder: Path,
    *words: str,
    files: Mapping[str, str],
    server: ProviderServer | None = None,
    before: tuple[str, ...] = ("-m", "pytest"),
    **variables: str,
) -> Done:
    """This interpreter's pytest over ``files``."""
    for name, text in files.items():
        (folder / name).write_text(text)
    done = subprocess.run(
        [sys.executable, *before, *words, "-p", "no:cacheprovider"],
        env={**environment(folder, server), **variables},
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=240,
    )
    return Done(done.returncode, done.stdout)
