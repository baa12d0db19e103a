"""The wish to end, in a process that holds much else."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator

import pytest

from otelier.cli.stopping import Stop, stopped

# What ``select`` can know of: descriptors below it.
_SELECTS = 1024


@pytest.fixture
def crowded() -> Iterator[None]:
    """A process whose next descriptors are beyond what ``select`` knows."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _SELECTS + 100
    if before[0] < wanted:
        if before[1] != resource.RLIM_INFINITY and before[1] < wanted:
            pytest.skip(f"a process may hold {before[1]} descriptors only")
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, before[1]))
    with contextlib.ExitStack() as held:
        while True:
            number = os.open(os.devnull, os.O_RDONLY)
            held.callback(os.close, number)
            if number >= _SELECTS:
                break
        yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.usefixtures("crowded")
def test_a_process_with_many_open_files() -> None:
    stop = Stop()
    assert not stop.is_set()
    assert not stop.wait(0.001)
    stop.set()
    assert stop.is_set()
    assert stop.wait(30)
    stop.close()


def test_told_often_is_told_once() -> None:
    stop = Stop()
    for _ in range(100_000):
        stop.set()
    assert stop.is_set()
    stop.close()


def test_the_first_signal_is_told_and_its_handler_given_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with stopped() as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.wait(30)
        assert signal.getsignal(signal.SIGTERM) is before
