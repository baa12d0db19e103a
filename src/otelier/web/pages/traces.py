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
from otelier.web.shown.period import ALL, period

_TRACES: Final = BY_NAME["traces"]
_ROWS: Final = 50
# What is no condition on a trace; and what is asked for by a field of the form.
_OTHERS: Final = frozenset({"limit", "cursor", "since", "until"})
FIELDS: Final = ("session", "user", "model", "tag", "service", "agent", "tool", "error")


def routes(shell: Shell) -> list[Route]:
    """The list, and the root that leads to it."""

    async def root(request: Request) -> Response:
        return RedirectResponse("/traces", 307)

    async def traces(request: Request) -> Response:
        given = dict(request.query_params)
        return await shell.page(request, "traces.html", lambda engine: _found(engine, given))

    return [Route("/", root, methods=["GET"]), Route("/traces", traces, methods=["GET"])]


def _found(engine: Engine, given: Mapping[str, str]) -> dict[str, Any]:
    # The newest are found as fast among all.
    of = period(given, default=ALL)
    told = {each.name: given[each.name] for each in _TRACES.parameters if given.get(each.name)}
    filters = {name: value for name, value in told.items() if name not in _OTHERS}
    cursor = told.get("cursor")
    rows = ask(_TRACES, engine, **of.asked, **filters, cursor=cursor, limit=_ROWS + 1)
    shown = rows[:_ROWS]
    return {
        "title": "Traces",
        "rows": shown,
        "period": of,
        "filters": filters,
        "told": {**filters, **of.url},
        "fields": FIELDS,
        # Where all are of one program, nobody needs to be told.
        "services": len({row.service for row in shown}) > 1,
        "older": shown[-1].cursor if len(rows) > _ROWS else None,
    }
