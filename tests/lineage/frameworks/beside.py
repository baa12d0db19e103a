"""otelier beside another instrumentation of the same framework."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from otelier import guard
from tests.telemetry import Telemetry


def both(instrumentor: Any, theirs_first: bool, **options: Any) -> Iterator[Telemetry]:
    """Both on, in this order, until the test is over; ``options`` are the other one's."""
    telemetry = Telemetry()

    def theirs() -> None:
        instrumentor.instrument(tracer_provider=telemetry.tracer_provider, **options)

    if theirs_first:
        theirs()
    telemetry.start()
    if not theirs_first:
        theirs()
    yield telemetry
    telemetry.stop()
    instrumentor.uninstrument()
    assert not guard.failures()


# For one that is on in a part of a test.
together = contextmanager(both)
