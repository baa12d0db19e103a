"""What pages keep of what they have read."""

from __future__ import annotations

from otelier.web.pages.lately import Lately


class _Reads:
    """Counts how often it is read."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> str:
        self.times += 1
        return "x" * 10


def test_what_is_not_new_is_read_once() -> None:
    kept, read = Lately[str](4, len, 100), _Reads()
    assert kept.get("a", "1", read) is kept.get("a", "1", read)
    assert read.times == 1
    kept.get("a", "2", read)
    assert read.times == 2


def test_few_are_kept_the_ones_that_were_asked_for_last() -> None:
    kept, read = Lately[str](2, len, 100), _Reads()
    for key in "abac":
        kept.get(key, "", read)
    assert read.times == 3
    kept.get("a", "", read)
    assert read.times == 3
    kept.get("b", "", read)
    assert read.times == 4


def test_together_they_are_no_heavier_than_they_may_be() -> None:
    kept, read = Lately[str](9, len, 25), _Reads()
    for key in "abc":
        kept.get(key, "", read)
    kept.get("c", "", read)
    assert read.times == 3
    kept.get("a", "", read)
    assert read.times == 4
    # What is heavier by itself is given, and not kept.
    heavy, again = Lately[str](9, len, 5), _Reads()
    assert heavy.get("a", "", again) == heavy.get("a", "", again)
    assert again.times == 2
