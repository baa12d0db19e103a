"""How deeply JSON data is nested."""

from __future__ import annotations

from typing import Any


def deeper(value: Any, levels: int) -> bool:
    """Whether lists and objects are nested in more than so many levels."""
    if type(value) is dict:
        value = list(value.values())
    if type(value) is not list:
        return False
    return levels == 0 or any(deeper(each, levels - 1) for each in value)
