"""Copies of a span or log record that are small enough to be sent: content gives way first.

A span that no receiver takes is lost as a whole; without its longest texts it still says which
call it was, how long it took, what failed and what it cost. What gave way is marked.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Final

from opentelemetry.attributes import BoundedAttributes

from otelier import batches, content, semconv, wire

# What is left of a text below this says nothing.
_WORTH: Final = 256
_MARKS: Final = 128
_NOBODY: Final[Any] = None
_JSON: Final = ("[", "{")


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
        if value[:1] not in _JSON:
            return content._shortened(value, size)
        try:
            value = wire.loads(value)
        except ValueError:
            return content._shortened(value, size)
        return _shrunk(value, size).decode()
    if isinstance(value, Mapping | list | tuple):
        return wire.loads(_shrunk(wire.plain(value), size))
    return None


def _shrunk(value: Any, size: int) -> bytes:
    """JSON of data in at most ``size`` bytes: of a list the oldest in the middle go first."""
    if isinstance(value, list):
        pieces = [wire.dumps(item) for item in value]
        pieces = [
            piece
            if len(piece) <= size
            else wire.dumps(content.Policy._shrunk(_NOBODY, item, size - 2))
            for piece, item in zip(pieces, value, strict=True)
        ]
        content._fit(pieces, size)
        return b"[" + b",".join(pieces) + b"]"
    return wire.dumps(content.Policy._shrunk(_NOBODY, value, size))
