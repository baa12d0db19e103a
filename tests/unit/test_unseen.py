"""What is not seen is told: one table for doctor and the site."""

from __future__ import annotations

from otelier.hooks.table import FRAMEWORKS, LIBRARIES
from otelier.hooks.unseen import UNSEEN, of


def test_rows_are_of_libraries_that_are_hooked() -> None:
    hooked = {row.distribution for row in (*LIBRARIES, *FRAMEWORKS)}
    assert {row.distribution for row in UNSEEN} <= hooked


def test_rows_are_lines_of_a_table() -> None:
    for row in UNSEEN:
        for text in (row.what, row.why):
            assert text.strip() == text != ""
            assert not {"\n", "|"} & set(text), text
    assert len({(row.distribution, row.what) for row in UNSEEN}) == len(UNSEEN)


def test_rows_of_a_library() -> None:
    assert {row.distribution for row in of("openai")} == {"openai"}
    assert of("no-such-library") == []
