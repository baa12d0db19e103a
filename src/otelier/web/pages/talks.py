"""The lists of sessions and of conversations: the last ones or the dearest first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from otelier.questions.asking import ask
from otelier.store.engine import Engine
from otelier.web.pages.rendering import path
from otelier.web.pages.shell import Shell
from otelier.web.pages.talk import KINDS
from otelier.web.shown.period import period

_ROWS: Final = 50
# Words of the question that are no condition on a call.
_OTHERS: Final = frozenset({"order", "since", "until", "limit", "skip"})


def routes(shell: Shell) -> list[Route]:
    """The two lists."""

    def page(kind: str) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            given = dict(request.query_params)
            return await shell.page(
                request, "talks.html", lambda engine: _found(engine, kind, given)
            )

        return answer

    return [Route(f"/{kind}s", page(kind), methods=["GET"]) for kind in KINDS]


def _found(engine: Engine, kind: str, given: Mapping[str, str]) -> dict[str, Any]:
    question = KINDS[kind]
    stretch = period(given)
    fields = tuple(each.name for each in question.parameters if each.name not in _OTHERS)
    filters = {name: given[name] for name in fields if given.get(name)}
    order = given.get("order") or "last"
    skip = int(given.get("skip") or 0)
    asked = {**filters, **stretch.asked, "order": order}
    rows = ask(question, engine, **asked, limit=_ROWS + 1, skip=skip)
    tenants = any(row.tenant for row in rows)

    def place(row: Any) -> str:
        """Where one of them is."""
        address = path(f"{kind}s", getattr(row, kind))
        # Several tenants may have one id. A link that would be too long is another one.
        told = f"?{urlencode({'tenant': row.tenant})}" if tenants and "?" not in address else ""
        return address + told

    return {
        "title": f"{kind.capitalize()}s",
        "kind": kind,
        "rows": rows[:_ROWS],
        "columns": {column.name: column for column in question.columns},
        "fields": fields,
        "filters": filters,
        "order": order,
        # What else a link says: of what, in which order.
        "kept": {"order": "" if order == "last" else order, **stretch.url},
        "period": stretch,
        "tenants": tenants,
        "place": place,
        "earlier": max(0, skip - _ROWS) if skip else None,
        "later": skip + _ROWS if len(rows) > _ROWS else None,
        "skip": skip,
        "page": _ROWS,
    }
