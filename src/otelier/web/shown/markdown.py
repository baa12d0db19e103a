"""What models write, as a page shows it: Markdown without HTML, images and strange links."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markupsafe import Markup, escape

from otelier.web.shown.words import seen

# Longer texts are shown as they are: who reads them looks for something.
MOST: Final = 50_000
# Cells of tables: rows are filled up to the width of the first, so that a text of a few kilobytes
# may have 65,536.
_CELLS: Final = 10_000
_SCHEMES: Final = ("http://", "https://", "mailto:")


def html(text: str) -> Markup:
    """The text as HTML in which nothing of it is markup but what Markdown makes."""
    text = seen(text)
    if len(text) > MOST:
        return Markup("<pre>{}</pre>").format(text)
    try:
        return Markup(_reader(_has_tables(text)).render(text))
    except (RecursionError, IndexError, ValueError):
        return Markup("<pre>{}</pre>").format(text)


def _has_tables(text: str) -> bool:
    """Whether tables in it are shown as such, and not as they are written."""
    bars = [line.count("|") for line in text.split("\n")]
    return max(bars) * len(bars) <= max(_CELLS, 4 * sum(bars))


@cache
def _reader(tables: bool) -> MarkdownIt:
    reader = MarkdownIt("commonmark", {"html": False, "linkify": False, "breaks": True})
    # An image would be asked for of whoever wrote the text: it stays text, as a link does that
    # leads to no page.
    reader.disable("image")
    if tables:
        reader.enable("table")
    reader.validateLink = _is_link  # type: ignore[method-assign]
    reader.add_render_rule("link_open", _link)
    for cell in ("th_open", "td_open"):
        reader.add_render_rule(cell, _cell)
    return reader


def _is_link(url: str) -> bool:
    return url.strip().lower().startswith(_SCHEMES)


def _link(self: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    """A link that tells the other side nothing, with the address to be read before it is used."""
    url = escape(str(tokens[index].attrGet("href") or ""))
    return f'<a href="{url}" title="{url}" target="_blank" rel="noopener noreferrer nofollow">'


def _cell(self: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    """A cell of a table: styles of their own are forbidden here."""
    style = str(tokens[index].attrs.pop("style", ""))
    side = style.removeprefix("text-align:")
    if side in ("right", "center"):
        tokens[index].attrSet("class", side)
    return self.renderToken(tokens, index, options, env)
