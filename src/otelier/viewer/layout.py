"""Lines of fields and of speech, fitted to a width. All foreign text is made harmless here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from otelier.viewer import text as txt
from otelier.viewer.look import MIN_WIDTH, Look
from otelier.viewer.messages import Said

# A text as recorded, and its style.
Field = tuple[str, str]

SEPARATOR: Final = " · "
_NAME_LINES: Final = 2
# On wide screens the eye must still find its way from the words to what stands beside them.
_EDGE: Final = 140


def flow(
    fields: Iterable[Field], first: str, rest: str, look: Look, *, aside: str = ""
) -> Iterator[str]:
    """The fields on as few lines as they fit on; only what is longer than a line is broken.

    ``first`` and ``rest`` begin the first and the other lines; ``aside`` stands at the right edge
    of the first one, and not far from it.
    """
    right = min(look.columns, _EDGE) if aside else look.columns
    margin = right - (txt.width(aside) + 2 if aside else 0)
    indent = max(txt.width(first), txt.width(rest))
    separator = look.clean(SEPARATOR)
    line, used = first, txt.width(first)
    fresh = True

    def finished() -> str:
        nonlocal aside
        edge, aside = aside, ""
        gap = " " * (right - used - txt.width(edge))
        return f"{line}{gap}{look.paint(edge.rstrip(), 'dim')}" if edge.strip() else line

    for raw, style in fields:
        # Cut before it is measured: a name may be megabytes long.
        whole = raw if look.full else txt.shorten(raw, _NAME_LINES * look.columns)
        field = look.clean(whole)
        needed = txt.width(field) + (0 if fresh else len(separator))
        if not fresh and used + needed > margin:
            yield finished()
            line, used, fresh = rest, txt.width(rest), True
        if fresh:
            *parts, field = txt.wrap(field, max(margin - indent, MIN_WIDTH // 2))
            for part in parts:
                line += look.paint(part.rstrip(), style)
                used += txt.width(part)
                yield finished()
                line, used = rest, txt.width(rest)
        line += ("" if fresh else separator) + look.paint(field, style)
        used += txt.width(field) + (0 if fresh else len(separator))
        fresh = False
    yield finished()


def passage(field: Field, lead: str, look: Look) -> Iterator[str]:
    """One text, wrapped, below ``lead``."""
    columns = max(look.columns - txt.width(lead), MIN_WIDTH // 2)
    for line in _lines(txt.excerpt(field[0], look.text_limit, look.pattern), look):
        for part in txt.wrap(line, columns):
            yield (lead + look.paint(part.rstrip(), field[1])).rstrip()


def speech(said: Said, lead: str, look: Look) -> Iterator[str]:
    """Who says what, wrapped, below ``lead``."""
    who = txt.clip(look.clean(said.who[: look.columns]), look.columns // 2)
    columns = max(look.columns - txt.width(lead) - 2, MIN_WIDTH // 2)
    lines = _lines(txt.excerpt(said.text, look.text_limit, look.pattern) + said.tail, look)
    # The label stands before the first line and counts with it.
    mark = f"{who}: " if who else ""
    wrapped = [part for line in [mark + lines[0], *lines[1:]] for part in txt.wrap(line, columns)]
    for number, part in enumerate(map(str.rstrip, wrapped)):
        if number == 0 and who and part.startswith(who):
            label = look.paint(who, "green" if said.output else "cyan")
            shown = label + look.paint(part[len(who) :], "")
        else:
            shown = look.paint(part, "" if who else "dim")
        yield f"{lead}{'' if number == 0 else '  '}{shown}".rstrip()


def _lines(text: str, look: Look) -> list[str]:
    lines = look.lines(text)
    more = len(lines) - look.line_limit
    if more <= 0:
        return lines
    start, pattern = 0, look.pattern
    if pattern is not None:
        found = next((n for n, line in enumerate(lines) if pattern.search(line)), 0)
        start = max(0, min(found - look.line_limit // 2, more))
    before = [f"… ({start:,} lines before)"] if start else []
    left = more - start
    what = "more line" if left == 1 else "more lines"
    after = [f"… ({left:,} {what})"] if left else []
    kept = [*before, *lines[start : start + look.line_limit], *after]
    return [look.clean(line) for line in kept]
