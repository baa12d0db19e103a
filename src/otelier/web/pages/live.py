"""Whether there is something new, for pages that are being looked at."""

from __future__ import annotations

import time
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from otelier.store.engine import Engine
from otelier.web.pages.shell import Shell

# A cluster always has something new: seconds until pages over it are made again.
_CLUSTER: Final = 10


def routes(shell: Shell) -> list[Route]:
    """What a page asks again and again: another text means that there is more to be seen."""

    async def live(request: Request) -> Response:
        trace_id = request.query_params.get("trace", "")
        found: Any = await shell.work(request, lambda engine: version(engine, trace_id))
        return found if isinstance(found, Response) else PlainTextResponse(found)

    return [Route("/live", live, methods=["GET"])]


def version(engine: Engine, trace_id: str = "") -> str:
    """What changes when a trace has more spans, or the whole store has."""
    if trace_id:
        found = engine.ask(
            "SELECT count(*) AS spans, max(time) AS newest FROM otelier.spans "
            "WHERE trace_id = :trace_id",
            {"trace_id": trace_id},
        )
        return " ".join(map(str, found.rows[0]))
    if engine.dialect == "sqlite":
        return str(engine.ask("SELECT max(id) FROM otelier.span").rows[0][0])
    return str(int(time.time()) // _CLUSTER)
