"""The environments in which pages are run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from benchmarks import environments
from tests import frameworks
from tests.framework_rows import ROWS

# SDKs that the tests' own environment has not.
_OWN: Final = {
    "lm15": ("lm15",),
    "stainless": ("groq", "together", "cerebras-cloud-sdk", "fireworks-ai", "writer-sdk"),
    # What finds personal data, for the guide about privacy.
    "masking": ("openai", "fsspec", "presidio-analyzer", "presidio-anonymizer"),
}


def python(place: str) -> Path:
    """The interpreter of a place: ``main``, ``beside``, one of our own, or a framework's row.

    An environment that is not there is made.
    """
    if place == "main":
        return Path(sys.executable)
    if place == "beside":
        return Path(environments.interpreter(environments.ROOT / ".venv-beside"))
    row = next((row for row in ROWS if row.name == place), None)
    if row is not None:
        folder, problem = row.folder, frameworks.install(row, environments.installer())
    else:
        folder = environments.CACHE / "manual" / place
        problem = environments.install(folder, _OWN[place], environments.installer())
    if problem:
        raise RuntimeError(f"{place}: {problem}")
    return Path(environments.interpreter(folder))


def variables(place: str) -> dict[str, str]:
    """What keeps a framework of a place off the network."""
    return dict(next((row.environment for row in ROWS if row.name == place), ()))
