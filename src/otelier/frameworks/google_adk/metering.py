"""Google ADK's metrics: where it records the conventions' metrics itself, ours are not doubled."""

from __future__ import annotations

import sys
from typing import Any, Final

from otelier import natives
from otelier.frameworks.google_adk import native
from otelier.hooks.patching import Patches

_MODULE: Final = "google.adk.telemetry._metrics"


def patch(library: str, module: Any, patches: Patches) -> str:
    """The metrics of its model calls are its own, if it records them where ours are recorded."""
    metered = natives.meters(native.SCOPE) if measures("record_client_token_usage") else None
    if metered is None:
        raise LookupError("no metrics of model calls, or elsewhere")
    patches.undone(metered)
    return "metrics of model calls"


def measures(recorder: str) -> bool:
    """Whether it records a metric itself, by that function, and to where ours are recorded."""
    return natives.go_where_ours_go() and hasattr(sys.modules.get(_MODULE), recorder)
