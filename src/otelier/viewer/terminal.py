"""What a stream can show, and writing to it."""

from __future__ import annotations

import os
from typing import Final, TextIO

from otelier.viewer import text as txt

WIDTH: Final = 100


def wants_color(stream: TextIO) -> bool:
    """Whether the stream is a terminal with colour, as far as the user has not decided it."""
    from otelier.settings import wants_color

    return wants_color(stream.isatty())


def columns(stream: TextIO) -> int:
    """What ``COLUMNS`` says, else the terminal's width; a fixed one for a file or a pipe."""
    from otelier.settings import columns

    try:
        return columns() or os.get_terminal_size(stream.fileno()).columns or WIDTH
    except (OSError, ValueError, AttributeError):
        return WIDTH


def needs_ascii(stream: TextIO) -> bool:
    """Whether the stream's encoding lacks characters that trees are made of."""
    try:
        txt.MARKS.encode(getattr(stream, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return True
    return False


def write(stream: TextIO, text: str) -> None:
    """Write at once; characters that the stream's encoding lacks become question marks."""
    try:
        stream.write(text)
    except UnicodeEncodeError:
        encoding = stream.encoding or "ascii"
        stream.write(text.encode(encoding, "replace").decode(encoding))
    stream.flush()
