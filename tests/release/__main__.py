"""``make release-check``: what would be uploaded is built, looked at, installed and run.

``--every``: a claimed Python that is not on this machine is a fault. ``--newest``: with the
versions of today beside it, not those that are pinned. The files stay in ``.cache/release/dist``.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.release import built, contents, pythons, trying
from tests.release.commands import Fault


def check(folder: Path, newest: bool) -> list[str]:
    """The claimed Pythons that are not here; a :class:`Fault` at the first thing that is wrong."""
    sdist, wheel = built.files()
    for path in (sdist, wheel):
        print(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB", flush=True)
    built.checked(sdist, wheel)
    print("\n".join(contents.checked(sdist, wheel)), flush=True)
    version = contents.version(wheel)
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


def main(options: list[str]) -> int:
    """Check all; 1 if something is wrong."""
    try:
        with tempfile.TemporaryDirectory(prefix="otelier-release-") as folder:
            missing = check(Path(folder), "--newest" in options)
    except Fault as fault:
        print(f"release-check: {fault}", file=sys.stderr)
        return 1
    for each in missing:
        print(f"NOT CHECKED: Python {each} is claimed, and not on this machine", flush=True)
    return 1 if missing and "--every" in options else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
