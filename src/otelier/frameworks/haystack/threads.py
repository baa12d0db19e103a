"""Components that look in several places at once do so in threads, where no context comes along."""

from __future__ import annotations

from typing import Any

from otelier.hooks import threads
from otelier.hooks.patching import Patches


def patch(library: str, module: Any, patches: Patches) -> str:
    """Put a pool that carries the context in the place of the plain one."""
    return threads.carry_in(module, patches)
