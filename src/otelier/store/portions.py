"""Spans in portions: few enough to be held in memory, small enough to be sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar

from otelier.store.spans import StoredLog, StoredSpan

NUMBER: Final = 512
# About how many characters a portion has, which is less than it has bytes.
SIZE: Final = 1 << 20
_OVERHEAD: Final = 200

T = TypeVar("T", bound=StoredSpan | StoredLog)


def portions(
    numbered: Iterable[tuple[int, T]], number: int = NUMBER, size: int = SIZE
) -> Iterator[list[tuple[int, T]]]:
    """What is read, a portion after the other; one that is too large is alone."""
    portion: list[tuple[int, T]] = []
    weighs = 0
    for each in numbered:
        more = weight_of(each[1]) + _OVERHEAD
        if portion and (len(portion) >= number or weighs + more > size):
            yield portion
            portion, weighs = [], 0
        portion.append(each)
        weighs += more
    if portion:
        yield portion


def weight_of(item: StoredSpan | StoredLog) -> int:
    """About how many characters a span's, or an event's, attributes take."""
    if isinstance(item, StoredLog):
        return weight(item.attributes) + weight(item.body)
    beside = sum(weight(event.attributes) for event in item.events)
    return weight(item.attributes) + beside + sum(weight(link.attributes) for link in item.links)


def weight(value: Any) -> int:
    """About how many characters a value takes."""
    if isinstance(value, str | bytes):
        return len(value) + 8
    if isinstance(value, Mapping):
        return sum(len(str(name)) + weight(member) for name, member in value.items())
    if isinstance(value, Sequence):
        return 8 + sum(map(weight, value))
    return 8


def fitting(
    portion: Sequence[tuple[int, T]], encode: Callable[[Iterable[T]], bytes], most: int
) -> Iterator[tuple[Sequence[tuple[int, T]], bytes]]:
    """A portion encoded, in as many parts as are needed to be of ``most`` bytes each.

    One span that is larger is a part of its own.
    """
    data = encode(item for _, item in portion)
    if len(data) <= most or len(portion) == 1:
        yield portion, data
        return
    middle = len(portion) // 2
    yield from fitting(portion[:middle], encode, most)
    yield from fitting(portion[middle:], encode, most)
