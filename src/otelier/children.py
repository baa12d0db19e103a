"""Child processes that skip ``atexit``: multiprocessing's and billiard's (Celery's) forked ones.

They leave by ``os._exit``, and with them what the SDK holds for its next batch. Finalizers of
``multiprocessing.util``, which billiard shares, do run, but for the children of Celery's pool,
which send a signal of Celery's instead: either flushes. Only who forks by them has it imported.
"""

from __future__ import annotations

import importlib
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, Final

from otelier import forks, guard, runtime, under_way

# What a program that forks by them has imported.
_FORKING: Final = ("multiprocessing.process", "billiard.process")
# A backend that is down must not hold pools of short-lived processes up.
_SECONDS: Final = 2.0
# As long as a thread can be waited for anywhere.
_LONGEST: Final = 1e6
# Those who send now.
_flushing: Final[list[threading.Thread]] = []
_installed = False
_watched = False


def install() -> None:
    """Watch the forks of this process and its children; once."""
    global _installed
    if not _installed and hasattr(os, "fork"):
        _installed = True
        forks.before(_watch)
        _watch()
        _join()


def _join() -> None:
    """Where this is such a child itself, which starts otelier on its own."""
    try:
        for name in _FORKING:
            process = sys.modules.get(name)
            if process is not None and type(process.current_process()).__name__ != "_MainProcess":
                _in_child(_util())
                return
    except Exception:
        guard.failed("children.join")


def _watch() -> None:
    global _watched
    if not _watched and any(name in sys.modules for name in _FORKING):
        try:
            module = _util()
            # Called in the child, after it forgot all finalizers.
            module.register_after_fork(module, _in_child)
            _watched = True
        except Exception:
            guard.failed("children.watch")


def _util() -> Any:
    return importlib.import_module("multiprocessing.util")


def _in_child(module: Any) -> None:
    try:
        # Zero is the last: what the program registered may still make calls.
        module.Finalize(None, flush, exitpriority=0)
        celery = sys.modules.get("celery.signals")
        if celery is not None:
            # Sent where the child is about to leave, and only by those of the pool.
            celery.worker_process_shutdown.connect(
                _on_shutdown, weak=False, dispatch_uid="otelier.children"
            )
    except Exception:
        guard.failed("children.finalize")


def _on_shutdown(**_given: Any) -> None:
    flush()


def send(seconds: float) -> bool:
    """Send what this process has finished, metrics too; whether it was done in so many seconds.

    Never raises, and never takes longer: who hangs is left behind.
    """
    try:
        run = runtime.current()
        if run is None:
            return True
        seconds = min(max(0.0, float(seconds)), _LONGEST)
        return _together([*run.records(), run.meters()], _flush_one, time.monotonic() + seconds)
    except Exception:
        guard.failed("children.send")
        return False


def flush(metrics: bool = False, leave: bool = True) -> None:
    """Send what this process has finished, in bounded time; then what it has not, if ``leave``.

    Never raises. Not ``metrics`` of a forked child, which goes on from its parent's sums, under its
    parent's name. What is finished goes first: ending the rest may wait for a lock of the thread
    that is interrupted here.
    """
    try:
        run = runtime.current()
        if run is None:
            return
        end = time.monotonic() + _SECONDS
        if leave and (unheard := sys.modules.get("otelier.unheard")) is not None:
            unheard.give_up()
        providers = run.records()
        _together([*providers, run.meters()] if metrics else providers, _flush_one, end)
        if leave and under_way.anything():
            _together((None,), under_way.leave, end)
            _together(providers, _flush_one, end)
    except Exception:
        guard.failed("children.flush")


def _together(given: Iterable[Any], work: Callable[[Any], object], end: float) -> bool:
    """``work`` on each, in threads: exporters have time limits of their own, beyond ours.

    Whether each was done in time, and told of no failure.
    """
    done: list[object] = []
    threads = [
        threading.Thread(
            target=lambda each=each: done.append(work(each)), name="otelier-flush", daemon=True
        )
        for each in given
    ]
    # A signal may come while this thread waits for others already: they are not done yet.
    earlier = [each for each in _flushing if each.is_alive()]
    _flushing[:] = [*earlier, *threads]
    for each in threads:
        each.start()
    for each in (*threads, *earlier):
        each.join(max(0.0, end - time.monotonic()))
    return len(done) == len(threads) and False not in done


def _wait_for_last(provider: Any) -> None:
    """While the SDK shuts down it flushes for nobody: a thread of its own sends what is left."""
    unheard: Any = sys.modules.get("otelier.unheard")
    for held in unheard.exporters((provider,)) if unheard is not None else ():
        thread = getattr(held, "_worker_thread", None)
        if isinstance(thread, threading.Thread) and getattr(held, "_shutdown", None) is True:
            thread.join()


def _flush_one(provider: Any) -> bool:
    try:
        flushed = not hasattr(provider, "force_flush") or provider.force_flush() is not False
        _wait_for_last(provider)
        return flushed
    except Exception:
        guard.failed("children.flush")
        return False
