"""Settings read safely."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from otelier import semconv
from otelier.setting_table import CAPTURE_ENV, OPT_IN_ENV, SETTINGS
from otelier.settings import (
    Blobs,
    Capture,
    Settings,
    given,
    load,
    read,
    store,
    store_path,
    tell_exporters,
    trace_file,
)


def test_nothing_set_is_the_default() -> None:
    assert read({}) == (Settings(), [])


@pytest.mark.parametrize(
    ("text", "capture"),
    [
        ("NO_CONTENT", Capture.NO_CONTENT),
        ("span_only", Capture.SPAN_ONLY),
        ("Event_Only", Capture.EVENT_ONLY),
        ("SPAN_AND_EVENT", Capture.SPAN_AND_EVENT),
        ("true", Capture.SPAN_ONLY),
        ("1", Capture.SPAN_ONLY),
        ("False", Capture.NO_CONTENT),
        ("0", Capture.NO_CONTENT),
        (" true ", Capture.SPAN_ONLY),
    ],
)
def test_capture_modes(text: str, capture: Capture) -> None:
    assert read({CAPTURE_ENV: text}) == (Settings(capture=capture), [])


def test_a_wrong_capture_mode_captures_nothing() -> None:
    settings, problems = read({CAPTURE_ENV: "everything please"})
    assert settings.capture is Capture.NO_CONTENT
    assert len(problems) == 1
    assert "everything" not in problems[0]


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.env)
@pytest.mark.parametrize("text", ["", "  ", "💥", "a=", "=", ",,,", "-1", "999999999999999999999"])
def test_nothing_makes_reading_raise(setting: object, text: str) -> None:
    settings, problems = read({setting.env: text})  # type: ignore[attr-defined]
    assert isinstance(settings, Settings)
    assert len(problems) <= 1


def test_values() -> None:
    settings, problems = read(
        {
            "OTELIER_CONTENT_MESSAGE_BYTES": "64k",
            "OTELIER_CONTENT_SPAN_BYTES": "2 MiB",
            "OTELIER_DISABLED": "OpenAI, groq",
            "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "anthropic,flask",
            "OTELIER_BLOBS": "INLINE",
            "OTELIER_PROVIDER_HOSTS": "a:1=openai, b=acme",
            "OTELIER_PROPAGATE": "LLM.internal:8000, *.example.com,[::1]:80",
            OPT_IN_ENV: "http/dup,gen_ai_latest_experimental/dup",
        }
    )
    assert problems == []
    assert settings.message_bytes == 65536
    assert settings.span_bytes == 2 << 20
    assert settings.disabled == {"openai", "groq", "anthropic", "flask"}
    assert settings.blobs is Blobs.INLINE
    assert settings.provider_hosts == {"a:1": "openai", "b": "acme"}
    assert settings.propagate == {"llm.internal:8000", "*.example.com", "[::1]:80"}
    assert settings.generation == semconv.DUPLICATE


@pytest.mark.parametrize(
    "text", ["*", "*.", "http://llm.internal", "a/v1", "a:port", "a b", "a*", "*a", "a,*", "::1"]
)
def test_what_is_no_list_of_hosts_lists_none(text: str) -> None:
    settings, problems = read({"OTELIER_PROPAGATE": text})
    assert settings.propagate == frozenset()
    assert len(problems) == 1 and "host, host:port or *.domain" in problems[0]


def test_options_in_code_win_and_are_forgiving(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTELIER_REDACT", "true")
    with caplog.at_level(logging.WARNING, "otelier"):
        settings = load(redact="false", capture="nonsense", message_bytes="few")
    assert settings.redact is False
    assert settings.capture is Capture.NO_CONTENT
    assert settings.message_bytes == Settings().message_bytes
    assert len(caplog.records) == 2


def test_how_much_a_store_keeps() -> None:
    environ = {"OTELIER_STORE_KEEP": "30d", "OTELIER_STORE_SIZE": "2 GB"}
    settings, problems = read(environ)
    assert (settings.store_keep, settings.store_size, problems) == (30 * 86_400, 2 << 30, [])
    off, _ = read({"OTELIER_STORE_KEEP": "off", "OTELIER_STORE_SIZE": "off"})
    assert (off.store_keep, off.store_size) == (0, 0)
    for text in ("30", "d", "-1d", "0d", "1.5h"):
        assert "30d" in read({"OTELIER_STORE_KEEP": text})[1][0]
    for text in ("8", "8k", "g", "-8g"):
        assert "8g" in read({"OTELIER_STORE_SIZE": text})[1][0]


def test_where_the_store_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTELIER_STORE", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr("sys.platform", "linux")
    assert store_path() == tmp_path / "data" / "otelier" / "traces.db"
    monkeypatch.delenv("XDG_DATA_HOME")
    ordinary = tmp_path / ".local" / "share" / "otelier" / "traces.db"
    assert store_path() == ordinary
    monkeypatch.setattr("sys.platform", "darwin")
    assert store_path() == tmp_path / "Library/Application Support/otelier/traces.db"
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("OTELIER_STORE", "~/mine.db")
    assert (store_path(), store()) == (tmp_path / "mine.db", str(tmp_path / "mine.db"))
    # What others fill is read there, and never written.
    monkeypatch.setenv("OTELIER_STORE", "clickhouse://u:p@host/db")
    assert (store_path(), store()) == (ordinary, "clickhouse://u:p@host/db")


def test_exporters_go_by_what_code_gave(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTELIER_STORE", "/environment.db")
    tell_exporters({"store": "/code.db", "trace_file": "/code.jsonl"})
    try:
        assert (store(), trace_file()) == ("/code.db", "/code.jsonl")
    finally:
        tell_exporters({})
    assert store() == "/environment.db"


def test_what_code_gave_is_read_twice() -> None:
    for value in ("30d", "off"):
        accepted, problems = given({"store_keep": value, "store_size": "off"})
        assert problems == [] and given(accepted) == (accepted, [])
    assert str(read({"OTELIER_STORE_KEEP": "2h"})[0].store_keep) == "7200s"


def test_instrumentations_that_others_name_are_theirs() -> None:
    environ = {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "httpx,httpx2,requests,openai"}
    assert read(environ)[0].disabled == {"openai"}
    environ = {"OTELIER_DISABLED": "httpx", "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "requests"}
    assert read(environ)[0].disabled == {"httpx"}
