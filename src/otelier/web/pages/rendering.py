"""Templates: where they are, and what they may use."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any, Final
from urllib.parse import quote, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from jinja2.runtime import Context
from markupsafe import Markup, escape

from otelier.questions.cells import UNKNOWN, cell
from otelier.version import __version__
from otelier.viewer import text as txt
from otelier.web.shown.words import printed

# What the navigation shows: the path, and the word for it.
NAVIGATION: Final = (
    ("/traces", "Traces"),
    ("/sessions", "Sessions"),
    ("/conversations", "Conversations"),
    ("/costs", "Costs"),
    ("/errors", "Errors"),
    ("/tools", "Tools"),
    ("/compare", "Compare"),
    ("/sql", "SQL"),
)


@cache
def environment() -> Environment:
    """What makes pages of templates. All that is printed is escaped, and harmless."""
    made = Environment(
        loader=PackageLoader("otelier.web"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=printed,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals.update(path=path, query=query, navigation=NAVIGATION, version=__version__)
    made.filters.update(
        bytes=txt.size,
        cell=cell,
        clock=clock,
        dollars=txt.dollars,
        duration=txt.duration,
        exact=exact,
        json=_json,
        moment=moment,
        number=_number,
        shorten=txt.shorten,
    )
    return made


# Characters of a link: servers and browsers refuse much longer ones. What a link says instead that
# would have to be longer.
_LINK: Final = 8_000
TOO_LONG: Final = "too-long="


def render(template: str, block: str, context: Mapping[str, Any]) -> str:
    """A page; only one of its blocks where ``block`` names one that it has."""
    page = environment().get_template(template)
    if block in page.blocks:
        made: Context = page.new_context(dict(context))
        # What the template imports is there from the first piece of the page on.
        next(page.root_render_func(made), None)
        return "".join(page.blocks[block](made))
    return page.render(context)


def path(*parts: Any, **given: Any) -> str:
    """A path of the server: ``path("traces", id, span="ab")``; empty values are left out."""
    # A lone dot would be resolved by the browser, whatever it is escaped as.
    told = "/" + "/".join(quote(str(part), safe="") for part in parts)
    return told + query(**given) if len(told) <= _LINK else f"/traces?{TOO_LONG}"


def query(**given: Any) -> str:
    """``?name=value``, or nothing; empty values are left out."""
    told = {
        name: value
        for name, value in given.items()
        if value is not None and value is not False and value != ""
    }
    words = urlencode(told)
    return f"?{words if len(words) <= _LINK else TOO_LONG}" if told else ""


def exact(text: str) -> Markup:
    """A text as it is, for what a form sends back: nothing of it is markup, nor made visible."""
    return escape(text)


def moment(time: datetime | None) -> str:
    """A time as people read it, in UTC."""
    return UNKNOWN if time is None else f"{time:%Y-%m-%d %H:%M:%S}"


def clock(time: datetime) -> str:
    """A time of a day that is known, in UTC."""
    return f"{time:%H:%M:%S}"


def _number(value: int | None) -> str:
    return UNKNOWN if value is None else f"{value:,}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))
