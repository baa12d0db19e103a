"""Failures of our own code: swallowed, logged once per place at DEBUG, counted.

An exception of ours never reaches the user. What was swallowed shows in ``otelier doctor`` and
:func:`failures`.
"""

from __future__ import annotations

import logging

logger = logging.getLogger("otelier")

_counts: dict[str, int] = {}
_said: set[str] = set()
_MOST_SAID = 500


def failed(place: str) -> None:
    """Note the exception that is being handled. Call it from an ``except`` block only."""
    try:
        seen = _counts.get(place, 0)
        _counts[place] = seen + 1
        if not seen:
            logger.debug(
                "otelier: failure in %s (further ones are only counted)", place, exc_info=True
            )
    except Exception:  # A logging handler of the user's may raise.
        pass


def say_once(key: str, message: str, *args: object, level: int = logging.WARNING) -> None:
    """One visible line per ``key`` and process."""
    if key in _said or len(_said) >= _MOST_SAID:
        return
    _said.add(key)
    try:
        logger.log(level, "otelier: " + message, *args)
    except Exception:
        pass


def failures() -> dict[str, int]:
    """How often our code failed in this process, by place."""
    return dict(_counts)


def reset() -> None:
    """Forget all (tests)."""
    _counts.clear()
    _said.clear()
