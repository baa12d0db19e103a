"""smolagents' own threads: what it hands to one belongs where it was handed over.

Only OpenTelemetry's context goes along. Other context variables are the program's, which finds them
in a thread only where smolagents takes them there.
"""

from __future__ import annotations

from typing import Any

from otelier.hooks import threads
from otelier.hooks.patching import Patches


def patch(library: str, module: Any, patches: Patches) -> str:
    """Put a pool that takes the context along in the place of the one that a module uses."""
    if "copy_context" in module.__dict__:
        return "agents take the context along themselves"
    return threads.carry_in(module, patches)
