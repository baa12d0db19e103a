"""Settings read safely; README's table is the code's."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from otelier import semconv
from otelier.setting_table import CAPTURE_ENV, OPT_IN_ENV, SETTINGS
from otelier.settings import Blobs, Capture, Settings, load, read

README = Path(__file__).resolve().parents[2] / "README.md"


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


def test_readme_lists_every_setting_as_the_code_has_it() -> None:
    text = README.read_text()
    for setting in SETTINGS:
        assert f"| `{setting.env}` | {setting.values} | {setting.help} |" in text, setting.env
    rows = [line for line in text.splitlines() if line.startswith("| `OTEL")]
    assert len(rows) == len(SETTINGS)


def test_instrumentations_that_others_name_are_theirs() -> None:
    environ = {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "httpx,httpx2,requests,openai"}
    assert read(environ)[0].disabled == {"openai"}
    environ = {"OTELIER_DISABLED": "httpx", "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "requests"}
    assert read(environ)[0].disabled == {"httpx"}
