"""Where DSPy's warnings say that the program stands: filters of warnings go by that.

DSPy looks for the first frame that is not its own, which is not to be a frame of ours.
"""

from __future__ import annotations

import sys
import warnings
from typing import Any, Final

from otelier import guard
from otelier.hooks.patching import Patches

_PASSED: Final = frozenset({"dspy", __name__.partition(".")[0]})


def patch(library: str, module: Any, patches: Patches) -> str:
    """Stand in the place of :mod:`warnings` in the module that warns. Raises LookupError."""
    if module.__dict__.get("warnings") is not warnings:
        raise LookupError(f"{module.__name__}.warnings")
    patches.replace(module, "warnings", _Warnings())
    return "warnings"


class _Warnings:
    """:mod:`warnings`, where a level that ends in a frame of ours goes on to the program's."""

    def __getattr__(self, name: str) -> Any:
        return getattr(warnings, name)

    @staticmethod
    def warn(message: Any, category: Any = None, stacklevel: int = 1, **more: Any) -> None:
        """Warn there; our own frame is one more."""
        try:
            stacklevel = _beyond(stacklevel)
        except Exception:
            guard.failed("dspy.warned")
        warnings.warn(message, category, stacklevel + 1, **more)


def _beyond(level: int) -> int:
    """The level of the program's frame, counted from whoever warns."""
    frame: Any = sys._getframe(1 + level)
    if _package(frame) != __name__.partition(".")[0]:
        return level
    while frame is not None and _package(frame) in _PASSED:
        frame, level = frame.f_back, level + 1
    return level


def _package(frame: Any) -> str:
    name = frame.f_globals.get("__name__")
    return name.partition(".")[0] if type(name) is str else ""
