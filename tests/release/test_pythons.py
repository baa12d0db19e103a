"""The claimed Pythons, and where they are found."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.release import pythons


def test_the_oldest_claimed_python_is_the_one_that_is_required() -> None:
    assert pythons.claimed()[0] == "3.11"


def test_this_python_is_found() -> None:
    assert pythons.found(f"3.{sys.version_info.minor}") == sys.executable


def test_what_does_not_run_or_is_another_is_passed_by(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def placed(path: Path, said: str) -> str:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{said}\n")
        path.chmod(0o755)
        return str(path)

    placed(tmp_path / "shims" / "python3.99", "echo no such command >&2; exit 127")
    placed(tmp_path / "pyenv" / "versions" / "3.99.2" / "bin" / "python", "echo 3.98")
    right = placed(tmp_path / "pyenv" / "versions" / "3.99.1" / "bin" / "python", "echo 3.99")
    monkeypatch.setenv("PATH", str(tmp_path / "shims"))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    assert pythons.found("3.99") == right
    assert pythons.found("3.97") is None
