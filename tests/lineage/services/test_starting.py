"""Programs that start the other instrumentations in code: what a user writes, with real ones."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("opentelemetry.instrumentation.httpx")
pytest.importorskip("opentelemetry.instrumentation.celery")

from tests.backends.programs import ROOT
from tests.backends.running import AGENT, environment

_PROGRAM = """
import otelier
otelier.instrument({options})
import httpx
from opentelemetry.instrumentation.celery import CeleryInstrumentor
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
def on():
    both = CeleryInstrumentor(), HTTPXClientInstrumentor()
    return [each.is_instrumented_by_opentelemetry for each in both]
print(on())
otelier.instrument({options})
otelier.uninstrument()
print(on())
otelier.instrument({options})
print(on())
"""
QUIET = {f"OTEL_{signal}_EXPORTER": "none" for signal in ("TRACES", "METRICS", "LOGS")}


def run(
    here: Path, options: str, *before: str, program: str = _PROGRAM, **env: str
) -> tuple[list[str], str]:
    """What the program prints, and what is said beside."""
    script = here / "app.py"
    script.write_text(program.format(options=options))
    places = os.pathsep.join(filter(None, [str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]))
    done = subprocess.run(
        [*before, sys.executable, str(script)],
        env=environment(PYTHONPATH=places, **QUIET, **env),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout.splitlines(), done.stderr


def test_one_line(tmp_path: Path) -> None:
    said, beside = run(tmp_path, "services=True")
    assert said == ["[True, True]", "[False, False]", "[True, True]"]
    # Nothing that is not installed is missed: the extra brings Django's, and Flask's.
    assert "cannot" not in beside and "already instrumented\n" not in beside


def test_without_it(tmp_path: Path) -> None:
    said, _ = run(tmp_path, "")
    assert said == ["[False, False]"] * 3


def test_one_of_them_is_disabled(tmp_path: Path) -> None:
    said, _ = run(tmp_path, "services=True", OTEL_PYTHON_DISABLED_INSTRUMENTATIONS="celery")
    assert said == ["[False, True]", "[False, False]", "[False, True]"]


def test_where_they_run_already(tmp_path: Path) -> None:
    said, beside = run(tmp_path, "services=True", str(AGENT))
    # Whoever has started them keeps them.
    assert said == ["[True, True]", "[True, True]", "[True, True]"]
    assert "while already instrumented" not in beside


_LATE = """
from flask import Flask
import otelier
{made}
otelier.instrument(services=True)
"""


@pytest.mark.parametrize("made", ["", "app = Flask('x'); del Flask"], ids=["imported", "made"])
def test_what_is_too_late_is_told(tmp_path: Path, made: str) -> None:
    pytest.importorskip("opentelemetry.instrumentation.flask")
    _, beside = run(tmp_path, "", program=_LATE.format(made=made))
    assert "Flask was imported before otelier.instrument(services=True)" in beside


def test_nothing_is_told_of_what_is_not_late(tmp_path: Path) -> None:
    pytest.importorskip("opentelemetry.instrumentation.flask")
    for program in (
        "import flask, otelier\notelier.instrument(services=True)\nfrom flask import Flask",
        "import otelier\notelier.instrument(services=True)\nfrom flask import Flask\n"
        "otelier.instrument(services=True)",
    ):
        _, beside = run(tmp_path, "", program=program)
        assert "imported before" not in beside
