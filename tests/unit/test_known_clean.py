"""Known texts are known by their hashes, of which few are made and not too many are kept."""

from __future__ import annotations

from otelier import known_clean
from otelier.known_clean import KnownClean

TEXTS = [f"{number}. The weather is fine. " * 40 for number in range(50)]


class Counted(str):
    """A text that tells how often its hash was asked for."""

    asked = 0

    def __hash__(self) -> int:
        Counted.asked += 1
        return str.__hash__(self)


def test_what_was_added_twice_is_known() -> None:
    known = KnownClean()
    assert list(known.unknown(TEXTS)) == TEXTS
    known.add(TEXTS)
    assert list(known.unknown(TEXTS)) == TEXTS
    assert not any(map(known.knows, TEXTS))
    known.add(TEXTS)
    assert list(known.unknown(TEXTS)) == []
    assert all(map(known.knows, TEXTS))
    assert list(known.unknown([*TEXTS, "new", *TEXTS, "newer"])) == ["new", "newer"]


def test_a_text_that_looks_like_a_known_one_is_unknown() -> None:
    known = KnownClean()
    text = "a" * 5000
    known.add([text])
    known.add([text])
    for other in (text[:-1] + "b", "b".join(("a" * 99, "a" * 4900)), text + "a", text[:-1]):
        assert not known.knows(other)
        assert list(known.unknown([text, other])) == [other]


def test_of_new_texts_hashes_are_not_asked_for() -> None:
    known = KnownClean()
    texts = [Counted(text) for text in TEXTS]
    Counted.asked = 0
    for text in known.unknown(texts):
        known.add([text])
    assert Counted.asked == 1


def test_no_text_is_kept_and_few_hashes() -> None:
    known = KnownClean()
    for number in range(3 * known_clean._MOST):
        for _ in range(2):
            known.add([f"{number}{'x' * 300}"])
    for hashes in (known._clean, known._met):
        assert len(hashes) <= known_clean._MOST
        assert all(type(each) is int for each in hashes)
    assert known.knows(f"{number}{'x' * 300}")
