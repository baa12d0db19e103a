"""Full-text indexes: made when somebody searches, right after whatever happened since."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from otelier import questions
from otelier.store import searching, words
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


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("words") / "t.db"
    texts = [
        "foo_bar of a-b",
        "foo bar",
        "C++ is a language",
        "cats",
        "你好世界今天",
        "東京タワーに",
        "smile \U0001f600 now",
        "100% sure",
        '"quoted"',
    ]
    asks = {
        "role": "assistant",
        "parts": [
            {
                "type": "tool_call",
                "name": "find",
                "arguments": {"type": "hotel", "role": "guest", "more": [{"type": "suite"}]},
            },
            {"type": "tool_call", "name": "find", "arguments": json.dumps({"q": "grüner"})},
        ],
    }
    Writer(path).write(
        [
            *(
                chat(n, [message("user", text), message("assistant", "x")])
                for n, text in enumerate(texts)
            ),
            chat(20, [message("user", "y"), asks]),
            tool(21, json.dumps({"city": "Köln"}), json.dumps(["北京"])),  # type: ignore[list-item]
        ]
    )
    return path


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("foo_bar", ["foo_bar of a-b"]),
        ("foo", ["foo_bar of a-b", "foo bar"]),
        ("a-b foo", ["foo_bar of a-b"]),
        ("c++", ["C++ is a language"]),
        ("CAT", ["cats"]),
        ("世界", ["你好世界今天"]),
        ("タワー", ["東京タワーに"]),
        ("\U0001f600", ["smile \U0001f600 now"]),
        ("smile \U0001f600", ["smile \U0001f600 now"]),
        ("%", ["100% sure"]),
        ("a\0b", ["foo_bar of a-b"]),
        ('"', []),
    ],
)
def test_what_is_no_plain_word_is_found_as_it_stands(
    asked: str, found: list[str], said: Path
) -> None:
    hits = questions.search(asked, store=said)
    assert sorted(hit.text for hit in hits) == sorted(found)


@pytest.mark.parametrize("asked", ["hotel", "guest", "suite", "grüner"])
def test_what_a_tool_is_given_is_found_whatever_it_is_called(asked: str, said: Path) -> None:
    assert [hit.role for hit in questions.search(asked, store=said)] == ["assistant"]


@pytest.mark.parametrize("asked", ["köln", "北京"])
def test_json_with_escapes_is_found_as_it_reads(asked: str, said: Path) -> None:
    assert [hit.role for hit in questions.search(asked, store=said)] == ["tool"]


def test_a_word_that_many_say_is_found_where_few_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Texts are looked at in portions."""
    monkeypatch.setattr(searching, "_FOUND", searching._FOUND.replace("2000", "3"))
    monkeypatch.setattr(searching, "_TEXTS", 3)
    path = tmp_path / "t.db"
    Writer(path).write(
        [
            chat(
                number,
                [message("user", f"parcel {number}"), message("assistant", "x")],
                attributes={"user.id": "ada" if number == 1 else "bob"},
            )
            for number in range(20)
        ]
    )
    found = questions.search("parcel", user="ada", store=path)
    assert [hit.text for hit in found] == ["parcel 1"]
    assert len(questions.search("parcel", limit=0, store=path)) == 20
    newest = questions.search("parcel", limit=2, store=path)
    assert [hit.text for hit in newest] == ["parcel 19", "parcel 18"]
