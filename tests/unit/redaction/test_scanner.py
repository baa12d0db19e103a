"""The scanner never hides a place: what is redacted is the same with it and without."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pydantic_core
import pytest

from otelier import statics
from otelier.redaction import Rules, candidates, patterns, redacted, scanner
from tests.unit.redaction.hostile import long_texts, texts
from tests.unit.redaction.innocent import innocent
from tests.unit.redaction.secrets import secrets

CORPUS = [*(text for text, _ in secrets()), *innocent()]
HOSTILE = list(texts(8000, seed=1))


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        scanner, "_engines", dict.fromkeys((scanner._far, scanner._halves), scanner._IGNORANT)
    )


def hidden(found: list[str]) -> list[str]:
    """Texts with places that the scanner calls clean."""
    return [
        text
        for text in found
        if candidates.plain(text.encode()) and (scanner.clean(text) or scanner.clean(text.encode()))
    ]


@pytest.mark.parametrize("found", [CORPUS, HOSTILE], ids=["corpus", "hostile"])
def test_it_hides_no_place(found: list[str]) -> None:
    assert hidden(found) == []


@pytest.mark.parametrize("found", [CORPUS, HOSTILE], ids=["corpus", "hostile"])
def test_it_hides_no_place_in_json(found: list[str]) -> None:
    once = [json.dumps({"parts": [text]}) for text in found]
    assert hidden(once) == []
    assert hidden([json.dumps({"arguments": text}, ensure_ascii=False) for text in once]) == []


def test_it_hides_no_place_in_what_is_cut() -> None:
    cut = [text[at:] for text in CORPUS for at in range(1, len(text), 7)]
    assert hidden(cut) == []


def test_of_a_long_text_parts_are_searched_and_all_is_found() -> None:
    found = [text.encode() for text in (*long_texts(500, seed=1), "\n".join(CORPUS))]
    places = [candidates.plain(data) for data in found]
    assert [candidates.search(data) for data in found] == places
    assert sum(map(len, places)) > 1000


@pytest.mark.parametrize(
    "filler", ["The weather is fine. ", "Погода хорошая. ", "漢字はむずかしい。"]
)
def test_of_a_long_text_only_the_parts_with_places_are_searched(
    filler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched: list[int] = []
    local = candidates._local

    def counted(data: bytes) -> Any:
        searched.append(len(data))
        return local(data)

    monkeypatch.setattr(candidates, "_local", counted)
    text = filler * 5000 + "password: hunter2\n" + filler * 5000
    assert redacted(text) == text.replace("hunter2", "[REDACTED]")
    # The part it is in, and one behind which it begins.
    assert len(searched) <= 2
    assert sum(searched) < 3000


@pytest.fixture
def expected(without: None) -> tuple[list[str], list[bytes]]:
    every = [*CORPUS, *HOSTILE]
    return [redacted(text) for text in every], [Rules().json(_message(text)) for text in every]


def _message(text: str) -> bytes:
    return json.dumps([{"role": "user", "parts": [{"type": "text", "content": text}]}]).encode()


def test_the_result_is_the_same(
    expected: tuple[list[str], list[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scanner, "_engines", {})
    every = [*CORPUS, *HOSTILE]
    assert scanner.clean("The weather is fine.")
    assert [redacted(text) for text in every] == expected[0]
    assert [Rules().json(_message(text)) for text in every] == expected[1]
    # It says little without secrets among the generated texts.
    assert sum(map(str.__ne__, HOSTILE, expected[0][len(CORPUS) :])) > 50


def test_nearly_all_that_has_no_place_is_known_at_once() -> None:
    bare = [text for text in CORPUS if not candidates.plain(text.encode())]
    known = [text for text in bare if scanner.clean(text)]
    assert len(bare) > 800
    assert len(known) > 0.99 * len(bare)


def test_a_known_text_is_not_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    def search(data: bytes) -> list[Any]:
        raise AssertionError("searched")

    monkeypatch.setattr(candidates, "plain", search)
    for text in ("The weather is fine.", "Погода хорошая.", ""):
        assert redacted(text) == text
        assert Rules().leaves([text])


@pytest.mark.parametrize("text", ["password: \ud800hunter2", "\ud800"])
def test_what_is_no_unicode_is_searched(text: str) -> None:
    assert not scanner.clean(text)
    assert not scanner.clean(text.encode("utf-8", "surrogatepass"))


def test_each_way_to_a_place_has_an_expression() -> None:
    expressions = {**scanner._near(), **scanner._far()}
    for expression, sample in expressions.items():
        assert candidates.plain(sample.encode())
        has = pydantic_core.SchemaValidator({"type": "str", "pattern": expression})
        others = [each for each in expressions.values() if each != sample]
        assert has.isinstance_python(sample)
        assert not any(map(has.isinstance_python, others)), expression


def test_own_patterns_see_every_text() -> None:
    own = Rules((patterns.Pattern(re.compile(rb"weather")),))
    assert not own.leaves(["The weather is fine."])
    assert own.leaves(["Nothing."])


# --- where the engine is not there, or is another one ------------------------------------------


def test_it_is_not_imported_and_taken_once_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanner, "_engines", {})
    with monkeypatch.context() as absent:
        absent.setattr(statics, "loaded", lambda module, name: None)
        assert not scanner.clean("The weather is fine.")
    assert scanner.clean("The weather is fine.")


def _fails(schema: Any) -> Any:
    raise TypeError(schema)


def _never(schema: Any) -> Any:
    return pydantic_core.SchemaValidator({"type": "str", "pattern": "(?:^)a{9}"})


def _always(schema: Any) -> Any:
    return pydantic_core.SchemaValidator({"type": "str", "pattern": ""})


def _sensitive(schema: Any) -> Any:
    """An engine that does not know what ``(?i`` is."""
    pattern = schema["pattern"].replace("(?i-u:", "(?:")
    return pydantic_core.SchemaValidator({"type": "str", "pattern": pattern})


def _strict(schema: Any) -> Any:
    """An engine that takes no bytes for a text, and so finds nothing in them."""
    return pydantic_core.SchemaValidator({**schema, "strict": True})


@pytest.mark.parametrize("engine", [_fails, _never, _always, _sensitive, _strict])
def test_an_engine_that_is_wrong_is_not_asked(
    engine: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scanner, "_engines", {})
    monkeypatch.setattr(statics, "loaded", lambda module, name: engine)
    assert not scanner.clean("The weather is fine.")
    assert redacted("password: hunter2") == "password: [REDACTED]"
