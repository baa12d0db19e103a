"""What differs between two sequences, and two texts: right, and within bounds whatever they are."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from otelier.web.shown import differing, texts
from otelier.web.shown.differing import Block, blocks, common
from otelier.web.shown.texts import Compared, Effort, compared

N = 10_000
LOREM = "lorem ipsum " * 900_000


def checked(a: Sequence[Any], b: Sequence[Any], steps: int = differing.STEPS) -> list[Block]:
    """The blocks, which are all of both, in order, and the same where they say so."""
    found = blocks(a, b, steps)
    at_a = at_b = 0
    for block in found:
        assert (block.a.start, block.b.start) == (at_a, at_b)
        at_a, at_b = block.a.stop, block.b.stop
        if block.same:
            assert list(a[block.a]) == list(b[block.b])
    assert (at_a, at_b) == (len(a), len(b))
    kinds = [block.same for block in found]
    assert all(one != other for one, other in pairwise(kinds))
    return found


def same(found: Sequence[Block]) -> int:
    return sum(block.a.stop - block.a.start for block in found if block.same)


def longest(a: Sequence[Any], b: Sequence[Any]) -> int:
    """How much of both can be the same, by the book."""
    row = [0] * (len(b) + 1)
    for one in a:
        before, row = row, [0]
        for j, other in enumerate(b):
            row.append(before[j] + 1 if one == other else max(row[-1], before[j + 1]))
    return row[-1]


def made(random: Random, kinds: int, most: int = 14) -> list[int]:
    return [random.randrange(kinds) for _ in range(random.randrange(most))]


def test_blocks_are_right_and_without_divisions_the_best(monkeypatch: pytest.MonkeyPatch) -> None:
    random = Random(1)
    for _ in range(2000):
        kinds = random.choice([2, 3, 8, 30])
        a, b = made(random, kinds), made(random, kinds)
        assert same(checked(a, b)) <= longest(a, b)
        with monkeypatch.context() as patch:
            patch.setattr(differing, "_DIVISIONS", 0)
            assert same(checked(a, b)) == longest(a, b), (a, b)


def test_a_change_in_the_middle_is_that_change() -> None:
    lines = [f"line {n}" for n in range(N)]
    changed = [*lines[:5000], "new", *lines[5001:]]
    assert [(block.same, block.a) for block in checked(lines, changed)] == [
        (True, slice(0, 5000)),
        (False, slice(5000, 5001)),
        (True, slice(5001, N)),
    ]


WORST = {
    "nothing in common": (range(N), range(N, 2 * N)),
    "one of them alone": ([1] * N, [1] * (N // 2)),
    "reversed": (range(N), range(N)[::-1]),
    "two by turns": ([0, 1] * N, [1, 0] * N),
    "shuffled": (Random(1).sample(range(N), N), Random(2).sample(range(N), N)),
    "a few kinds": (Random(1).choices(range(10), k=N), Random(2).choices(range(10), k=N)),
    "two kinds": (Random(1).choices(range(2), k=20 * N), Random(2).choices(range(2), k=20 * N)),
    "in pairs": ([n // 2 for n in range(N)], [(n + 7) // 2 for n in range(N)][::-1]),
}


@pytest.mark.parametrize("name", WORST)
def test_steps_are_bounded(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    spent = []

    class Watched(differing._Budget):
        def __init__(self, steps: int) -> None:
            super().__init__(steps)
            spent.append(self)

    monkeypatch.setattr(differing, "_Budget", Watched)
    a, b = WORST[name]
    checked(a, b)
    (budget,) = spent
    # The last round may be begun.
    assert budget.left > -2 * (len(a) + len(b))


def test_where_it_gave_up_is_told() -> None:
    a, b = WORST["a few kinds"]
    assert any(block.coarse for block in checked(a, b, steps=1000))
    assert not any(block.coarse for block in checked(a[:50], b[:50], steps=100_000))


def test_what_texts_begin_and_end_with() -> None:
    random = Random(3)
    for _ in range(2000):
        a, b = ("".join(map(str, made(random, 2))) for _ in "ab")
        head, tail = common(a, b)
        assert a[:head] == b[:head] and (head == min(len(a), len(b)) or a[head] != b[head])
        assert a[len(a) - tail :] == b[len(b) - tail :] and head + tail <= min(len(a), len(b))


# --- texts --------------------------------------------------------------------------------------


def side(found: Compared, which: str) -> str:
    """One of the texts, of what is shown of both."""
    told = []
    for stretch in found.stretches:
        if stretch.kind in ("same", "changed", which):
            pieces = [piece for piece in stretch.pieces if piece.kind in ("same", which)]
            assert not any(piece.cut for piece in pieces)
            told.append("".join(piece.text + piece.tail for piece in pieces))
    return "\n".join(told)


def test_both_texts_are_in_what_is_shown() -> None:
    random = Random(2)
    words = ["a", "bb", "the", "\n", "\n\n", " ", "x.", "é", "1.5"]
    for _ in range(5000):
        a = "".join(random.choice(words) + random.choice(["", " ", "\n"]) for _ in range(12))
        a = a[: random.randrange(len(a) + 1)]
        b = "".join(each for each in a if random.random() > 0.1) + random.choice(["", "n\n", " x"])
        found = compared(a, b)
        assert (side(found, "a"), side(found, "b")) == (a, b)
        assert found.same == (a == b)


def told(a: str, b: str) -> list[tuple[str, str]]:
    """Kinds and texts of what is not folded; words that only one has in brackets."""
    signs = {"a": "[-{}-]", "b": "[+{}+]", "same": "{}"}
    return [
        (each.kind, "".join(signs[piece.kind].format(piece.text) for piece in each.pieces))
        for each in compared(a, b).stretches
        if not each.folded
    ]


def test_words_that_differ_are_marked_in_their_line() -> None:
    a = "You are a helpful assistant.\nIt costs 19.90 €.\nBe kind."
    b = "You are a very helpful assistant.\nIt costs 17.50 €.\nBe kind."
    assert told(a, b) == [
        ("changed", "You are a [+very +]helpful assistant.\nIt costs [-19.90-][+17.50+] €."),
        ("same", "Be kind."),
    ]


def test_lines_that_have_nothing_to_do_with_each_other_are_beside_each_other() -> None:
    assert told("first\nSay where you looked.", "first\nUse tables, always!") == [
        ("same", "first"),
        ("a", "[-Say where you looked.-]"),
        ("b", "[+Use tables, always!+]"),
    ]
    assert told("", "all\nnew") == [("b", "[+all\nnew+]")]
    assert told("gone", "") == [("a", "[-gone-]")]
    assert told("", "") == []


def test_what_is_the_same_is_folded_but_beside_what_differs() -> None:
    lines = [f"line {n}" for n in range(100)]
    found = compared("\n".join(lines), "\n".join([*lines[:50], "new", *lines[50:]]))
    assert [(each.kind, each.lines, each.folded) for each in found.stretches] == [
        ("same", 48, True),
        ("same", 2, False),
        ("b", 1, False),
        ("same", 2, False),
        ("same", 48, True),
    ]
    assert (found.removed, found.added) == (0, 1)
    (whole,) = compared("a\nb", "a\nb").stretches
    assert whole.folded and whole.lines == 2


@pytest.mark.parametrize(
    ("a", "b", "coarse"),
    [
        (LOREM, f"{LOREM[:4_800_000]}CHANGED {LOREM[4_800_000:]}", False),
        (LOREM, "dolor sit am " * 800_000, True),
        ("a line\n" * 1_400_000, "a line\n" * 700_000 + "new\n" + "a line\n" * 700_000, False),
        ("\n".join(f"{n} x" for n in range(N)), "\n".join(f"row {n}" for n in range(N)), True),
        ("\n" * 999_999, "\n" * 499_999 + "x" + "\n" * 499_998 + "y", True),
        ("." * 10**6, "." * 500_000 + "!" * 400_000, True),
        ("x" * 10**7, "", False),
    ],
    ids=["a word", "all of it", "a line", "10,000 lines", "no words", "one word", "nothing"],
)
def test_long_texts_are_shown_in_part_and_that_is_told(a: str, b: str, coarse: bool) -> None:
    found = compared(a, b)
    shown = [piece for each in found.stretches for piece in each.pieces]
    size = sum(len(piece.text) + len(piece.tail) for piece in shown)
    assert size <= texts._ALL
    assert found.coarse == coarse
    assert found.left_out or any(piece.cut for piece in shown)


def test_what_is_compared_and_shown_of_all_texts_of_a_page_is_bounded() -> None:
    effort = Effort()
    one = "\n".join(f"{n} {'x' * 60}" for n in range(N))
    other = "\n".join(f"{n} {'y' * 60}" for n in range(N))
    found = [compared(one, other, effort) for _ in range(20)]
    assert effort.shown <= 0 and effort.times >= 0
    assert all(each.coarse for each in found[-3:] if each.stretches)
    assert found[-1].left_out and (found[-1].removed, found[-1].added) == (N, N)
