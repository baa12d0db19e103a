"""What a stream can show, and writing to it."""

from __future__ import annotations

import os
from typing import Final, TextIO

WIDTH: Final = 100


def wants_color(stream: TextIO) -> bool:
    """Whether the stream is a terminal whose user has not asked for no colour."""
    from otelier.settings import no_color

    return stream.isatty() and not no_color()


def columns(stream: TextIO) -> int:
    """The terminal's width; a fixed one for a file or a pipe."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or WIDTH
    except (OSError, ValueError, AttributeError):
        return WIDTH


def write(stream: TextIO, text: str) -> None:
    """Write at once; characters that the stream's encoding lacks become question marks."""
    try:
        stream.write(text)
    except UnicodeEncodeError:
        encoding = stream.encoding or "ascii"
        stream.write(text.encode(encoding, "replace").decode(encoding))
    stream.flush()
