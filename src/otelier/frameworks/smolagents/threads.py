"""smolagents' own threads: what it hands to one belongs where it was handed over."""

from __future__ import annotations

from typing import Any

from otelier.hooks import threads
from otelier.hooks.patching import Patches


def patch(library: str, module: Any, patches: Patches) -> str:
    """Put a pool that takes the context along in the place of the one that a module uses."""
    # Newer versions' agents take it along themselves.
    if "copy_context" in module.__dict__:
        return f"{module.__name__}.copy_context"
    return threads.carrying(module, patches)
