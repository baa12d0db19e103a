"""Full-text indexes: made when somebody searches, right after whatever happened since."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from otelier import questions
from otelier.questions.about import talk
from otelier.store import looking, searching, words
from otelier.store.sqlite import SQLite
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


@pytest.fixture
def in_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that few rows are many."""
    monkeypatch.setattr(looking, "_FIRST", 3)
    monkeypatch.setattr(looking, "_MOST", 3)
    monkeypatch.setattr(looking, "PORTION", 3)


def parcels(path: Path, count: int = 20) -> SQLite:
    """A store in which all but the oldest speak of a parcel, ada in one of them."""
    said = ["letter"] * 2 + [f"parcel {number}" for number in range(count)]
    Writer(path).write(
        [
            chat(
                number,
                [message("user", text), message("assistant", f"x{number}")],
                attributes={
                    "user.id": "ada" if text == "parcel 1" else "bob",
                    "otelier.metadata.tenant": "acme" if text == "parcel 1" else "beta",
                },
            )
            for number, text in enumerate(said)
        ]
    )
    return SQLite(path)


def texts(hits: list[questions.Hit]) -> list[str]:
    return [hit.text for hit in hits]


@pytest.mark.usefixtures("in_portions")
def test_a_word_that_many_say_is_found_where_few_are_asked_for(tmp_path: Path) -> None:
    """Texts are looked at in portions."""
    store = parcels(tmp_path / "t.db")
    assert texts(questions.search("parcel", user="ada", store=store)) == ["parcel 1"]
    assert len(questions.search("parcel", limit=0, store=store)) == 20
    newest = questions.search("parcel", limit=2, store=store)
    assert texts(newest) == ["parcel 19", "parcel 18"]


@pytest.mark.usefixtures("in_portions")
def test_what_is_common_is_found_without_an_index(tmp_path: Path) -> None:
    store = parcels(tmp_path / "t.db")
    asked: list[bool] = []

    def ready() -> bool:
        asked.append(True)
        return store.catch_up()

    for text, wanted, indexed in (
        ("x", 22, False),
        ("parcel", 20, False),
        ("letter", 1, True),
        ("parcel 7", 1, True),
        ("nothing", 0, True),
        ("", 0, False),
    ):
        asked.clear()
        search = searching.Search(store, searching.Asked(text, once=True), ready=ready)
        assert (len(list(search.said())), bool(asked)) == (wanted, indexed), text
        assert search.messages == 0


SPOKEN = ["foo", "foo_bar", '"foo bar"', "a-b foo", "c++", "世界", "%", "CAT", "grüner", "the", "x"]


@pytest.mark.parametrize("asked", SPOKEN)
def test_looking_finds_what_the_index_finds(asked: str, said: Path) -> None:
    search = searching.Search(SQLite(said), searching.Asked(asked))
    assert search.store.catch_up()
    for index, rows in ((words.MESSAGES, search._texts(None)), (words.TOOLS, search._spans())):
        looked = looking.having(rows(looking.LAST, 1000), asked)
        assert looked == sorted(looked, reverse=True)
        if words.expression(asked):
            assert looked == search._indexed(index)(looking.LAST, 1000)


@pytest.mark.usefixtures("in_portions")
def test_who_has_looked_enough_goes_on_there_later(tmp_path: Path) -> None:
    store = parcels(tmp_path / "t.db")
    asked, found, places = {"text": "parcel", "tenant": "acme", "limit": 5}, [], [""]
    while True:
        page = talk.page(store, {**asked, "cursor": places[-1] or None}, effort=20)
        found += page.rows
        places.append(page.cursor)
        if not page.cursor:
            break
    assert [row.text for row in found] == ["parcel 1"]
    assert len(places) > 3 and len(set(places[1:])) == len(places) - 1
    # Who does not give up finds it at once.
    assert [row.text for row in talk.page(store, asked).rows] == ["parcel 1"]


@pytest.mark.parametrize("limit", [1, 3, 7])
@pytest.mark.usefixtures("in_portions")
def test_pages_have_each_message_once(tmp_path: Path, limit: int) -> None:
    path = tmp_path / "t.db"
    parcels(path).close()
    Writer(path).write(
        [tool(30 + number, json.dumps({"what": f"parcel {number}"}), "") for number in range(5)]  # type: ignore[misc]
    )
    store = SQLite(path)
    whole = questions.search("parcel", once=True, limit=0, store=store)
    assert len(whole) == 25 and {hit.cursor for hit in whole} == {""}
    paged: list[questions.Hit] = []
    while page := questions.search(
        "parcel", once=True, limit=limit, cursor=paged[-1].cursor if paged else None, store=store
    ):
        assert len(page) <= limit
        paged += page
        if not page[-1].cursor:
            break
    assert sorted(texts(paged)) == sorted(texts(whole))


def test_a_message_is_found_where_it_was_said_and_not_where_it_was_sent_again(
    tmp_path: Path,
) -> None:
    said = talk_of(4)
    canned = [message("user", "Where is my parcel?"), message("assistant", "y")]
    path = tmp_path / "t.db"
    Writer(path).write(
        [
            *(chat(turn, said[: 2 * turn + 2]) for turn in range(4)),
            *(chat(10 + number, canned) for number in range(3)),
            chat(20, [message("user", "an example"), *canned[1:], *talk_of(1)]),
        ]
    )
    for asked, traces in (
        ("question0", [1, 21]),
        ("question1", [2]),
        ("answer3", [4]),
        ("question3", [4]),
        ('"my parcel"', [13, 12, 11]),
        # Nobody ended with it.
        ("example", [21]),
    ):
        found = questions.search(asked, store=path)
        assert [int(hit.trace_id, 16) for hit in found] == sorted(traces, reverse=True), asked
        (once,) = questions.search(asked, once=True, store=path)
        assert (int(once.trace_id, 16), once.traces) == (max(traces), len(traces))


def talk_of(turns: int) -> list[dict[str, object]]:
    return [
        message(role, f"{word}{turn}")
        for turn in range(turns)
        for role, word in (("user", "question"), ("assistant", "answer"))
    ]
