"""Patching, and taking it back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import wrapt


class Patches:
    """What was patched in one library."""

    def __init__(self) -> None:
        self._done: list[tuple[Any, str, Any, Any]] = []

    def wrap(self, owner: Any, name: str, wrapper: Callable[[Any, Any, Any, Any], Any]) -> None:
        """Wrap a function of a class or module."""
        self.replace(owner, name, wrapt.FunctionWrapper(owner.__dict__[name], wrapper))

    def replace(self, owner: Any, name: str, value: Any) -> None:
        """Put ``value`` in the place of an attribute."""
        before = owner.__dict__[name]
        setattr(owner, name, value)
        self._done.append((owner, name, before, value))

    def undo(self) -> None:
        """Restore what is still ours; what others wrapped again stays, and passes through."""
        for owner, name, before, value in reversed(self._done):
            if owner.__dict__.get(name) is value:
                setattr(owner, name, before)
        self._done.clear()
