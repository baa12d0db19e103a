"""Forks: one handler for all of ours, since none can be taken back.

A lock that another thread of the parent holds would be held in the child for ever; a thread is not
there; what the parent counts is not the child's.
"""

from __future__ import annotations

import os
from collections.abc import Callable
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


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_all_before, after_in_parent=_all_in_parent, after_in_child=_all_in_child
    )
