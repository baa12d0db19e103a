"""The environments in which pages are run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from benchmarks import environments
from tests.framework_rows import ROWS

# SDKs that the tests' own environment has not.
_OWN: Final = {
    "lm15": ("lm15",),
    "stainless": ("groq", "together", "cerebras-cloud-sdk", "fireworks-ai", "writer-sdk"),
    # What finds personal data, for the guide about privacy.
    "masking": ("openai", "fsspec", "presidio-analyzer", "presidio-anonymizer"),
}


def python(place: str) -> Path | None:
    """The interpreter of a place: ``main``, ``beside``, one of our own, or a framework's row.

    None if it is not there: frameworks' are made by ``make test-frameworks``.
    """
    if place == "main":
        return Path(sys.executable)
    if place == "beside":
        folder = environments.ROOT / ".venv-beside"
    elif place in _OWN:
        folder = environments.CACHE / "manual" / place
        problem = environments.install(folder, _OWN[place], environments.installer())
        if problem:
            raise RuntimeError(f"{place}: {problem}")
    else:
        folder = next(row.folder for row in ROWS if row.name == place)
    found = Path(environments.interpreter(folder))
    return found if found.exists() else None


def variables(place: str) -> dict[str, str]:
    """What keeps a framework of a place off the network."""
    return dict(next((row.environment for row in ROWS if row.name == place), ()))
