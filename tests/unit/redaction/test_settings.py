"""The user's own patterns, names to keep, and data that is no string."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import otelier
from otelier import semconv
from otelier.content import Policy
from otelier.redaction import Rules, patterns
from otelier.settings import Settings, load
from tests.telemetry import Telemetry


def masked(value: Any, **chosen: Any) -> Any:
    found: dict[str, Any] = {}
    Policy(Settings(**chosen)).value(semconv.TOOL_CALL_ARGUMENTS, value, found)
    return json.loads(found[semconv.TOOL_CALL_ARGUMENTS]) if found else None


@pytest.mark.parametrize("name", ["password", "apiKey", "api_key", "X-API-Key", "API-KEY"])
@pytest.mark.parametrize("value", [None, True, False, 0, 12, 1.5, "", [], {}, [None, 3]])
def test_what_is_no_string_stays(name: str, value: Any) -> None:
    assert masked({name: value, "n": 1}) == {name: value, "n": 1}
    inner = json.dumps({name: value})
    assert masked({"arguments": inner}) == {"arguments": inner}


@pytest.mark.parametrize("name", ["password", "apiKey", "api_key", "X-API-Key", "API-KEY"])
def test_strings_go_by_name_wherever_they_are_held(name: str) -> None:
    given = {name: {"a": ["hunter2", None, 3], "b": {"c": "x y", "d": True}}, "n": "x"}
    gone = {name: {"a": ["[REDACTED]", None, 3], "b": {"c": "[REDACTED]", "d": True}}, "n": "x"}
    assert masked(given) == gone
    assert masked([json.dumps(given)]) == [json.dumps(gone)]


def test_the_text_of_json_stays_as_it_is_written() -> None:
    text = b'{ "n" : 1.0,\n "big": 12345678901234567890123, "pwd":"a\\"b", "u": "\\u00e9 x" }'
    assert Rules().json(text) == text.replace(b'a\\"b', b"[REDACTED]")


@pytest.mark.parametrize(
    "schema",
    [{"type": "string"}, {"type": ["string", "null"]}, {"$ref": "#/x"}, {"enum": ["a", "b"]}],
)
def test_schemas_stay(schema: dict[str, Any]) -> None:
    assert masked({"properties": {"password": schema}}) == {"properties": {"password": schema}}


def test_names_to_keep() -> None:
    given = {"session_token": "abc", "Secret": "x1", "password": "hunter2"}
    assert masked(given, redact_keep=frozenset({"sessionToken", "secret"})) == {
        **given,
        "password": "[REDACTED]",
    }
    assert load(redact_keep="api_key, Secret").redact_keep == {"api_key", "secret"}


def test_own_patterns(tmp_path: Path) -> None:
    file = tmp_path / "patterns"
    file.write_text("# staff\n\nEMP-\\d{6}\n(unclosed\n(a+)+$\nx*\n" + "y" * 1001 + "\nÄrger\\d\n")
    found, faults, readable = patterns.load(str(file))
    assert readable
    assert len(found) == 2
    assert [fault.split(":")[0].rpartition(" ")[2] for fault in faults] == ["4", "5", "6", "7"]
    given = {"a": "of EMP-123456 and Ärger7", "b": json.dumps({"c": "EMP-654321"}), "d": 123456}
    assert masked(given, redact_patterns=str(file)) == {
        "a": "of [REDACTED] and [REDACTED]",
        "b": json.dumps({"c": "[REDACTED]"}),
        "d": 123456,
    }


def test_own_patterns_see_names_in_data(tmp_path: Path) -> None:
    file = tmp_path / "patterns"
    file.write_text("EMP-\\d{6}\n")
    given = {"EMP-123456": {"of": "EMP-654321"}, "name": 5}
    assert masked(given, redact_patterns=str(file)) == {
        "[REDACTED]": {"of": "[REDACTED]"},
        "name": 5,
    }


def test_own_patterns_in_long_texts(tmp_path: Path) -> None:
    file = tmp_path / "patterns"
    file.write_text("EMP-\\d{6}\n")
    for at in range(4000, 4200, 3):
        text = "a" * at + "EMP-123456" + "b" * 9000
        assert masked([text], redact_patterns=str(file)) == [
            text.replace("EMP-123456", "[REDACTED]")
        ]


@pytest.mark.parametrize("pattern", ["EMP-.", "[éü]", "\\xa9", "\\W{3}", "."])
def test_of_a_letter_that_a_pattern_has_in_part_all_goes(pattern: str, tmp_path: Path) -> None:
    file = tmp_path / "patterns"
    file.write_text(pattern + "\n")
    for text in ("EMP-é and 漢😀漢", "é" * 5000, "a" + "漢" * 3000):
        (cleaned,) = masked([text], redact_patterns=str(file))
        assert "\ufffd" not in cleaned
        assert set(cleaned.replace("[REDACTED]", "")) <= set(text)


def test_a_pattern_that_takes_too_long_lets_nothing_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "patterns"
    file.write_text("EMP-\\d{6}\n")
    monkeypatch.setattr(patterns, "SECONDS", -1)
    assert masked(["private"], redact_patterns=str(file)) == ["[REDACTED]"]


def test_a_file_that_is_not_there_lets_no_content_out(tmp_path: Path) -> None:
    assert masked({"a": 1}, redact_patterns=str(tmp_path / "nothing")) is None


def test_decorated_tools_and_errors(telemetry: Telemetry) -> None:
    @otelier.tool
    def login(user: str, password: str | None = None) -> dict[str, Any]:
        if user == "eve":
            raise ValueError("{'password': 'hunter2', 'user': None}: no such user")
        return {"user": user, "session_token": None, "api_key": "k9", "password_set": True}

    login("ada", password=None)
    login("bob", password="hunter2")
    with pytest.raises(ValueError, match="hunter2"):
        login("eve")
    first, second, third = telemetry.spans()
    assert json.loads(first.attributes[semconv.TOOL_CALL_ARGUMENTS])["password"] is None
    assert json.loads(second.attributes[semconv.TOOL_CALL_ARGUMENTS])["password"] == "[REDACTED]"
    assert json.loads(second.attributes[semconv.TOOL_CALL_RESULT]) == {
        "user": "bob",
        "session_token": None,
        "api_key": "[REDACTED]",
        "password_set": True,
    }
    assert third.status.description == "{'password': '[REDACTED]', 'user': None}: no such user"


def test_others_spans_lose_secrets_everywhere(telemetry: Telemetry) -> None:
    from opentelemetry.trace import Status, StatusCode

    span = telemetry.tracer.start_span("theirs", attributes={"gen_ai.operation.name": "chat"})
    span.set_attribute("input.value", '{"password": null, "api_key": "k9"}')
    span.set_attribute("http.request.header.authorization", ["Bearer abc"])
    span.add_event("said", {"gen_ai.prompt": "my password is hunter2"})
    span.set_status(Status(StatusCode.ERROR, "password=hunter2"))
    span.end()
    found = telemetry.span("theirs")
    assert found.attributes["input.value"] == '{"password": null, "api_key": "[REDACTED]"}'
    assert found.attributes["http.request.header.authorization"] == ("[REDACTED]",)
    assert found.events[0].attributes["gen_ai.prompt"] == "my password is [REDACTED]"
    assert found.status.description == "password=[REDACTED]"
