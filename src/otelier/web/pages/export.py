"""``/export/ID.html``: a trace as one file, to be sent to somebody."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from otelier.store.engine import Engine
from otelier.store.evaluations import evaluations
from otelier.web import sharing
from otelier.web.pages.shell import NothingError, Shell


def routes(shell: Shell) -> list[Route]:
    """The download that a trace's page leads to."""

    async def export(request: Request) -> Response:
        trace_id = request.path_params["trace_id"].lower()
        found: Any = await shell.work(request, lambda engine: _document(engine, trace_id))
        if isinstance(found, Response):
            return found
        named = sharing.file_name(trace_id)
        headers = {
            "Content-Disposition": f'attachment; filename="{named}"',
            "Content-Security-Policy": sharing.policy(),
        }
        return HTMLResponse(found, headers=headers)

    return [Route("/export/{trace_id}.html", export, methods=["GET"])]


def _document(engine: Engine, trace_id: str) -> bytes:
    spans = engine.trace(trace_id)
    if not spans:
        raise NothingError(f"There is no trace {trace_id} here.")
    return sharing.document(spans, evaluations(engine, trace_id)).encode()
