"""Exporters that want their batches sooner than the SDK's five seconds.

The SDK makes a batch processor for each exporter that the environment names, all with one delay.
An exporter to which a batch costs next to nothing says what it wants instead.
"""

from __future__ import annotations

from typing import Any, Final

from otelier import guard, unheard

# The attribute of an exporter: the most seconds that a batch is waited for.
WANTED: Final = "otelier_delay"
# Of the SDK's batch processors: seconds, and what ends a wait that has begun.
_DELAY: Final = "_schedule_delay"
_AWAKEN: Final = "_worker_awaken"


def keep(*providers: Any) -> None:
    """See to it that the exporters of these providers get what they want. Never raises.

    With an SDK that has no such seams they get their batches later.
    """
    try:
        for held in unheard.exporters(providers):
            wanted = getattr(getattr(held, "_exporter", None), WANTED, None)
            now = getattr(held, _DELAY, None)
            if wanted is not None and isinstance(now, float | int) and wanted < now:
                setattr(held, _DELAY, wanted)
                getattr(held, _AWAKEN).set()
    except Exception:
        guard.failed("pace.keep")
