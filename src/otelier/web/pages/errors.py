"""Errors: those that are the same in one row, which opens to its newest ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from otelier.questions.asking import ask
from otelier.questions.table import BY_NAME
from otelier.store.engine import Engine
from otelier.web.pages.shell import Shell
from otelier.web.shown import failing
from otelier.web.shown.period import period

_ERRORS: Final = BY_NAME["errors"]
_FAILURES: Final = BY_NAME["failures"]
_GROUPS: Final = 100
_OCCURRENCES: Final = 10
# What is asked for by a field of the form, and what by a link.
_FIELDS: Final = tuple(
    each.name
    for each in _ERRORS.parameters
    if each.name not in ("since", "until", "limit", "models")
)
_CONDITIONS: Final = (*_FIELDS, "models")


def routes(shell: Shell) -> list[Route]:
    """The page."""

    async def errors(request: Request) -> Response:
        given = dict(request.query_params)
        return await shell.page(request, "errors.html", lambda engine: _found(engine, given))

    return [Route("/errors", errors, methods=["GET"])]


def _found(engine: Engine, given: Mapping[str, str]) -> dict[str, Any]:
    stretch = period(given)
    filters = {name: given[name] for name in _CONDITIONS if given.get(name)}
    asked = {**filters, **stretch.asked}
    rows = ask(_ERRORS, engine, **asked, limit=_GROUPS + 1)
    opened = given.get("open", "")
    return {
        "title": "Errors",
        "period": stretch,
        "filters": filters,
        "fields": _FIELDS,
        # What else a link says that keeps all but the conditions.
        "kept": stretch.url,
        "rows": list(zip(rows[:_GROUPS], failing.of(rows[:_GROUPS]), strict=True)),
        "cut": len(rows) > _GROUPS,
        "count": sum(row.count for row in rows[:_GROUPS]),
        "opened": opened,
        **_occurrences(engine, asked, opened, given.get("cursor", "")),
    }


def _occurrences(
    engine: Engine, asked: Mapping[str, Any], alike: str, cursor: str
) -> dict[str, Any]:
    """Failures of the group that is open."""
    found: list[Any] = []
    if alike:
        more = {"alike": alike, "cursor": cursor or None, "limit": _OCCURRENCES + 1}
        found = ask(_FAILURES, engine, **asked, **more)
    shown = found[:_OCCURRENCES]
    return {
        "failures": [(row, failing.tries(row)) for row in shown],
        "older": shown[-1].cursor if len(found) > _OCCURRENCES else "",
        "cursor": cursor,
    }
