"""The generated parts of the reference: a function for each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from otelier.setting_table import SETTINGS


def settings() -> str:
    """All settings."""
    lines = ["| Variable | Values | |", "|---|---|---|"]
    return "\n".join([*lines, *(f"| `{s.env}` | {s.values} | {s.help} |" for s in SETTINGS)])


MADE: Final[dict[str, Callable[[], str]]] = {"settings": settings}


def made(name: str) -> str:
    """A generated part by the name in its mark."""
    return MADE[name]()
