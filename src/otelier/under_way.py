"""What is under way: calls and steps that have begun and not ended, for the end of the program.

A stream that is still open then, or a step whose ``with`` was never left, is collected after the
provider has shut down, or never: it is ended before. All are held weakly. One that begins notes
itself, ``note(held := ref(self, forget))``, and forgets that when it ends; both are C functions, so
that a call pays no more than two of them.
"""

from __future__ import annotations

from typing import Any, Final
from weakref import ref as ref

from otelier import forks, guard

_open: Final[set[ref[Any]]] = set()
note: Final = _open.add
forget: Final = _open.discard

# They are the parent's to end.
forks.in_child(_open.clear)


def leave(of: Any = None) -> None:
    """End all as abandoned, what began last first; or those whose spans ``of`` is told of.

    ``of`` is what a TracerProvider has for its span processors. Never raises.
    """
    try:
        found = [each for each in (held() for held in _open.copy()) if each is not None]
        found.sort(key=_order, reverse=True)
    except Exception:
        guard.failed("under_way.found")
        return
    for each in found:
        try:
            if of is None or getattr(each.span, "_span_processor", of) is of:
                each.abandoned()
        except Exception:
            guard.failed("under_way.leave")


def _order(each: Any) -> tuple[int, bool]:
    # What hands a call its last event ends before it.
    return getattr(each.span, "start_time", None) or 0, hasattr(each, "call")


def anything() -> bool:
    """Whether something is under way."""
    return bool(_open)
