"""Foreign texts as a page may print them."""

from __future__ import annotations

import re
from typing import Any, Final

from markupsafe import Markup

from otelier.viewer.text import clean

# Lines and tabs are layout; all else that moves, hides or reorders is made visible.
_LAYOUT: Final = re.compile("([\n\t])")


def seen(text: str) -> str:
    """The text with nothing in it that hides, reorders or ends something; lines stay lines."""
    if text.isascii() and text.isprintable():
        return text
    parts = _LAYOUT.split(text.replace("\r\n", "\n"))
    return "".join(part if part in ("\n", "\t") else clean(part) for part in parts)


def printed(value: Any) -> Any:
    """What stands for a value in a page: every expression of a template goes through here."""
    return seen(value) if isinstance(value, str) and not isinstance(value, Markup) else value
