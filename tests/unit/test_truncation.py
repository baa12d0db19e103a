"""A budget is used to its end, the JSON stays valid, and what was cut says how much."""

from __future__ import annotations

import json
import random
import re
from functools import cache
from typing import Any

import pytest

from otelier import semconv, truncation, wire
from otelier.content import Policy
from otelier.settings import Settings
from otelier.truncation import Cut

MARK = re.compile(r"… \[([\d,]+) more characters\]$")
ALPHABETS = {
    "words": "ab ",
    "keys": "xyzXYZ019-_.",
    "emoji": "é🎉 ",
    "escapes": '"\\\n\t',
    "backslashes": "\\",
    "quotes": '"',
    "controls": "\x01\x1f a",
    "no unicode": "\x00\ud83d\udc00 x",
    "japanese": "日本語テキスト",
    "base64": "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/",
    "all": 'ab 🎉é日"\\\n\x01\x00\ud83dxX9-',
}


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "parts": [{"type": "text", "content": text}]}


def rendered(messages: list[Any], **settings: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    Policy(Settings(**settings)).render(messages, [], [], [], found)
    return found


@cache
def mixed(alphabet: str, size: int = 300_000) -> str:
    chosen = random.Random(7).choices(alphabet, k=size)
    return "".join(chosen)


@pytest.mark.parametrize("redact", [True, False])
@pytest.mark.parametrize("limit", [2_000, 9_999, 131_072])
@pytest.mark.parametrize("alphabet", ALPHABETS)
def test_one_long_text_uses_its_budget(alphabet: str, limit: int, redact: bool) -> None:
    text = mixed(ALPHABETS[alphabet])
    found = rendered([user(text)], message_bytes=limit, redact=redact)
    data = found[semconv.INPUT_MESSAGES].encode()
    assert limit * 0.95 <= len(data) - 2 <= limit
    (message,) = json.loads(data)
    kept = message["parts"][0]["content"]
    missing = MARK.search(kept)
    assert missing and message["truncated"] is True
    # Halves of pairs that stand together are one character.
    if alphabet not in ("no unicode", "all"):
        assert len(kept) - len(missing[0]) + int(missing[1].replace(",", "")) == len(text)
        assert text.startswith(kept[: missing.start()])
    assert found[semconv.CONTENT_TRUNCATED_CHARACTERS] == int(missing[1].replace(",", ""))


def test_four_megabytes_keep_what_the_budget_says() -> None:
    data = rendered([user("word " * 800_000)])[semconv.INPUT_MESSAGES]
    assert 0.99 * 131_072 <= len(data.encode()) <= 131_072 + 2
    assert data.endswith(' more characters]"}],"truncated":true}]')


def random_value(source: random.Random, depth: int = 0) -> Any:
    kind = source.choice(
        ["text", "text", "list", "dict", "number", "none"] if depth < 5 else ["text"]
    )
    if kind == "text":
        return mixed(source.choice(list(ALPHABETS.values())), source.choice([0, 3, 60, 900, 9_000]))
    if kind == "list":
        return [random_value(source, depth + 1) for _ in range(source.choice([0, 1, 4, 40]))]
    if kind == "dict":
        count = source.choice([0, 1, 4, 40])
        return {
            f"k{n}" * source.choice([1, 9]): random_value(source, depth + 1) for n in range(count)
        }
    return source.choice([1, -5, 0.25, None, True, 10**30])


@pytest.mark.parametrize("seed", range(50))
def test_any_value_fits_any_budget(seed: int) -> None:
    source = random.Random(seed)
    value = {"role": "user", "parts": [random_value(source) for _ in range(3)]}
    whole = len(wire.dumps(value))
    for limit in (200, 1_000, 5_000, 60_000):
        data, _ = truncation.shrunk(value, limit)
        json.loads(data)
        assert len(data) <= limit or len(data) <= whole + 20 <= limit + 20


def test_texts_share_what_there_is() -> None:
    value = {"short": "s" * 50, "long": "l " * 50_000, "longer": "m " * 90_000}
    data, missing = truncation.shrunk(value, 10_000)
    found = json.loads(data)
    assert found["short"] == "s" * 50
    assert abs(len(found["long"]) - len(found["longer"])) < 10
    kept = len(MARK.sub("", found["long"])) + len(MARK.sub("", found["longer"]))
    assert missing == 280_000 - kept
    assert len(data) >= 9_500


def test_members_that_do_not_fit_are_counted() -> None:
    data, _ = truncation.shrunk({"rows": ["y" * 50] * 5000, "n": 4}, 2_000)
    found = json.loads(data)
    assert found["n"] == 4 and found["rows"][0] == "y" * 50
    assert found["rows"][-1] == f"… [{5000 - len(found['rows']) + 1:,} more members]"
    assert len(data) > 1_800
    documents = [{"content": "d " * 5_000, "id": n} for n in range(3_000)]
    found = json.loads(truncation.shrunk(documents, 131_072)[0])
    assert all(type(each) is dict for each in found)
    assert len(found) > 200 and found[0]["id"] == 0 and len(found[0]["content"]) > 300
    assert found[-1]["content"] == f"… [{3_001 - len(found):,} more members]"
    wide = json.loads(truncation.shrunk({f"key{n}": n for n in range(9_000)}, 2_000)[0])
    assert wide["key0"] == 0 and wide["…"].endswith(" more members]")


def test_a_message_stays_one() -> None:
    message = {"role": "tool", "parts": [{"type": "tool_call", "name": "f" * 900}] * 90}
    found = json.loads(truncation.shrunk(message, 100)[0])
    assert found["role"] == "tool" and type(found["parts"]) is list and found["truncated"] is True


SECRETS = {
    "key": "sk-proj-Ab1" + "cD2eF3" * 20,
    "jwt": "eyJhbGciOiJIUzI1NiJ9."
    + "eyJzdWIiOiIxMjM0NTY3ODkwIn0" * 9
    + "."
    + "Sf1KxwRJSMeKKF2QT4" * 9,
    "url": "postgres://admin:" + "Hunter2" * 12 + "@db.internal/app",
    "named": "password=" + "hunter2X" * 9,
    "quoted": '{"password": "' + "correct horse 9 battery" + '"}',
    "bearer": "Authorization: Bearer " + "abc123DEF" * 12,
}


@pytest.mark.parametrize("name", SECRETS)
def test_no_cut_leaves_a_piece_of_a_secret(name: str) -> None:
    secret = SECRETS[name]
    pieces = ("cD2eF3", "eyJzdWIi", "Hunter2", "hunter2X", "horse", "abc123DEF")
    for shift in range(0, len(secret) + 40, 7):
        text = "x " * (450 - shift // 2) + secret + " and so on" * 400
        found = rendered([user(text)], message_bytes=1_000)[semconv.INPUT_MESSAGES]
        assert not any(piece in found for piece in pieces), (shift, found[-200:])
        policy = Policy(Settings(message_bytes=1_000))
        held: dict[str, Any] = {}
        policy.value("v", {"q": text}, held)
        policy.text("t", text, held)
        said = policy.message(ValueError(text))
        for shown in (held["v"], held["t"], said):
            assert len(shown.encode()) <= 1_024
            assert not any(piece in shown for piece in pieces), (shift, shown[-200:])


def test_a_long_word_is_cut_where_the_budget_ends() -> None:
    for word in ("x" * 3_000, "ab1" * 30_000):
        kept = Cut().text(word, 1_000)
        assert len(kept) > 950 and MARK.search(kept)


@pytest.mark.parametrize("size", [0, 1, 10, 40])
def test_there_is_always_an_answer(size: int) -> None:
    for alphabet in ALPHABETS.values():
        assert len(Cut().text(mixed(alphabet, 100), size).encode()) <= max(size, 3)


def test_an_errors_message_says_how_much_is_missing() -> None:
    policy = Policy(Settings())
    for size in (3_000, 100_000, 3_000_000):
        said = policy.message(ValueError("word " * (size // 5)))
        missing = MARK.search(said)
        assert missing and 1_000 <= len(said.encode()) <= 1_024
        assert len(said) - len(missing[0]) + int(missing[1].replace(",", "")) == size
    assert policy.message("short") == "short"


def test_a_query_says_how_much_is_missing() -> None:
    found: dict[str, Any] = {}
    Policy(Settings(message_bytes=2_000)).text("q", "éa " * 3_000, found)
    assert 1_900 <= len(found["q"].encode()) <= 2_000
    missing = MARK.search(found["q"])
    assert missing and found[semconv.CONTENT_TRUNCATED_CHARACTERS] == int(
        missing[1].replace(",", "")
    )
    assert len(found["q"]) - len(missing[0]) + found[semconv.CONTENT_TRUNCATED_CHARACTERS] == 9_000


def test_a_spans_budget_is_used_too() -> None:
    messages = [user(f"{number} " + "w " * 300_000) for number in range(3)]
    found = rendered(messages, message_bytes=10**6, span_bytes=10**6)
    data = found[semconv.INPUT_MESSAGES]
    assert 0.95 * 10**6 <= len(data.encode()) <= 10**6
    starts = [message["parts"][0]["content"].split()[0] for message in json.loads(data)]
    assert starts == ["1", "2"] and found[semconv.CONTENT_DROPPED_MESSAGES] == 1


def test_dropped_messages_add_up() -> None:
    many = [user("w " * 2_000) for _ in range(9)]
    found: dict[str, Any] = {}
    Policy(Settings(span_bytes=10_000)).render(many, many, [], [], found)
    kept = sum(
        len(json.loads(found[name])) for name in (semconv.INPUT_MESSAGES, semconv.OUTPUT_MESSAGES)
    )
    assert found[semconv.CONTENT_DROPPED_MESSAGES] == 18 - kept


def test_a_large_image_is_not_taken_for_a_long_text() -> None:
    image = {"type": "blob", "modality": "image", "content": "aGkh" * 100_000}
    message = {"role": "user", "parts": [{"type": "text", "content": "look"}, image]}
    found = rendered([message, {"role": "user", "parts": [image]}])
    assert set(found) == {semconv.INPUT_MESSAGES}
    assert json.loads(found[semconv.INPUT_MESSAGES])[0]["parts"][1]["size"] == 300_000


def test_marks_of_masked_secrets_do_not_break_the_budget() -> None:
    text = "pwd=abc1 " * 40_000
    data = rendered([user(text)])[semconv.INPUT_MESSAGES]
    assert len(data.encode()) <= 131_072 + 2 and "abc1" not in data
    json.loads(data)


def test_work_is_bounded_by_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long and many texts are: what is not kept is neither written nor searched."""
    written: list[int] = []
    searched: list[int] = []
    dumps = wire.dumps
    monkeypatch.setattr(wire, "dumps", lambda value: written.append(len(d := dumps(value))) or d)
    for name in ("clean", "_clean_piece"):
        method = getattr(Policy, name)

        def counted(self: Policy, data: Any, *more: Any, method: Any = method) -> Any:
            searched.append(len(data))
            return method(self, data, *more)

        monkeypatch.setattr(Policy, name, counted)
    long = "word " * 10_000_000
    policy = Policy(Settings())
    held: dict[str, Any] = {}
    policy.render([user(long)] * 3, [], [], [], held)
    policy.render(
        [{"role": "user", "parts": [{"type": "text", "content": long}] * 3}], [], [], [], held
    )
    policy.value("v", {"rows": [{"a": long, "b": 1}] * 2_000}, held)
    policy.text("q", long, held)
    policy.message(ValueError(long))
    assert sum(searched) < 2_000_000
    assert sum(written) < 8_000_000
    searched.clear()
    policy.render([user("w " * 50_000) for _ in range(300)], [], [], [], held)
    assert sum(searched) <= 1_100_000


@pytest.mark.parametrize("word", ["correcthorsebattery" * 4, "CORRECTHORSE" * 8])
@pytest.mark.parametrize("name", ["password: ", "PGPASSWORD=", "my password is ", "Bearer "])
def test_a_word_after_a_secrets_name_is_not_cut_in_two(name: str, word: str) -> None:
    text = "It is here.\n" * 10 + name + word
    for end in range(len(text) - len(word) + 1, len(text)):
        assert truncation.safe_end(text, end) <= len(text) - len(word)
    assert truncation.safe_end("and so on " + word, 14) == 14


@pytest.mark.parametrize("size", range(620, 680, 7))
def test_half_a_password_does_not_stay(size: int) -> None:
    said = "It is here.\n" * 40 + "password: " + "correcthorsebattery" * 4
    for messages in (
        [user(said)],
        [{"role": "assistant", "parts": [{"type": "tool_call", "arguments": {"password": said}}]}],
    ):
        assert "correct" not in json.dumps(rendered(messages, message_bytes=size))
