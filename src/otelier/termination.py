"""SIGTERM where it is left to the kernel, which would end the program without its exit handlers.

What was finished when the signal came is sent first, for a few seconds at most; then the kernel
ends the program by the same signal. Programs with a handler of their own are left alone, and when
they put the default back (uvicorn does, and raises the signal again) it is this one: to them it is
``signal.SIG_DFL`` itself, whether they ask for it, compare it, or chain it.

As with every handler in Python, the main thread has to come back from C code for it to run.
"""

from __future__ import annotations

import importlib
import os
import signal
import threading
from functools import wraps
from types import FrameType
from typing import Any, Final

from otelier import children, forks, guard

_module: Final[Any] = signal
# What it is made of, which takes and gives handlers as they are.
_signal: Final[Any] = importlib.import_module("_signal")
# Of a container's first process the kernel takes no default action: it goes on.
_FIRST: Final = 1
_before: Any = None
_installed_in: int | None = None
_ending = False


class _Default(int):
    """A handler that :mod:`signal` shows as ``SIG_DFL``, since it is the same number."""

    def __call__(self, number: int, frame: FrameType | None) -> None:
        _terminate(number)


_OURS: Final = _Default(signal.SIG_DFL)


def install() -> None:
    """Take the place of SIGTERM's default action, now and where a program puts that back."""
    global _before, _installed_in
    if os.name != "posix" or _before is not None:
        return
    try:
        # Metrics of forked children go on from the sums of their parent.
        _installed_in = os.getpid()
        _before = signal.signal
        _module.signal = _watching(_before)
        _replace()
    except Exception:
        guard.failed("termination.install")


def uninstall() -> None:
    """As it was before."""
    global _before
    if _before is None:
        return
    try:
        if getattr(signal.signal, "__wrapped__", None) is _before:
            _module.signal = _before
        _before = None
        if _main() and _signal.getsignal(signal.SIGTERM) is _OURS:
            _signal.signal(signal.SIGTERM, _signal.SIG_DFL)
    except Exception:
        guard.failed("termination.uninstall")


# Signals that the threads which fork now had blocked before.
_masks: Final[dict[int, Any]] = {}


@forks.before
def _block() -> None:
    """A forked child forgets signals that came before it runs Python: they wait for that."""
    if _before is not None and _signal.getsignal(signal.SIGTERM) is _OURS:
        mask = _signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM,))
        _masks[threading.get_ident()] = mask


@forks.in_parent
def _unblock() -> None:
    mask = _masks.pop(threading.get_ident(), None)
    if mask is not None:
        _signal.pthread_sigmask(signal.SIG_SETMASK, mask)


@forks.in_child
def _unblock_child() -> None:
    if signal.SIGTERM in _signal.sigpending():
        # It has finished nothing that could be sent.
        _signal.signal(signal.SIGTERM, _signal.SIG_DFL)
    _unblock()
    _masks.clear()


def _watching(original: Any) -> Any:
    @wraps(original)
    def watched(signalnum: Any, handler: Any) -> Any:
        before = original(signalnum, handler)
        if signalnum == signal.SIGTERM and _before is not None:
            _replace()
        return before

    return watched


def _replace() -> None:
    try:
        if _main() and _is_default(_signal.getsignal(signal.SIGTERM)):
            _signal.signal(signal.SIGTERM, _OURS)
    except Exception:
        guard.failed("termination.replace")


def _main() -> bool:
    return threading.current_thread() is threading.main_thread()


def _is_default(handler: Any) -> bool:
    return type(handler) is int and handler == _signal.SIG_DFL


def _terminate(number: int) -> None:
    global _ending
    try:
        # A second signal while it sends: at once.
        if not _ending:
            _ending = True
            mine = os.getpid() == _installed_in
            children.flush(metrics=mine, leave=os.getpid() != _FIRST)
    except BaseException:  # That of another signal's handler, too: the program is at its end.
        guard.failed("termination.flush")
    _signal.signal(number, _signal.SIG_DFL)
    os.kill(os.getpid(), number)
    _ending = False
    _replace()
