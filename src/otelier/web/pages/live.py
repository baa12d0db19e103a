"""Whether there is something new, for pages that are being looked at."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from otelier.web.pages.news import version
from otelier.web.pages.shell import Shell


def routes(shell: Shell) -> list[Route]:
    """What a page asks again and again: another text means that there is more to be seen."""

    async def live(request: Request) -> Response:
        whose = dict(request.query_params)
        found: Any = await shell.work(request, lambda engine: version(engine, whose))
        return found if isinstance(found, Response) else PlainTextResponse(found)

    return [Route("/live", live, methods=["GET"])]
