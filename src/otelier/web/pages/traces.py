"""The first page: traces, the newest first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from otelier.questions.asking import ask
from otelier.questions.table import BY_NAME
from otelier.store.engine import Engine
from otelier.web.pages.shell import Shell

_TRACES: Final = BY_NAME["traces"]
_ROWS: Final = 50
# Words of the page that are no conditions.
_FILTERS: Final = tuple(each.name for each in _TRACES.parameters if each.name != "limit")


def routes(shell: Shell) -> list[Route]:
    """The list, and the root that leads to it."""

    async def root(request: Request) -> Response:
        return RedirectResponse("/traces", 307)

    async def traces(request: Request) -> Response:
        given = dict(request.query_params)
        return await shell.page(request, "traces.html", lambda engine: _found(engine, given))

    return [Route("/", root, methods=["GET"]), Route("/traces", traces, methods=["GET"])]


def _found(engine: Engine, given: Mapping[str, str]) -> dict[str, Any]:
    told = {name: given[name] for name in _FILTERS if given.get(name)}
    rows = ask(_TRACES, engine, **told, limit=_ROWS + 1)
    return {
        "title": "Traces",
        "rows": rows[:_ROWS],
        "filters": told,
        "older": rows[_ROWS - 1].cursor if len(rows) > _ROWS else None,
    }
