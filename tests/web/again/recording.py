"""Calls of real SDKs to the local server, each as the span that a store gives back."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from otelier.store.opening import opened
from otelier.store.spans import StoredSpan, stored
from otelier.store.writer import Writer
from tests.telemetry import Telemetry


def recorded(telemetry: Telemetry, home: Path) -> StoredSpan:
    """The only span, written to a store and read from it."""
    span = stored(telemetry.span())
    file = home / "traces.db"
    writer = Writer(file)
    writer.write([span])
    writer.close()
    with closing(opened(str(file))) as engine:
        (found,) = engine.trace(span.trace_id)
    return found
