"""Counters whose sums are kept here, and told to OpenTelemetry when it collects.

A counter of OpenTelemetry's cleans, sorts and hashes its attributes with each ``add``; an
observable one does it once a collection. To who reads the metric both are one: a monotonic sum.
"""

from __future__ import annotations

from collections.abc import Iterable
from threading import RLock
from typing import Any, Final
from weakref import WeakKeyDictionary, WeakSet

from opentelemetry.metrics import CallbackOptions, Meter, MeterProvider, Observation

from otelier import forks
from otelier.semconv import Attributes, Instrument

# As many as the SDK's own instruments tell apart; what is beyond is told as they tell it.
MOST: Final = 2000
_OVERFLOW: Final = (("otel.metric.overflow", True),)

_made: Final[WeakKeyDictionary[MeterProvider, dict[str, Summed]]] = WeakKeyDictionary()
_all: Final[WeakSet[Summed]] = WeakSet()
# Held for an addition. The garbage collector may end a call of the same thread around one, but not
# within: nothing is called there.
_lock = RLock()


class Summed:
    """One counter: sums since the start of the process, by attributes."""

    __slots__ = ("__weakref__", "_sums")

    def __init__(self) -> None:
        # The sum, and what of it was told.
        self._sums: dict[tuple[tuple[str, Any], ...], list[float]] = {}
        _all.add(self)

    def add(self, value: float, attributes: Attributes) -> None:
        """Add ``value``; as OpenTelemetry's, nothing that is below zero."""
        if not value >= 0:
            return
        key = tuple(attributes.items())
        held = self._sums.get(key)
        if held is None:
            held = self._one_more(key)
        with _lock:
            held[0] += value

    def _one_more(self, key: tuple[tuple[str, Any], ...]) -> list[float]:
        sums = self._sums
        if len(sums) >= MOST - 1:
            key = _OVERFLOW
        # One operation: of two threads, both get the same.
        return sums.setdefault(key, [0, 0])

    def told(self, _: CallbackOptions) -> Iterable[Observation]:
        """The sums, for OpenTelemetry."""
        sums: dict[tuple[tuple[str, Any], ...], float] = {}
        for key, held in list(self._sums.items()):
            # The same attributes in another order are the same.
            key = tuple(sorted(key))
            held[1] = value = held[0]
            sums[key] = sums.get(key, 0) + value
        return [Observation(value, dict(key)) for key, value in sums.items()]

    def go_on(self) -> None:
        """Go on from what was told: OpenTelemetry tells the differences, and no sum ever falls."""
        for key, held in list(self._sums.items()):
            held[0] = held[1]
            if not held[1]:
                del self._sums[key]


def counter(provider: MeterProvider, meter: Meter, instrument: Instrument) -> Summed:
    """The counter of that name of ``provider``: the same one again, or it would be told twice."""
    try:
        known = _made.setdefault(provider, {})
    except TypeError:  # Of a kind that cannot be referred to weakly.
        known = {}
    made = Summed()
    found = known.setdefault(instrument.name, made)
    if found is made:
        meter.create_observable_counter(
            instrument.name, [found.told], instrument.unit, instrument.description
        )
    return found


@forks.in_child
def _forked() -> None:
    """What the parent counts, and has not told, is the parent's to tell."""
    global _lock
    _lock = RLock()
    for each in tuple(_all):
        each.go_on()
