"""Tools and data sources: sums of each, which open to its newest runs or searches."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from otelier.questions.asking import ask
from otelier.questions.model import Question
from otelier.questions.table import BY_NAME
from otelier.store.engine import Engine
from otelier.web.pages.shell import Shell
from otelier.web.shown import running
from otelier.web.shown.period import period

_TOOLS: Final = BY_NAME["tools"]
_RUNS: Final = BY_NAME["runs"]
_SOURCES: Final = BY_NAME["sources"]
_RETRIEVALS: Final = BY_NAME["retrievals"]
_ROWS: Final = 100
_OPENED: Final = 10
# What is no condition on a call.
_OTHERS: Final = frozenset({"order", "since", "until", "sizes", "limit"})
_CONDITIONS: Final = tuple(
    dict.fromkeys(
        each.name
        for question in (_TOOLS, _SOURCES)
        for each in question.parameters
        if each.name not in _OTHERS
    )
)
# Longer stretches have too much of which sizes would have to be read.
_SIZES: Final = timedelta(hours=24, minutes=1)


def routes(shell: Shell) -> list[Route]:
    """The page."""

    async def tools(request: Request) -> Response:
        given = dict(request.query_params)
        return await shell.page(request, "tools.html", lambda engine: _found(engine, given))

    return [Route("/tools", tools, methods=["GET"])]


def _found(engine: Engine, given: Mapping[str, str]) -> dict[str, Any]:
    stretch = period(given)
    filters = {name: given[name] for name in _CONDITIONS if given.get(name)}
    order = given.get("order") or "runs"
    sizes = bool(given.get("sizes")) or stretch.within(_SIZES)
    asked = {**filters, **stretch.asked, "order": order, "limit": _ROWS + 1}
    # A condition on the one says nothing of the other.
    tools = [] if "data_source" in filters else _ask(_TOOLS, engine, asked, sizes=sizes)
    sources = [] if "tool" in filters else _ask(_SOURCES, engine, asked)
    failed = bool(given.get("failed"))
    return {
        "title": "Tools",
        "period": stretch,
        "filters": filters,
        "fields": _CONDITIONS,
        "order": order,
        "sizes": sizes,
        "failed": failed,
        # What else a link says that keeps all but the conditions and what is open.
        "kept": {
            "order": "" if order == "runs" else order,
            "sizes": given.get("sizes", ""),
            **stretch.url,
        },
        "tools": tools[:_ROWS],
        "sources": sources[:_ROWS],
        "cut": {"tools": len(tools) > _ROWS, "sources": len(sources) > _ROWS},
        "columns": {
            column.name: column
            for question in (_TOOLS, _SOURCES, _RETRIEVALS)
            for column in question.columns
        },
        **_opened(engine, {**filters, **stretch.asked}, given, failed),
    }


def _ask(question: Question, engine: Engine, given: Mapping[str, Any], **more: Any) -> list[Any]:
    """The answer, told what of it the question can be told."""
    known = {each.name for each in question.parameters}
    told = {name: value for name, value in {**given, **more}.items() if name in known}
    return ask(question, engine, **told)


def _opened(
    engine: Engine, asked: Mapping[str, Any], given: Mapping[str, str], failed: bool
) -> dict[str, Any]:
    """The newest of the tool, or of the source, that the URL names by ``open`` or ``source``."""
    cursor = given.get("cursor") or None
    more = {**asked, "failed": failed, "cursor": cursor, "limit": _OPENED + 1}
    found: list[Any] = []
    if "open" in given:
        found = _ask(_RUNS, engine, {**more, "tool": given["open"]})
    elif "source" in given:
        found = _ask(_RETRIEVALS, engine, {**more, "data_source": given["source"]})
    shown = found[:_OPENED]
    of_tools = "open" in given
    return {
        "opened": given.get("open") if of_tools else None,
        "source": None if of_tools else given.get("source"),
        "runs": running.runs(shown) if of_tools else [],
        "callers": running.callers(shown) if of_tools else [],
        "searches": [] if of_tools else shown,
        "older": shown[-1].cursor if len(found) > _OPENED else "",
        "cursor": cursor or "",
    }
