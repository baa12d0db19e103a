"""Imports of what few programs need, or of what is needed late; not while the program forks.

Code that may run where nothing can be imported well (the garbage collector, the end of the program,
a signal, a forked child) does not come here: :mod:`otelier.ready` is imported before it.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

from otelier import forks

importing: Final = forks.Undisturbed(seconds=5.0)


def module(name: str) -> Any:
    """The module of otelier that has this name below it."""
    with importing.lock:
        return import_module(f"otelier.{name}")
