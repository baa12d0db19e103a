"""What this process holds, as the system counts it."""

from __future__ import annotations

import resource
import sys
from pathlib import Path
from typing import Final

_STATUS: Final = Path("/proc/self/status")


def _told(name: str) -> int:
    for line in _STATUS.read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024
    raise LookupError(name)


def now() -> int:
    """Bytes in memory; the most there ever were, where the system does not say."""
    return _told("VmRSS") if _STATUS.exists() else peak()


def peak() -> int:
    """The most there ever were, or since they were forgotten."""
    if _STATUS.exists():
        return _told("VmHWM")
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def forget_peak() -> int:
    """Begin anew, where the system can; what there is now."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        pass
    return now()
