"""The words of a search in a text: where the store would find them, and nowhere else."""

from __future__ import annotations

import pytest

from otelier.viewer.found import Found


def marked(asked: str, text: str) -> list[str]:
    return [piece for piece, found in Found(asked).pieces(text) if found]


@pytest.mark.parametrize(
    ("asked", "text", "found"),
    [
        ("par", "compare a Parcel, PAR", ["Par", "PAR"]),
        ("zumu", "abc Zümuvote", ["Zümu"]),
        ("zümu", "abc zumuvote", ["zumu"]),
        ("zoë", "Zoe ZOË Zoe\u0308", ["Zoe", "ZOË", "Zoe\u0308"]),
        ('"blue parcel"', "the blue\n parcel, blue-parcels", ["blue\n parcel", "blue-parcel"]),
        ("C++ a_b", "in c++ and A_B, b", ["c++", "A_B"]),
        ("世界", "你好世界今天", ["世界"]),
        ("in inside", "inside in", ["inside", "in"]),
        # Where no word begins so, some stores have found it within one.
        ("arc", "a parcel", ["arc"]),
        ("<b> (.*) [", "a <b> and (.*) [", ["<b>", "(.*)", "["]),
        ("", "x", []),
        ('" "', "x", []),
        ("x", "", []),
    ],
)  # fmt: skip
def test_words_are_found_as_the_store_finds_them(asked: str, text: str, found: list[str]) -> None:
    assert marked(asked, text) == found
    assert "".join(piece for piece, _ in Found(asked).pieces(text)) == text


def test_a_snippet_is_around_the_first_of_the_words() -> None:
    text = "a " * 100 + "crimson\n\tumbrella" + " z" * 100
    found = Found("umbrella crimson").snippet(text)
    assert found.startswith("…") and found.endswith("…") and "crimson umbrella" in found
    assert len(found) < 250
    assert Found("nowhere").snippet("short") == "short"
    assert Found("x").snippet("") == ""


def test_what_is_at_the_end_of_a_large_text_is_found() -> None:
    text = "lorem ipsum " * 100_000 + "crimson"
    assert Found('"dolor sit" amet crims').snippet(text).endswith("crimson")
