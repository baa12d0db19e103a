"""Copies of a span or log record that are small enough to be sent: content gives way first.

A span that no receiver takes is lost as a whole; without its longest texts it still says which
call it was, how long it took, what failed and what it cost. What gave way is marked.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Final

from opentelemetry.attributes import BoundedAttributes

from otelier import batches, semconv, truncation, wire

# What is left of a text below this says nothing.
_WORTH: Final = 256
_MARKS: Final = 128


def span(finished: Any, limit: int) -> Any:
    """A copy of a finished span of at most ``limit`` bytes, as far as its content allows."""
    lighter = copy.copy(finished)
    excess = batches.of_span(finished) - limit
    lighter._attributes, excess = _attributes(finished._attributes, excess)
    if excess > 0:
        lighter._events = ()
    if excess > sum(map(batches.of_event, finished.events or ())):
        lighter._links = ()
    return lighter


def log(item: Any, limit: int) -> Any:
    """A copy of a log record of at most ``limit`` bytes, as far as its content allows."""
    record = copy.copy(item.log_record)
    excess = batches.of_log(item) - limit
    record.attributes, excess = _attributes(record.attributes, excess)
    if excess > 0 and record.body is not None:
        size = batches.of_value(record.body)
        record.body = _smaller(record.body, size - excess)
    lighter = copy.copy(item)
    object.__setattr__(lighter, "log_record", record)  # Frozen since OpenTelemetry 1.39.
    return lighter


def _attributes(attributes: Any, excess: int) -> tuple[Any, int]:
    """The attributes without ``excess`` bytes, the longest first, and the excess that is left."""
    if excess <= 0 or not attributes:
        return attributes, excess
    kept = dict(attributes)
    excess += _MARKS
    kept[semconv.CONTENT_TRUNCATED] = True
    sizes = {name: batches.of_value(value) for name, value in attributes.items()}
    for name in sorted(sizes, key=sizes.__getitem__, reverse=True):
        if excess <= 0 or sizes[name] < _WORTH:
            break
        smaller = _smaller(kept[name], sizes[name] - excess)
        if smaller is None:
            del kept[name]
            excess -= sizes[name]
        else:
            kept[name] = smaller
            excess -= sizes[name] - batches.of_value(smaller)
    bounded = BoundedAttributes(attributes=kept, immutable=False, extended_attributes=True)
    bounded.dropped = getattr(attributes, "dropped", 0)
    return bounded, excess


def _smaller(value: Any, size: int) -> Any:
    """``value`` in at most ``size`` bytes, JSON as JSON; None where nothing is left of it."""
    if size < _WORTH:
        return None
    if isinstance(value, str):
        data = wire.structure(value)
        return truncation.shortened(value, size) if data is None else _json(data, size).decode()
    if isinstance(value, Mapping | list | tuple):
        return wire.loads(_json(wire.plain(value), size))
    return None


def _json(data: Any, size: int) -> bytes:
    """JSON in at most ``size`` bytes: of messages the oldest in the middle go."""
    if type(data) is not list or not all(type(item) is dict for item in data):
        return truncation.shrunk(data, size)[0]
    pieces = [truncation.refit(wire.dumps(item), size - 2) for item in data]
    kept, _ = truncation.fit([len(piece) for piece in pieces], size)
    return b"[" + b",".join(pieces[position] for position in kept) + b"]"
