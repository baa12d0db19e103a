"""``instrument(services=True)``: the other instrumentations that are installed, each once."""

from __future__ import annotations

import logging
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest
from opentelemetry.instrumentation.instrumentor import (  # type: ignore[attr-defined]
    BaseInstrumentor,
)
from opentelemetry.sdk.trace import TracerProvider

import otelier
from otelier import OtelierInstrumentor, guard, sdk_setup, services
from otelier.cli import crossings

Install = Callable[..., type[BaseInstrumentor]]


class Point:
    """An entry point of an instrumentation that the test has made."""

    def __init__(self, name: str, loaded: Any, value: str = "") -> None:
        self.name = name
        self.value = value or f"opentelemetry.instrumentation.{name}:Instrumentor"
        self.dist = None
        self.loaded = loaded

    def load(self) -> Any:
        if isinstance(self.loaded, Exception):
            raise self.loaded
        return self.loaded


@pytest.fixture
def points(monkeypatch: pytest.MonkeyPatch) -> list[Point]:
    found: list[Point] = []
    monkeypatch.setattr(services, "entry_points", lambda group: found)
    return found


@pytest.fixture
def install(points: list[Point]) -> Install:
    """Makes an instrumentation and installs it; what is done to it is in ``done``."""

    def make(
        name: str, value: str = "", fails: bool = False, needs: str = ""
    ) -> type[BaseInstrumentor]:
        class Instrumentor(BaseInstrumentor):  # type: ignore[misc]
            done: ClassVar[list[Any]] = []

            def instrumentation_dependencies(self) -> Any:
                return (needs,) if needs else ()

            def _instrument(self, **given: Any) -> None:
                if fails:
                    raise ValueError("no")
                self.done.append(given)

            def _uninstrument(self, **given: Any) -> None:
                self.done.append("stopped")

        points.append(Point(name, Instrumentor, value))
        return Instrumentor

    return make


@pytest.fixture(autouse=True)
def without_a_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is global in this process stays as it is."""
    monkeypatch.setattr(sdk_setup, "configure", lambda: None)


def test_they_are_started_once_and_taken_back(
    install: Install, caplog: pytest.LogCaptureFixture
) -> None:
    celery = install("celery")
    otelier.instrument(services=True)
    otelier.instrument(services=True)
    assert celery.done == [{}]
    assert "while already" not in caplog.text
    otelier.uninstrument()
    assert celery.done == [{}, "stopped"]
    otelier.instrument(services=True)
    assert celery.done == [{}, "stopped", {}]


def test_without_being_asked_none_is_started(install: Install) -> None:
    celery = install("celery")
    otelier.instrument()
    assert celery.done == []


def test_a_later_call_starts_them(install: Install, caplog: pytest.LogCaptureFixture) -> None:
    celery = install("celery")
    guard._said.clear()
    otelier.instrument()
    with caplog.at_level(logging.INFO, "otelier"):
        otelier.instrument(services=True)
    assert celery.done == [{}]
    assert "services is in force now" in caplog.text
    otelier.uninstrument()
    assert celery.done == [{}, "stopped"]


def test_by_the_environment(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    celery = install("celery")
    monkeypatch.setenv("OTELIER_SERVICES", "true")
    otelier.instrument()
    assert celery.done == [{}]


def test_a_loader_starts_them_itself(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    celery = install("celery")
    monkeypatch.setenv("OTELIER_SERVICES", "true")
    OtelierInstrumentor().instrument(skip_dep_check=True)
    assert celery.done == []


def test_one_that_runs_already_is_left_alone(install: Install) -> None:
    celery = install("celery")
    celery().instrument()
    otelier.instrument(services=True)
    assert celery.done == [{}]
    otelier.uninstrument()
    # Whoever has started it.
    assert celery.done == [{}]


def test_they_get_the_programs_providers(install: Install) -> None:
    celery = install("celery")
    given = TracerProvider()
    otelier.instrument(tracer_provider=given, services=True)
    assert celery.done == [{"tracer_provider": given}]


def test_what_is_otelier_s_own_is_not_started(install: Install) -> None:
    others = [
        install("openai"),
        install("langchain"),
        install("anything", "openinference.instrumentation.anything:Instrumentor"),
        install("genai", "opentelemetry.instrumentation.genai.openai:Instrumentor"),
    ]
    botocore = install("botocore")
    otelier.instrument(services=True)
    assert [each.done for each in others] == [[], [], [], []]
    assert botocore.done == [{}]


@pytest.mark.parametrize("names", ["celery", "*", "flask, celery"])
def test_one_that_is_disabled(
    install: Install, monkeypatch: pytest.MonkeyPatch, names: str
) -> None:
    celery, httpx = install("celery"), install("httpx")
    monkeypatch.setenv("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", names)
    otelier.instrument(services=True)
    assert celery.done == []
    assert bool(httpx.done) == (names != "*")


def test_httpx_that_is_disabled_for_everybody(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    httpx = install("httpx")
    monkeypatch.setenv("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", "httpx")
    otelier.instrument(services=True)
    assert httpx.done == []


def test_one_that_fails_does_not_keep_the_others(
    install: Install, points: list[Point], caplog: pytest.LogCaptureFixture
) -> None:
    install("broken", fails=True)
    points.append(Point("half", ValueError("half installed")))
    points.append(Point("absent", ModuleNotFoundError("django")))
    celery = install("celery")
    with caplog.at_level(logging.WARNING):
        otelier.instrument(services=True)
    assert celery.done == [{}]
    assert "the instrumentation of broken cannot be started (ValueError)" in caplog.text
    assert "the instrumentation of half cannot be started (ValueError)" in caplog.text
    # Its library is not installed: nobody misses it.
    assert "absent" not in caplog.text
    assert guard.failures() == {"services.start": 2}


def test_one_that_needs_another_version(install: Install, caplog: pytest.LogCaptureFixture) -> None:
    guard._said.clear()
    other = install("wrapt", needs="wrapt >= 1000")
    absent = install("nothing", needs="no-such-distribution >= 1")
    otelier.instrument(services=True)
    assert (other.done, absent.done) == ([], [])
    assert "wrapt is not started:" in caplog.text and "1000" in caplog.text
    assert "no-such-distribution" not in caplog.text
    assert not guard.failures()


def test_one_that_cannot_be_taken_back(install: Install) -> None:
    broken = install("broken")
    celery = install("celery")
    otelier.instrument(services=True)
    broken._uninstrument = None
    otelier.uninstrument()
    assert celery.done == [{}, "stopped"]
    assert guard.failures() == {"services.stop": 1}


def test_the_extra_is_what_doctor_says() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    listed = project["optional-dependencies"]["services"]
    names = {each.partition(">=")[0].removeprefix(crossings._PREFIX) for each in listed}
    assert names == crossings.EXTRA
