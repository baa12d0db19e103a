"""What two sequences have in common, in a time that has a bound whatever they are.

First what both begin and end with, then members that each has once, and only between these a
comparison that is quadratic in the number of differences. Where that would take too long, a stretch
is left as it is: different, and ``coarse``.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

# Steps of a whole comparison: some tens of milliseconds.
STEPS: Final = 200_000
# How often a stretch is divided at members that both sides have once.
_DIVISIONS: Final = 6


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of both: the same, or what stands in one instead of what is in the other."""

    same: bool
    a: slice
    b: slice
    coarse: bool = False
    """Whether it was not looked into: it would have taken too long."""


class _Budget:
    """Steps that may still be taken."""

    def __init__(self, steps: int) -> None:
        self.left = steps


# Where a stretch begins and ends in both: a_from, a_to, b_from, b_to.
_Range = tuple[int, int, int, int]


def blocks(a: Sequence[Hashable], b: Sequence[Hashable], steps: int = STEPS) -> list[Block]:
    """The blocks of both sequences, in order; two that follow each other are not both the same."""
    numbers: dict[Hashable, int] = {}
    one = [numbers.setdefault(each, len(numbers)) for each in a]
    other = [numbers.setdefault(each, len(numbers)) for each in b]
    return _joined(_divided(one, other, (0, len(one), 0, len(other)), _Budget(steps), 0))


def common(a: str, b: str) -> tuple[int, int]:
    """How many characters two texts begin, and end, with in common; these do not overlap."""
    most = min(len(a), len(b))
    head = _longest(most, lambda size: a.startswith(b[:size]))
    tail = _longest(most - head, lambda size: a.endswith(b[len(b) - size :]))
    return head, tail


def _longest(most: int, fits: Callable[[int], bool]) -> int:
    """The largest number up to ``most`` that fits, where all that are less fit, too."""
    return bisect_left(range(1, most + 1), True, key=lambda size: not fits(size))


def _divided(
    a: list[int], b: list[int], where: _Range, budget: _Budget, level: int
) -> Iterator[Block]:
    """The blocks of a stretch."""
    a_from, a_to, b_from, b_to = where
    head = 0
    while a_from + head < a_to and b_from + head < b_to and a[a_from + head] == b[b_from + head]:
        head += 1
    yield Block(True, slice(a_from, a_from + head), slice(b_from, b_from + head))
    a_from, b_from = a_from + head, b_from + head
    a_end, b_end = a_to, b_to
    while a_end > a_from and b_end > b_from and a[a_end - 1] == b[b_end - 1]:
        a_end, b_end = a_end - 1, b_end - 1
    if a_from == a_end or b_from == b_end:
        yield Block(False, slice(a_from, a_end), slice(b_from, b_end))
    else:
        yield from _inside(a, b, (a_from, a_end, b_from, b_end), budget, level)
    yield Block(True, slice(a_end, a_to), slice(b_end, b_to))


def _inside(
    a: list[int], b: list[int], where: _Range, budget: _Budget, level: int
) -> Iterator[Block]:
    a_from, a_to, b_from, b_to = where
    anchors = _anchors(a, b, where) if level < _DIVISIONS else []
    if not anchors:
        yield from _compared(a, b, where, budget)
        return
    for i, j in anchors:
        yield from _divided(a, b, (a_from, i, b_from, j), budget, level + 1)
        yield Block(True, slice(i, i + 1), slice(j, j + 1))
        a_from, b_from = i + 1, j + 1
    yield from _divided(a, b, (a_from, a_to, b_from, b_to), budget, level + 1)


def _anchors(a: list[int], b: list[int], where: _Range) -> list[tuple[int, int]]:
    """Places of members that are there once in both, as many as follow each other in both."""
    a_from, a_to, b_from, b_to = where
    in_a, in_b = Counter(a[a_from:a_to]), Counter(b[b_from:b_to])
    places = {b[j]: j for j in range(b_from, b_to)}
    pairs = [
        (i, places[a[i]]) for i in range(a_from, a_to) if in_a[a[i]] == 1 and in_b.get(a[i]) == 1
    ]
    return _rising(pairs)


