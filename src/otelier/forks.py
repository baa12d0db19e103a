"""Forks: one handler for all of ours, since none can be taken back.

A lock that another thread of the parent holds would be held in the child for ever; a thread is not
there; what the parent counts is not the child's.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from threading import RLock
from typing import Final, TypeVar

from otelier import guard

_F = TypeVar("_F", bound=Callable[[], object])

_before: Final[list[Callable[[], object]]] = []
_in_parent: Final[list[Callable[[], object]]] = []
_in_child: Final[list[Callable[[], object]]] = []


def before(run: _F) -> _F:
    """Run this in the parent before each fork. It starts no thread, and waits for no lock long."""
    _before.append(run)
    return run


def in_parent(run: _F) -> _F:
    """Run this in the parent after each fork."""
    _in_parent.append(run)
    return run


def in_child(renew: _F) -> _F:
    """Run this in the child after each fork."""
    _in_child.append(renew)
    return renew


def _all_before() -> None:
    _run(_before)


def _all_in_parent() -> None:
    _run(_in_parent)


def _all_in_child() -> None:
    _run(_in_child)


def _run(each: list[Callable[[], object]]) -> None:
    for one in each:
        try:
            one()
        except Exception:
            guard.failed("forks")


class Undisturbed:
    """What no fork may come in the middle of: done while :attr:`lock` is held, which a fork awaits.

    Imports are of that kind: a child of the middle of one would wait for it for ever.
    """

    def __init__(self, seconds: float) -> None:
        """``seconds``: how long a program that forks waits at most."""
        self._seconds = seconds
        # Asked for each time: in a child it is another one.
        self.lock = RLock()
        self._held = False
        before(self._await)
        in_parent(self._go_on)
        in_child(self._renew)

    def _await(self) -> None:
        self._held = self.lock.acquire(timeout=self._seconds)

    def _go_on(self) -> None:
        if self._held:
            self._held = False
            self.lock.release()

    def _renew(self) -> None:
        self.lock, self._held = RLock(), False


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_all_before, after_in_parent=_all_in_parent, after_in_child=_all_in_child
    )
