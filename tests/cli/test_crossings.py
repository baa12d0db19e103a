"""Doctor's part about other services: what is missing, and the line that installs it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from otelier.cli import crossings


def looked(
    monkeypatch: pytest.MonkeyPatch,
    installed: str,
    there: str,
    switched_off: str = "",
    modules: str = "",
) -> list[str]:
    """What is told where these distributions and these entry points are installed."""
    versions = dict.fromkeys(installed.split(), "1.0")
    points = [SimpleNamespace(name=name) for name in there.split()]
    monkeypatch.setattr(crossings, "installed_version", versions.get)
    monkeypatch.setattr(crossings, "entry_points", lambda group: points)
    monkeypatch.setattr(crossings, "is_there", modules.split().__contains__)
    return list(crossings.look(frozenset(switched_off.split())))


def test_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert looked(monkeypatch, "fastapi starlette httpx2 celery", "celery") == [
        "fastapi 1.0: requests to it begin traces of their own without "
        "opentelemetry-instrumentation-fastapi",
        "httpx2 1.0: whom it asks does not go on with the trace without "
        "opentelemetry-instrumentation-httpx",
        "install what is missing: pip install 'otelier[services]'",
    ]


def test_what_the_extra_does_not_bring(monkeypatch: pytest.MonkeyPatch) -> None:
    assert looked(monkeypatch, "pika flask", "flask") == [
        "pika 1.0: its messages do not carry the trace without opentelemetry-instrumentation-pika",
        "install what is missing: pip install opentelemetry-instrumentation-pika",
    ]
    *_, line = looked(monkeypatch, "pika flask", "")
    assert line.endswith("pip install 'otelier[services]' opentelemetry-instrumentation-pika")


def test_all_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    (line,) = looked(monkeypatch, "fastapi starlette httpx", "fastapi httpx")
    assert line.startswith("carried on by what is installed")


def test_one_that_is_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    line, _ = looked(monkeypatch, "celery", "celery", "celery")
    assert (
        line == "celery 1.0: its messages do not carry the trace: celery is disabled by a setting"
    )


def test_one_that_goes_on_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    for there, off in (("", ""), ("fastapi", "fastapi")):
        (line,) = looked(monkeypatch, "fastapi starlette", there, off, "fastapi.telemetry")
        assert line.startswith("carried on by what is installed")


def test_nothing_asks_or_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    assert looked(monkeypatch, "", "fastapi") == [
        "no library that asks other services, or is asked, is installed"
    ]
