"""Lines of fields and of speech, fitted to a width. All foreign text is made harmless here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from otelier.viewer import text as txt
from otelier.viewer.messages import Said

# A text as recorded, and its style.
Field = tuple[str, str]

SEPARATOR: Final = " · "
MIN_WIDTH: Final = 40
_LINE_LIMIT: Final = 30


def flow(fields: Iterable[Field], first: str, rest: str, color: bool, width: int) -> Iterator[str]:
    """The fields on as few lines as they fit on; none of them is broken.

    ``first`` and ``rest`` begin the first and the other lines.
    """
    line, used = first, txt.width(first)
    fresh = True
    for raw, style in fields:
        # Cut before it is measured: a name may be megabytes long.
        field = txt.clean(raw[: 4 * width])
        needed = txt.width(field) + (0 if fresh else len(SEPARATOR))
        if not fresh and used + needed > width:
            yield line
            line, used, fresh = rest, txt.width(rest), True
        if fresh:
            field = txt.clip(field, max(width - used, MIN_WIDTH // 2))
        line += ("" if fresh else SEPARATOR) + txt.paint(field, style, color)
        used += txt.width(field) + (0 if fresh else len(SEPARATOR))
        fresh = False
    yield line


def passage(field: Field, lead: str, color: bool, width: int) -> Iterator[str]:
    """One text, wrapped, below ``lead``."""
    columns = max(width - txt.width(lead), MIN_WIDTH // 2)
    for part in txt.wrap(txt.clean(field[0]), columns):
        yield lead + txt.paint(part, field[1], color)


def speech(said: Said, lead: str, color: bool, width: int) -> Iterator[str]:
    """Who says what, wrapped, below ``lead``."""
    who = txt.clip(txt.clean(said.who[:width]), MIN_WIDTH // 2)
    label = txt.paint(who, "green" if said.output else "cyan", color)
    columns = max(width - txt.width(lead) - 2, MIN_WIDTH // 2)
    lines = txt.lines(said.text)
    more = len(lines) - _LINE_LIMIT
    if more > 0:
        lines = [*lines[:_LINE_LIMIT], f"… ({more:,} more lines)"]
    # The label stands before the first line and counts with it.
    mark = f"{who}: "
    wrapped = [part for line in [mark + lines[0], *lines[1:]] for part in txt.wrap(line, columns)]
    for number, part in enumerate(wrapped):
        if number == 0 and part.startswith(who):
            part = label + part[len(who) :]
        yield f"{lead}{'' if number == 0 else '  '}{part}".rstrip()
