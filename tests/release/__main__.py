"""``make release-check``: what would be uploaded is built, looked at, installed and run.

``--every``: a claimed Python that is not on this machine is a fault. ``--newest``: with the
versions of today beside it, not those that are pinned. ``--tag v1.2.3``: for a release that is
called so. The files stay in ``.cache/release/dist``.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.release import built, contents, pythons, trying
from tests.release.commands import Fault


def check(folder: Path, newest: bool, tag: str | None) -> list[str]:
    """The claimed Pythons that are not here; a :class:`Fault` at the first thing that is wrong."""
    sdist, wheel = built.files()
    version = contents.version(wheel)
    if tag is not None:
        contents.named(tag, version, (built.ROOT / "CHANGELOG.md").read_text())
    for path in (sdist, wheel):
        print(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB", flush=True)
    built.checked(sdist, wheel)
    print("\n".join(contents.checked(sdist, wheel)), flush=True)
    found = {each: pythons.found(each) for each in pythons.claimed()}
    here = {each: python for each, python in found.items() if python is not None}
    if not here:
        raise Fault("none of the claimed Pythons is on this machine")
    for each, python in here.items():
        trying.newest(trying.Place(folder / each, python), wheel, version, pinned=not newest)
        print(f"Python {each}: installed, asked, demo run", flush=True)
    oldest = next(iter(here))
    place = trying.Place(folder / "oldest", here[oldest])
    told = trying.oldest(place, wheel, version)
    print(f"Python {oldest}: installed, asked, demo run with {', '.join(told)}", flush=True)
    return [each for each in found if each not in here]


def main(words: list[str]) -> int:
    """Check all; 1 if something is wrong."""
    options = argparse.ArgumentParser(prog="release-check")
    options.add_argument("--every", action="store_true")
    options.add_argument("--newest", action="store_true")
    options.add_argument("--tag")
    asked = options.parse_args(words)
    try:
        with tempfile.TemporaryDirectory(prefix="otelier-release-") as folder:
            missing = check(Path(folder), asked.newest, asked.tag)
    except Fault as fault:
        print(f"release-check: {fault}", file=sys.stderr)
        return 1
    for each in missing:
        print(f"NOT CHECKED: Python {each} is claimed, and not on this machine", flush=True)
    return 1 if missing and asked.every else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
