"""Packages that only some verbs need, and the line that installs them."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import Final

# What pages are made with.
UI: Final = ("starlette", "uvicorn", "jinja2", "markdown_it")


def missing(verb: str, extra: str, *modules: str) -> bool:
    """Whether one of ``modules`` is not installed; then the line that installs all is printed."""
    if all(find_spec(module) is not None for module in modules):
        return False
    print(f"otelier {verb} needs packages: pip install 'otelier[{extra}]'", file=sys.stderr)
    return True