def _rising(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest part of the pairs whose second members rise, as the first ones do."""
    ends: list[int] = []
    last: list[int] = []
    before: list[int] = []
    for index, (_, j) in enumerate(pairs):
        place = bisect_left(ends, j)
        before.append(last[place - 1] if place else -1)
        if place == len(ends):
            ends.append(j)
            last.append(index)
        else:
            ends[place], last[place] = j, index
    found = []
    index = last[-1] if last else -1
    while index >= 0:
        found.append(pairs[index])
        index = before[index]
    return found[::-1]


def _compared(a: list[int], b: list[int], where: _Range, budget: _Budget) -> Iterator[Block]:
    """The blocks by the fewest differences (Myers), or one that is coarse."""
    a_from, a_to, b_from, b_to = where
    # What only one of them has takes no part.
    both = set(a[a_from:a_to]) & set(b[b_from:b_to])
    in_a = [i for i in range(a_from, a_to) if a[i] in both]
    in_b = [j for j in range(b_from, b_to) if b[j] in both]
    matches = _matches([a[i] for i in in_a], [b[j] for j in in_b], budget)
    if matches is None:
        yield Block(False, slice(a_from, a_to), slice(b_from, b_to), coarse=True)
        return
    x, y = a_from, b_from
    for first, second, size in matches:
        for i, j in zip(in_a[first : first + size], in_b[second : second + size], strict=True):
            yield Block(False, slice(x, i), slice(y, j))
            x, y = i + 1, j + 1
            yield Block(True, slice(i, x), slice(j, y))
    yield Block(False, slice(x, a_to), slice(y, b_to))


def _matches(a: list[int], b: list[int], budget: _Budget) -> list[tuple[int, int, int]] | None:
    """Runs that are the same: where in both, and how long; None where it takes too many steps."""
    n, m = len(a), len(b)
    reached = {1: 0}
    trail: list[dict[int, int]] = []
    for changes in range(n + m + 1):
        trail.append(dict(reached))
        for k in range(-min(changes, 2 * m - changes), min(changes, 2 * n - changes) + 1, 2):
            down = _down(reached, changes, k)
            x = reached[k + 1] if down else reached[k - 1] + 1
            y = x - k
            start = x
            while x < n and y < m and a[x] == b[y]:
                x, y = x + 1, y + 1
            reached[k] = x
            budget.left -= 1 + x - start
            if x >= n and y >= m:
                return _back(trail, n, m)
        # What was reached is copied for the way back.
        budget.left -= changes
        if budget.left < 0:
            return None
    raise AssertionError("there is always a way")


def _down(reached: dict[int, int], changes: int, k: int) -> bool:
    """Whether the way to a diagonal comes from the one above it."""
    return k == -changes or (k != changes and reached.get(k - 1, -1) < reached.get(k + 1, -1))


def _back(trail: list[dict[int, int]], x: int, y: int) -> list[tuple[int, int, int]]:
    """The runs on the way that led to the end, from its beginning."""
    found = []
    for changes in range(len(trail) - 1, -1, -1):
        reached, k = trail[changes], x - y
        down = _down(reached, changes, k)
        before = k + 1 if down else k - 1
        start = reached[before] if down else reached[before] + 1
        if changes == 0:
            start = 0
        if x > start:
            found.append((start, start - k, x - start))
        x = reached[before]
        y = x - before
    return found[::-1]


def _joined(found: Iterator[Block]) -> list[Block]:
    """Without blocks of nothing; what follows what is alike is one with it."""
    joined: list[Block] = []
    for block in found:
        if block.a.start == block.a.stop and block.b.start == block.b.stop:
            continue
        if joined and joined[-1].same == block.same:
            last = joined.pop()
            block = Block(
                block.same,
                slice(last.a.start, block.a.stop),
                slice(last.b.start, block.b.stop),
                last.coarse or block.coarse,
            )
        joined.append(block)
    return joined
