"""How traces are shown, and what of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from otelier.viewer import text as txt

MIN_WIDTH: Final = 40
TEXT_LIMIT: Final = 1000
LIST_LIMIT: Final = 40
LINE_LIMIT: Final = 30
_NO_LIMIT: Final = 1 << 60


@dataclass(frozen=True, slots=True)
class Look:
    """Options of a picture of traces. ``width`` counts columns, at least 40."""

    messages: bool = False
    full: bool = False
    """Whether nothing is cut or folded."""
    errors: bool = False
    """Whether only failed steps and the way to them are shown."""
    grep: str = ""
    """Only steps and messages that contain this text, in upper or lower case, are shown."""
    session: str = ""
    """Only the steps of this session or conversation are shown."""
    color: bool = False
    width: int = 100
    ascii: bool = False
    """Whether the reader's encoding lacks the characters of trees."""

    @property
    def columns(self) -> int:
        """The width in use."""
        return max(self.width, MIN_WIDTH)

    @property
    def pattern(self) -> re.Pattern[str] | None:
        """What finds the text that is looked for."""
        return re.compile(re.escape(self.grep), re.IGNORECASE) if self.grep else None

    @property
    def text_limit(self) -> int:
        """How many characters of one text are shown."""
        return _NO_LIMIT if self.full else TEXT_LIMIT

    @property
    def list_limit(self) -> int:
        """How many members of one list are shown."""
        return _NO_LIMIT if self.full else LIST_LIMIT

    @property
    def line_limit(self) -> int:
        """How many lines of one text are shown."""
        return _NO_LIMIT if self.full else LINE_LIMIT

    def clean(self, text: str) -> str:
        """The text as one harmless line of characters that the reader has."""
        cleaned = txt.clean(text)
        return txt.plain(cleaned) if self.ascii else cleaned

    def lines(self, text: str) -> list[str]:
        """The lines of a text, each made harmless."""
        return [self.clean(line.replace("\t", "    ")) for line in txt.split(text)]

    def paint(self, text: str, style: str) -> str:
        """The text in a style, with what is looked for set apart."""
        return txt.paint(text, style, self.pattern) if self.color else text
