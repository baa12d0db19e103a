"""What cannot be rebuilt, collected as short lines."""

from __future__ import annotations

from typing import Final

from otelier.viewer.text import shorten

# Examples in one line, and characters of each.
_EXAMPLES: Final = 5
_LONGEST: Final = 80


class Notes:
    """Lines in the order in which they were first told, each once."""

    def __init__(self) -> None:
        self._told: dict[str, list[str]] = {}

    def add(self, line: str, example: str = "") -> None:
        """Tell a line; ``example`` is what of the span it is about."""
        examples = self._told.setdefault(line, [])
        if example and example not in examples:
            examples.append(example)

    def lines(self) -> tuple[str, ...]:
        """The lines with their examples."""
        return tuple(_line(line, examples) for line, examples in self._told.items())


def _line(line: str, examples: list[str]) -> str:
    if not examples:
        return line
    shown = ", ".join(shorten(each, _LONGEST) for each in examples[:_EXAMPLES])
    more = len(examples) - _EXAMPLES
    return f"{line}: {shown}" + (f" and {more:,} more" if more > 0 else "")
