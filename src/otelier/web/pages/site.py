"""All pages of a store, and what they are made with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from otelier.store.engine import Engine
from otelier.store.query_process import Asker
from otelier.web.pages import (
    compare,
    costs,
    errors,
    export,
    live,
    search,
    sql,
    talk,
    talks,
    tools,
    trace,
    traces,
)
from otelier.web.pages.shell import Shell

_STATIC: Final = Path(__file__).parent.parent / "static"
_PAGES: Final = (traces, trace, export, talks, talk, costs, errors, tools, search, compare, live)


def routes(
    opened: Callable[[], Engine], place: str, asker: Asker, receives: str = ""
) -> list[BaseRoute]:
    """Everything that a browser asks for. ``asker``: asks what a reader writes.

    The other arguments are those of ``Shell``.
    """
    shell = Shell(opened, place, receives)

    async def unknown(request: Request) -> Response:
        return await shell.trouble(request, 404, "There is no such page.")

    return [
        *(route for page in _PAGES for route in page.routes(shell)),
        *sql.routes(shell, asker),
        Mount("/static", StaticFiles(directory=_STATIC)),
        Route("/{rest:path}", unknown, methods=["GET"]),
    ]
