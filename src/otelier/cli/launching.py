"""A program as a child that nobody notices: its signals, its files, its exit status."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

# What others send to the process that they started.
_PASSED_ON: Final = ("SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGINT", "SIGQUIT")
# What a terminal sends to all of its foreground: the program has them without us.
_OF_TERMINALS: Final = ("SIGINT", "SIGQUIT")


def launch(command: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run ``command`` to its end; its exit code, or a signal's number below zero.

    Raises OSError where it cannot be started.
    """
    started: list[subprocess.Popen[bytes]] = []
    early: list[int] = []

    def passed_on(number: int, frame: Any) -> None:
        if number in _numbers(_OF_TERMINALS) and _in_foreground():
            return
        if not started:
            early.append(number)
        elif started[0].poll() is None:
            with contextlib.suppress(OSError):
                started[0].send_signal(number)

    sys.stdout.flush()
    with _handling(passed_on):
        # What was open for this process is open for the program.
        started.append(subprocess.Popen(list(command), env=dict(environ), close_fds=False))
        for number in early:
            passed_on(number, None)
        with _handling(passed_on, ignored=True):
            return started[0].wait()


def _numbers(names: Sequence[str]) -> list[int]:
    return [getattr(signal, name) for name in names if hasattr(signal, name)]


@contextlib.contextmanager
def _handling(handler: Any, ignored: bool = False) -> Iterator[None]:
    """``handler`` for what is passed on; first not for what is ignored here (nohup, ``&``).

    The program inherits that, and may choose to handle it nevertheless.
    """
    before: dict[int, Any] = {}
    for number in _numbers(_PASSED_ON):
        if (signal.getsignal(number) is signal.SIG_IGN) is ignored:
            before[number] = signal.signal(number, handler)
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)


def _in_foreground() -> bool:
    """Whether this process and its program are what a terminal shows."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY)
    except OSError:
        return os.name == "nt"
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)


def end_as(status: int) -> int:
    """End this process by the signal that ended the program; else the exit code is returned."""
    if status >= 0:
        return status
    with contextlib.suppress(OSError, ValueError, ImportError):
        import resource

        # One core dump is enough.
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    sys.stdout.flush()
    sys.stderr.flush()
    with contextlib.suppress(OSError, ValueError):
        if -status not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    return 128 - status
