"""Full-text indexes: made when somebody searches, right after whatever happened since."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from otelier.store import words
from otelier.store.writer import Writer

from .made import MOMENT, chat, message, span
from .test_prune import HOUR, pruned


def tool(number: int, arguments: str, result: str) -> object:
    return span(
        number,
        "execute_tool find",
        attributes={
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.call.arguments": arguments,
            "gen_ai.tool.call.result": result,
        },
    )


class Searched:
    """A store's indexes as somebody who searches has them."""

    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None)
        self.caught_up = sum(words.catch_up(self.connection))

    def find(self, said: str) -> tuple[int, int]:
        """How many messages and tools have the words."""
        asked = (words.expression(said),)
        found = [
            self.connection.execute(
                f"SELECT count(*) FROM {index.name} WHERE {index.name} MATCH ?", asked
            ).fetchone()[0]
            for index in words.INDEXES
        ]
        return found[0], found[1]

    def sound(self) -> None:
        for index in words.INDEXES:
            self.connection.execute(
                f"INSERT INTO {index.name} ({index.name}) VALUES ('integrity-check')"
            )


def test_messages_and_tools_are_found(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    said = [
        message("user", "Where is the crimson umbrella?"),
        {
            "role": "assistant",
            "parts": [
                {"type": "tool_call", "name": "find", "arguments": {"what": "Regenschirm, größer"}}
            ],
        },
    ]
    Writer(path).write(
        [
            chat(1, said),
            tool(2, json.dumps({"city": "Paris"}), "warm"),  # type: ignore[list-item]
            tool(3, json.dumps({"city": "Rome" * 100}), "sunny " * 200 + "lighthouse"),  # type: ignore[list-item]
        ]
    )
    found = Searched(path)
    assert found.find("crimson") == (1, 0)
    assert found.find("CRIMS") == (1, 0)
    assert found.find("umbrella where") == (1, 0)
    assert found.find('"crimson umbrella"') == (1, 0)
    assert found.find('"umbrella crimson"') == (0, 0)
    assert found.find("größer") == (1, 0)
    assert found.find("paris") == (0, 1)
    # A long result is a text of its own as well, which no list of messages has.
    assert found.find("lighthouse") == (1, 1)
    # What only JSON and its names have is no word.
    for noise in ("role", "parts", "tool_call", "user", "assistant"):
        assert found.find(noise) == (0, 0)
    found.sound()


@pytest.mark.parametrize("typed", ['a"b', "x* OR y", "NEAR(a b)", "col:x", "-x", "a AND", '"', "'"])
def test_what_a_person_types_is_never_syntax(tmp_path: Path, typed: str) -> None:
    path = tmp_path / "t.db"
    Writer(path).write([chat(1, [message("user", "x"), message("assistant", "y")])])
    found = Searched(path)
    if words.expression(typed):
        found.find(typed)


def test_what_comes_later_is_caught_up_and_what_is_forgotten_is_not_found(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    writer = Writer(path)
    writer.write([chat(1, [message("user", "alpha"), message("assistant", "beta")])])
    assert Searched(path).find("alpha") == (1, 0)
    later = {"start_ns": MOMENT + 9 * HOUR, "end_ns": MOMENT + 9 * HOUR}
    writer.write([chat(2, [message("user", "gamma"), message("assistant", "delta")], **later)])
    writer.write([tool(3, '{"city": "epsilon"}', "")])  # type: ignore[list-item]
    found = Searched(path)
    assert found.caught_up > 0 and found.find("gamma") == (1, 0)
    assert Searched(path).caught_up == 0
    pruned(path, MOMENT + 4 * HOUR)
    assert found.find("alpha") == found.find("epsilon") == (0, 0)
    assert found.find("gamma") == (1, 0)
    found.sound()
    # Nor is what was never taken in.
    old = {"start_ns": MOMENT, "end_ns": MOMENT}
    writer.write([chat(4, [message("user", "zeta"), message("assistant", "eta")], **old)])
    pruned(path, MOMENT + 4 * HOUR)
    again = Searched(path)
    assert again.find("zeta") == (0, 0)
    again.sound()
    # Numbers of rows are not given twice: what comes now is taken in.
    writer.write([chat(5, [message("user", "theta"), message("assistant", "iota")], **later)])
    assert Searched(path).find("theta") == (1, 0)
