"""Stored spans once more through the rules in force: nothing of a secret is left in any field."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

import otelier
from otelier import semconv as s
from otelier.content import Policy
from otelier.settings import Settings
from otelier.store.redacting import Redactor, in_force, redacted
from otelier.store.spans import StoredEvent, StoredResource, StoredScope, StoredSpan
from tests import hostile
from tests.browser.stores.hostile import everywhere
from tests.store.made import chat, message, span, talk
from tests.unit.redaction.secrets import secrets

MARK = "[REDACTED]"
SECRETS = list(secrets())[::9]


def again(spans: list[StoredSpan], mask: Any = None, **chosen: Any) -> list[StoredSpan]:
    return redacted(spans, Redactor(Policy(Settings(**chosen), mask)))


def strings(told: Any) -> Iterator[str]:
    """All texts of a span but its ids."""
    if isinstance(told, str):
        yield told
    elif isinstance(told, bytes):
        yield told.decode("utf-8", "replace")
    elif isinstance(told, dict):
        for name, value in told.items():
            yield from (name, *strings(value))
    elif isinstance(told, list | tuple):
        for each in told:
            yield from strings(each)
    elif is_dataclass(told):
        for each in fields(told):
            if not each.name.endswith("_id"):
                yield from strings(getattr(told, each.name))


@pytest.mark.parametrize(("text", "secret"), SECRETS, ids=range(len(SECRETS)))
def test_a_secret_goes_from_every_field(text: str, secret: str) -> None:
    # All attributes but the operation are the same in all of them.
    spans = list(everywhere(text, count(1)))[-2:]
    assert any(secret in each for each in strings(spans))
    forms = (secret, json.dumps(secret)[1:-1])
    left = [each for each in strings(again(spans)) if any(form in each for form in forms)]
    assert left == []


@pytest.mark.parametrize(
    ("name", "value", "clean"),
    [
        ("db.password", "hunter2", MARK),
        ("app.headers", {"X-API-Key": "of my own"}, {"X-API-Key": MARK}),
        ("app.pairs", [["password", "hunter2"], ["n", 1]], [["password", MARK], ["n", 1]]),
        ("app.listed", [{"key": "PASSWORD", "value": "x1"}], [{"key": "PASSWORD", "value": MARK}]),
        ("app.passwords", ["one", "two"], [MARK, MARK]),
        ("app.bytes", b"password: hunter2", b"password: [REDACTED]"),
        ("app.deep", {"a": [{"b": b"password: hunter2"}]}, {"a": [{"b": b"password: [REDACTED]"}]}),
        ("app.json", '{"a": 1.0, "pwd": "x y"}', '{"a": 1.0, "pwd": "[REDACTED]"}'),
        ("app.inner", r'{"a": "{\"pwd\": \"x y\"}"}', r'{"a": "{\"pwd\": \"[REDACTED]\"}"}'),
        ("app.name", '{"password: hunter2": 1}', '{"password: [REDACTED]": 1}'),
    ],
)  # fmt: skip
def test_values_of_each_type(name: str, value: Any, clean: Any) -> None:
    (found,) = again([span(1, attributes={name: value})])
    assert found.attributes == {name: clean}


def test_what_has_no_secret_stays_as_it_is() -> None:
    odd = [*hostile.ODD_VALUES, *hostile.VALUES.values(), *hostile.MESSAGES.values()]
    spans = [span(number, attributes={"x": value}) for number, value in enumerate(odd)]
    spans += [chat(1, talk(20)), *everywhere("nothing of interest", count(1))]
    for before, after in zip(spans, again(spans), strict=True):
        # Not by `==`: there is a value that is not itself.
        assert repr(told(after)) == repr(told(before))


def told(each: StoredSpan) -> StoredSpan:
    """With lists for tuples, and one kind of mapping."""
    return replace(each, attributes=plain(each.attributes), events=tuple(each.events))


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list | tuple) else value


def test_names_that_become_one_are_both_there() -> None:
    keys = [secret for _, secret in secrets() if secret.startswith("ghp_")][:2]
    (found,) = again([span(1, attributes=dict.fromkeys(keys, 1))])
    assert found.attributes == {MARK: 1, f"{MARK} 2": 1}


def test_nothing_is_looked_for_where_the_settings_say_so() -> None:
    spans = list(everywhere("password: hunter2", count(1)))
    assert list(strings(again(spans, redact=False))) == list(strings(spans))


def test_patterns_and_names_of_the_user(tmp_path: Path) -> None:
    patterns = tmp_path / "patterns"
    patterns.write_text("customer-[0-9]+\n")
    for one in everywhere("it is customer-4711", count(1)):
        (found,) = again([one], redact_patterns=str(patterns))
        assert not any("4711" in each for each in strings(found))
    held = [span(1, attributes={"app.secret": "of all", "app.password": "hunter2"})]
    (found,) = again(held, redact_keep=frozenset({"secret", "app.secret"}))
    assert found.attributes == {"app.secret": "of all", "app.password": MARK}


# --- the program's mask -----------------------------------------------------------------------


def shouting(name: str, value: Any) -> Any:
    return json.loads(json.dumps(value).upper().replace("NULL", "null"))


def test_content_goes_through_the_mask_and_nothing_else_does() -> None:
    seen: list[tuple[str, Any]] = []

    def mask(name: str, value: Any) -> Any:
        seen.append((name, value))
        return "gone" if name == s.RETRIEVAL_QUERY else ["gone"]

    question = [message("user", "private")]
    attributes = {
        s.INPUT_MESSAGES: json.dumps(question),
        s.RETRIEVAL_QUERY: "private",
        s.PROMPT_VARIABLE + "who": "private",
        "llm.input_messages.0.message.content": "private",
        s.REQUEST_MODEL: "gpt",
    }
    event = StoredEvent("gen_ai.user.message", 1, {"content": "private"})
    (found,) = again([span(1, attributes=attributes, events=(event,))], mask)
    assert found.attributes == {
        s.INPUT_MESSAGES: '["gone"]',
        s.RETRIEVAL_QUERY: "gone",
        s.REQUEST_MODEL: "gpt",
    }
    assert found.events[0].attributes == {}
    assert (s.INPUT_MESSAGES, question) in seen and ("content", "private") in seen


def test_content_that_is_structured_goes_through_the_mask() -> None:
    attributes = {s.INPUT_MESSAGES: [message("user", "private")]}
    (found,) = again([span(1, attributes=attributes)], shouting)
    assert found.attributes[s.INPUT_MESSAGES][0]["PARTS"][0]["CONTENT"] == "PRIVATE"


def test_a_mask_that_fails_lets_nothing_out() -> None:
    def mask(name: str, value: Any) -> Any:
        raise RuntimeError(name)

    redactor = Redactor(Policy(Settings(), mask))
    found = redactor.span(chat(1, talk(2)))
    assert not {s.INPUT_MESSAGES, s.OUTPUT_MESSAGES} & set(found.attributes)
    assert redactor.left_out == 2 and found.attributes[s.USAGE_INPUT] == 10


# --- which rules ------------------------------------------------------------------------------


def test_the_settings_of_the_process_are_in_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    patterns = tmp_path / "patterns"
    patterns.write_text("abc+\n")
    monkeypatch.setenv("OTELIER_REDACT_PATTERNS", str(patterns))
    monkeypatch.setenv("OTELIER_MASK", f"{__name__}:shouting")
    policy = in_force()
    assert (policy.redacts, policy.patterns, policy.masks) == (True, 1, True)
    monkeypatch.setenv("OTELIER_REDACT", "false")
    assert not in_force().redacts


def test_a_mask_that_is_not_there_lets_nothing_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTELIER_MASK", "nowhere:at_all")
    redactor = Redactor(in_force())
    assert s.INPUT_MESSAGES not in redactor.span(chat(1, talk(2))).attributes
    assert redactor.left_out == 2


def test_what_the_program_gave_in_code_is_in_force() -> None:
    otelier.instrument(mask=shouting, configure_sdk=False)
    (found,) = redacted([chat(1, talk(1, 9))], Redactor(in_force()))
    assert "USER 0" in found.attributes[s.INPUT_MESSAGES]


def test_what_spans_share_is_shared_afterwards() -> None:
    resource = StoredResource({"app.password": "hunter2"})
    scope = StoredScope("a", attributes={"app.password": "hunter2"})
    first, second = again([span(n, resource=resource, scope=scope) for n in range(2)])
    assert first.resource is second.resource and first.scope is second.scope
    assert first.resource.attributes == first.scope.attributes == {"app.password": MARK}
