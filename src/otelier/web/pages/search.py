"""Search: messages and tools with words in them; an id leads straight to what it is of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from otelier.questions.about import talk
from otelier.questions.table import BY_NAME
from otelier.store.engine import Engine
from otelier.viewer.found import Found
from otelier.web.indexing import Indexing
from otelier.web.pages import ids
from otelier.web.pages.shell import Shell
from otelier.web.shown.period import ALL, period

_SEARCH: Final = BY_NAME["search"]
_ROWS: Final = 50
# Texts of a local store that one page looks at: a tenth of a second.
_EFFORT: Final = 4_000
ROLES: Final = ("user", "assistant", "system", "tool")
_OTHERS: Final = frozenset({"text", "role", "since", "until", "once", "cursor", "limit"})
_FIELDS: Final = tuple(p.name for p in _SEARCH.parameters if p.name not in _OTHERS)
# Beside the words nothing was asked for that an id would be left out by.
_WORDS: Final = frozenset({"text"})


def routes(shell: Shell) -> list[Route]:
    """The page."""
    indexing = Indexing()

    async def search(request: Request) -> Response:
        given = {name: value for name, value in request.query_params.items() if value}
        if given.keys() == _WORDS:
            found = await shell.work(request, lambda engine: _straight(engine, given["text"]))
            if isinstance(found, Response):
                return found
            if found:
                return RedirectResponse(found, 303)
        return await shell.page(
            request, "search.html", lambda engine: _found(engine, indexing, given)
        )

    return [Route("/search", search, methods=["GET"])]


def _straight(engine: Engine, text: str) -> str:
    return ids.straight(ids.places(engine, text))


def _found(engine: Engine, indexing: Indexing, given: Mapping[str, str]) -> dict[str, Any]:
    text, cursor = given.get("text", ""), given.get("cursor", "")
    stretch = period({**given, "since": given.get("since", ALL)})
    filters = {name: given[name] for name in _FIELDS if name in given}
    told = {"role": given.get("role", ""), **filters}
    page, share = talk.Page([], ""), None
    if text.strip():
        asked: dict[str, Any] = {name: value for name, value in told.items() if value}
        asked |= {"text": text, "cursor": cursor or None, "limit": _ROWS, **stretch.asked}
        missed: list[bool] = []

        def ready() -> bool:
            missed.append(not indexing.ready(engine))
            return not missed[-1]

        page = talk.page(engine, asked, _EFFORT, ready)
        share = indexing.share(engine) if any(missed) else None
    found = Found(text)
    return {
        "title": f"{text[:60]} · Search" if text.strip() else "Search",
        "text": text,
        "roles": ROLES,
        "role": told["role"],
        "period": stretch,
        "filters": filters,
        "fields": _FIELDS,
        # What a link says that keeps all but the conditions; and all but the place in the list.
        "kept": {"text": text, "role": told["role"], **_period(stretch.url)},
        "rows": [(row, list(found.pieces(row.snippet))) for row in page.rows],
        # Fewer than that are not all, where there is more to look at.
        "full": _ROWS,
        "places": ids.places(engine, text) if not cursor else [],
        "cursor": cursor,
        "older": page.cursor,
        "share": share,
    }


def _period(url: Mapping[str, str]) -> dict[str, str]:
    """What a link says of the period: nothing of all, which is what is searched by default."""
    return {name: value for name, value in url.items() if (name, value) != ("since", ALL)}
