"""What OTLP's two encodings have in common: limits, numbers of kinds, whose spans are whose."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Final, Protocol, TypeVar

from otelier.store.spans import KINDS, STATUSES, StoredResource, StoredScope

# Protobuf parsers give up at 100 nested messages; one level here is up to three of them.
DEEPEST: Final = 30
TOO_DEEP: Final = "(nested too deeply)"
INT64: Final = range(-(2**63), 2**63)
KIND_NUMBERS: Final = {name: number for number, name in enumerate(KINDS)}
STATUS_NUMBERS: Final = {name: number for number, name in enumerate(STATUSES)}
_UINT32: Final = (1 << 32) - 1
_UINT64: Final = (1 << 64) - 1


def uint32(value: int) -> int:
    """A count or flags as OTLP can hold them: the nearest number that it can."""
    return min(max(value, 0), _UINT32)


def uint64(value: int) -> int:
    """A time as OTLP can hold it; 0, which is unknown, for one that it cannot."""
    return int(value) if 0 <= value <= _UINT64 else 0


def name_of(number: int, names: tuple[str, ...]) -> str:
    """The name of a kind or a status; the first one for numbers that are none."""
    return names[number] if 0 <= number < len(names) else names[0]


def not_finite(value: float) -> str:
    """How JSON has a number that it has no form for."""
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def unknown(value: Any) -> str:
    """What stands for a value of a type that OTLP does not know."""
    return f"<{type(value).__name__}>"


class _Made(Protocol):
    @property
    def resource(self) -> StoredResource: ...

    @property
    def scope(self) -> StoredScope: ...


T = TypeVar("T", bound=_Made)
Scopes = list[tuple[StoredScope, list[T]]]


def by_origin(items: Iterable[T]) -> list[tuple[StoredResource, Scopes[T]]]:
    """Spans or logs by resource and scope, in the order in which each of these comes first."""
    texts: dict[int, tuple[object, str]] = {}

    def key(of: StoredResource | StoredScope) -> str:
        # Nearly always the same few objects; equal ones that are not the same belong together.
        found = texts.get(id(of))
        if found is None:
            found = texts[id(of)] = (of, repr(of))
        return found[1]

    resources: dict[str, tuple[StoredResource, dict[str, tuple[StoredScope, list[T]]]]] = {}
    for item in items:
        _, scopes = resources.setdefault(key(item.resource), (item.resource, {}))
        scopes.setdefault(key(item.scope), (item.scope, []))[1].append(item)
    return [(resource, list(scopes.values())) for resource, scopes in resources.values()]
