"""Text for a terminal: made harmless, measured in columns, cut, wrapped, coloured, and numbers."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from functools import cache
from typing import Final

from rich import filesize
from rich.cells import cell_len
from rich.color import ColorSystem
from rich.console import Console
from rich.style import Style
from rich.text import Text

# What stands for our own marks where the encoding has none of them.
_PLAIN: Final = str.maketrans(
    {
        "│": "|",
        "├": "|",
        "└": "`",
        "─": "-",
        "━": "=",
        "╸": "-",
        "·": "|",
        "→": "->",
        "≥": ">=",
        "Σ": "sum",
        "✗": "x",
        "×": "x",
        "–": "-",
        "…": "...",
        "⋯": "...",
        "␡": "?",
        **{chr(0x2400 + code): f"^{chr(0x40 + code)}" for code in range(0x20)},
    }
)
MARKS: Final = "│├└─━╸·→≥Σ✗×…⋯␛"

# What moves the cursor, starts an escape sequence, reorders or hides text, or cannot be encoded.
_DANGEROUS: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_LINE_ENDS: Final = re.compile("\r\n|\n")


def clean(text: str) -> str:
    """The text as one line that cannot control a terminal; what was there stays visible."""
    return _DANGEROUS.sub(_visible, text)


def _visible(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else f"\\u{code:04x}"


def plain(text: str) -> str:
    """The text with words and signs of ASCII for our marks."""
    return text if text.isascii() else text.translate(_PLAIN)


def split(text: str) -> list[str]:
    """The lines of a text, as recorded."""
    return _LINE_ENDS.split(text)


def width(text: str) -> int:
    """How many columns a terminal needs for the text."""
    return len(text) if text.isascii() else cell_len(text)


def clip(text: str, columns: int) -> str:
    """The text, or as much of it as fits together with an ellipsis."""
    cut = Text(text)
    cut.truncate(columns, overflow="ellipsis")
    return cut.plain


def wrap(line: str, columns: int) -> Iterator[str]:
    """One line as lines of at most ``columns`` columns, broken at spaces where there are some."""
    if width(line) <= columns:
        yield line
        return
    # A wide character needs two. A Text is content as it is: no markup, no names of emoji.
    for part in Text(line).wrap(_ruler(), max(columns, 2), overflow="fold"):
        yield part.plain


@cache
def _ruler() -> Console:
    """What rich wraps by; nothing is printed to it."""
    return Console(file=io.StringIO(), color_system=None, force_jupyter=False)


def shorten(text: str, limit: int) -> str:
    """The text, or its first ``limit`` characters and how many more there are."""
    left_out = len(text) - limit
    return text if left_out <= 0 else f"{text[:limit]}… ({left_out:,} more characters)"


def excerpt(text: str, limit: int, pattern: re.Pattern[str] | None) -> str:
    """At most ``limit`` characters: the first ones, or those around what the pattern finds."""
    found = pattern.search(text) if pattern is not None and len(text) > limit else None
    if found is None or found.end() <= limit:
        return shorten(text, limit)
    start = max(0, found.start() - limit // 2)
    return f"({start:,} characters before) …" + shorten(text[start:], limit)


def paint(text: str, style: str, pattern: re.Pattern[str] | None = None) -> str:
    """The text in a style of rich, with what the pattern finds set apart.

    In the terminal's own sixteen colours.
    """
    if pattern is None:
        return _styled(text, Style.parse(style)) if style else text
    painted = Text(text, style)
    painted.highlight_regex(pattern, "reverse")
    return "".join(_styled(each.text, each.style) for each in painted.render(_ruler()))


def _styled(text: str, style: Style | None) -> str:
    return style.render(text, color_system=ColorSystem.STANDARD) if style else text


def duration(seconds: float) -> str:
    """A duration with about three digits."""
    if seconds < 0.001:
        return f"{seconds * 1000:.2f} ms"
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.2f} s" if seconds < 9.995 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


# Nobody pays so much, or so little: all digits of it would only be in the way.
_MOST_PAID: Final = 1e12
_LEAST_PAID: Final = 1e-12


def dollars(amount: float, partial: bool = False) -> str:
    """A cost with three digits that say something, at least cents; ``≥`` where it is of a part."""
    if partial:
        return "≥ " + (dollars(amount) if amount else "$0.00")
    if amount == 0:
        return "free"
    if amount < 0:
        return "-" + dollars(-amount)
    if not _LEAST_PAID <= amount < _MOST_PAID:
        return f"${amount:.3g}"
    if amount >= 1:
        return f"${amount:,.2f}"
    exponent = int(f"{amount:e}".partition("e")[2])
    digits = f"{amount:.{2 - exponent}f}".rstrip("0")
    return "$" + digits.ljust(4, "0")


def size(count: int) -> str:
    """A number of bytes."""
    return filesize.decimal(count)
