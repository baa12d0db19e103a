"""Slips in the names of settings and libraries are asked about; values are never shown."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest

from otelier import settings, spelling
from otelier.settings import CAPTURE_ENV, read
from tests import telemetry

SECRET = "sk-very-secret-0123456789"


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("OTELIER_DISABELD", "OTELIER_DISABLED"),
        ("OTELIER_DISABLE", "OTELIER_DISABLED"),
        ("OTELIER_REDCAT", "OTELIER_REDACT"),
        ("OTELIER_CAPTURE", CAPTURE_ENV),
        ("OTELIER_MESSAGE_BYTES", "OTELIER_CONTENT_MESSAGE_BYTES"),
    ],
)
def test_a_setting_that_nobody_has_is_asked_about(name: str, meant: str) -> None:
    chosen, (problem,) = read({name: SECRET})
    assert chosen == settings.Settings()
    assert name in problem and f"did you mean {meant}?" in problem
    assert SECRET not in problem


def test_what_is_near_to_nothing_is_only_told() -> None:
    assert read({"OTELIER_XYZZY": SECRET})[1] == [
        "OTELIER_XYZZY is not a setting, and does nothing."
    ]


def test_a_name_is_shown_on_one_line_of_sensible_length() -> None:
    (problem,) = read({"OTELIER_\x1b[31m" + "Z" * 500: "x"})[1]
    assert "\x1b" not in problem and len(problem) < 200


def test_the_start_says_it_once_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTELIER_MASKK", SECRET)
    with caplog.at_level(logging.WARNING, "otelier"):
        settings.load()
    (record,) = caplog.records
    assert "OTELIER_MASKK" in record.getMessage() and SECRET not in record.getMessage()


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("OTEL_EXPORTER_OTLP_ENDPIONT", "OTEL_EXPORTER_OTLP_ENDPOINT"),
        ("OTEL_EXPORTER_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"),
        ("OTEL_SERVICENAME", "OTEL_SERVICE_NAME"),
        ("otel_service_name", "OTEL_SERVICE_NAME"),
        ("OTLIER_DISABLED", "OTELIER_DISABLED"),
    ],
)
def test_names_that_are_nearly_known(name: str, meant: str) -> None:
    known = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_SERVICE_NAME", *settings.variables()]
    assert spelling.misspelt({name: SECRET}, known) == [
        f"{name} is not read by anybody; did you mean {meant}?"
    ]


@pytest.mark.parametrize(
    "name",
    [
        "OTEL_SERVICE_NAME",
        "OTEL_PYTHON_FLASK_EXCLUDED_URLS",
        "OTEL_COMPANY_WIDE_SWITCH",
        "OTEL_EXPORTER_JAEGER_ENDPOINT",
        "OTHER",
    ],
)
def test_names_of_others_are_left_alone(name: str) -> None:
    known = ["OTEL_SERVICE_NAME", "OTEL_PYTHON_EXCLUDED_URLS", "OTEL_EXPORTER_ZIPKIN_ENDPOINT"]
    assert spelling.misspelt({name: "x"}, known) == []


def test_libraries_in_lists() -> None:
    known = {"openai", "anthropic", "*"}
    ask = spelling.unknown_libraries
    assert ask("X", {"openai", "*"}, known) == []
    assert ask("X", {"opnai"}, known) == ["X has a name that no library has; did you mean openai?"]
    assert ask("X", {SECRET}, known) == ["X has a name that no library has, which does nothing."]
    # Others are named in a list that is everybody's.
    assert ask("X", {"flask", "requests"}, known, sure=False) == []
    assert "openai" in ask("X", {"opnai"}, known, sure=False)[0]


def test_a_library_that_is_misspelt_is_told_at_the_start(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTELIER_DISABLED", f"opnai,anthropic,httpx,{SECRET}")
    monkeypatch.setenv("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", "flask,antropic")
    with caplog.at_level(logging.WARNING, "otelier"):
        telemetry.Telemetry().start().stop()
    told = [record.getMessage() for record in caplog.records if "no library" in record.getMessage()]
    assert [line.rpartition("; ")[2] for line in told if "mean" in line] == [
        "did you mean openai?",
        "did you mean anthropic?",
    ]
    assert SECRET not in caplog.text


def test_nothing_is_imported_for_names_that_are_right() -> None:
    program = (
        "import sys; before = 'difflib' in sys.modules; from otelier import spelling\n"
        "assert spelling.unknown_settings({'A': '', 'OTELIER_B': ''}, {'b': 'OTELIER_B'}) == []\n"
        "print(before, 'difflib' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    before, after = done.stdout.split()
    assert before == after, done.stderr
