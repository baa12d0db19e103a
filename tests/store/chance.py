"""Spans and logs at random: all that OTLP knows, with the odd values that it has."""

from __future__ import annotations

import math
from random import Random
from typing import Any

from otelier.store.spans import (
    KINDS,
    STATUSES,
    StoredEvent,
    StoredLink,
    StoredLog,
    StoredResource,
    StoredScope,
    StoredSpan,
)

TEXTS = ("", "a", "über 😀", "\x00", "\x1b[31m\u2028\r\n", '{"a": ["b"]}', "x" * 300, "\ufffd")
NUMBERS = (0, 1, -1, 2**31, 2**53 + 1, 2**63 - 1, -(2**63))
FLOATS = (0.0, -0.0, 1.0, 0.1, 5e-324, 1.7976931348623157e308, math.nan, math.inf, -math.inf, 1e22)
BYTES = (b"", b"\x00\xff", bytes(range(256)))
_TIMES = (0, 1, 1_795_168_800_123_456_789, 2**63, 2**64 - 1)
_COUNTS = (0, 0, 1, 2**32 - 1)


def value(random: Random, depth: int = 0) -> Any:
    """A value of an attribute."""
    kind = random.randrange(8 if depth < 5 else 6)
    if kind == 6:
        return [value(random, depth + 1) for _ in range(random.randrange(4))]
    if kind == 7:
        return {name: value(random, depth + 1) for name in random.sample(TEXTS, 3)}
    return random.choice((TEXTS, NUMBERS, FLOATS, BYTES, (True, False), (None,))[kind])


def attributes(random: Random) -> dict[str, Any]:
    """Attributes, or none."""
    return {name: value(random) for name in random.sample(TEXTS, random.randrange(len(TEXTS)))}


def identity(random: Random, size: int) -> str:
    """An id as hex."""
    return random.randbytes(size).hex()


def resource(random: Random) -> StoredResource:
    """What made spans."""
    return StoredResource(attributes(random), random.choice(TEXTS), random.choice(_COUNTS))


def scope(random: Random) -> StoredScope:
    """An instrumentation."""
    return StoredScope(
        random.choice(TEXTS),
        random.choice(TEXTS),
        attributes(random),
        random.choice(_COUNTS),
        random.choice(TEXTS),
    )


def _event(random: Random) -> StoredEvent:
    return StoredEvent(
        random.choice(TEXTS), random.choice(_TIMES), attributes(random), random.choice(_COUNTS)
    )


def _link(random: Random) -> StoredLink:
    return StoredLink(
        identity(random, 16),
        identity(random, 8),
        attributes(random),
        random.choice(("", "vendor=value,other=1")),
        random.choice((0, 1, 0x301, 2**32 - 1)),
        random.choice(_COUNTS),
    )


def span(random: Random, scope: StoredScope, resource: StoredResource) -> StoredSpan:
    """A span of these."""
    return StoredSpan(
        trace_id=identity(random, 16),
        span_id=identity(random, 8),
        parent_id=random.choice((None, identity(random, 8))),
        name=random.choice(TEXTS),
        kind=random.choice(KINDS),
        start_ns=random.choice(_TIMES),
        end_ns=random.choice(_TIMES),
        attributes=attributes(random),
        status=random.choice(STATUSES),
        status_message=random.choice(TEXTS),
        events=tuple(_event(random) for _ in range(random.randrange(3))),
        links=tuple(_link(random) for _ in range(random.randrange(3))),
        scope=scope,
        resource=resource,
        trace_state=random.choice(("", "vendor=value,other=1")),
        flags=random.choice((0, 1, 0x100, 0x301, 2**32 - 1)),
        dropped_attributes=random.choice(_COUNTS),
        dropped_events=random.choice(_COUNTS),
        dropped_links=random.choice(_COUNTS),
    )


def log(random: Random, scope: StoredScope, resource: StoredResource) -> StoredLog:
    """A log record of these."""
    of = random.random() < 0.5
    return StoredLog(
        time_ns=random.choice(_TIMES),
        observed_ns=random.choice(_TIMES),
        name=random.choice(TEXTS),
        body=value(random),
        severity=random.randrange(25),
        severity_text=random.choice(TEXTS),
        trace_id=identity(random, 16) if of else "",
        span_id=identity(random, 8) if of else "",
        flags=random.choice(_COUNTS),
        attributes=attributes(random),
        scope=scope,
        resource=resource,
        dropped_attributes=random.choice(_COUNTS),
    )


def several(random: Random, make: Any, each: int = 3) -> list[Any]:
    """What ``make`` makes, of two resources with two scopes each, in order of these."""
    return [
        make(random, of_scope, of_resource)
        for of_resource in (resource(random), resource(random))
        for of_scope in (scope(random), scope(random))
        for _ in range(each)
    ]
