"""What brings SQLite is imported with the first batch, and not while the program forks.

A child of the middle of an import, or of SQLite's own beginning, would wait for ever for a lock
that a thread has which is not there.
"""

from __future__ import annotations

import threading

from otelier import forks

# Seconds that a program that forks waits at most for the import, which is done once.
_FORKING = 5.0
_lock = threading.Lock()
_held = False


def undisturbed() -> threading.Lock:
    """To be held while parts of the store are imported."""
    return _lock


@forks.before
def _before() -> None:
    global _held
    _held = _lock.acquire(timeout=_FORKING)


@forks.in_parent
def _go_on() -> None:
    global _held
    if _held:
        _held = False
        _lock.release()


@forks.in_child
def _forked() -> None:
    global _lock, _held
    _lock, _held = threading.Lock(), False
