"""Costs: what was paid for, by what the reader chooses, over a stretch of time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from otelier.questions.about import grouping
from otelier.questions.about.course import Step, course
from otelier.questions.asking import ask
from otelier.questions.model import Question
from otelier.questions.table import BY_NAME
from otelier.store.engine import Engine
from otelier.web.pages.shell import Shell
from otelier.web.shown import narrowing, pricing, spending
from otelier.web.shown.period import Period, period
from otelier.web.shown.spending import STEPS, Part

_COSTS: Final = BY_NAME["costs"]
_CACHE: Final = BY_NAME["cache"]
_UNPRICED: Final = BY_NAME["unpriced"]
_BY: Final = next(each for each in _COSTS.parameters if each.name == "by")
# What is no condition on a call.
_OTHERS: Final = frozenset({"by", "limit", "since", "until"})
_CONDITIONS: Final = tuple(p.name for p in _COSTS.parameters if p.name not in _OTHERS)
# Rows of a table; keys that a chart tells apart.
_ROWS: Final = 100
_KEYS: Final = 5
# Up to here charts are of hours.
_HOURS: Final = timedelta(hours=48)
# A call has several of these: their costs do not add up.
_SHARED: Final = frozenset({"tag"})


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the URL asks for."""

    by: str
    period: Period
    filters: Mapping[str, str]
    # Whether of tables all rows are wanted.
    whole: bool

    @property
    def step(self) -> Step:
        """Of what charts are."""
        return "hour" if self.by == "hour" or self.period.within(_HOURS) else "day"

    @property
    def kept(self) -> dict[str, str]:
        """What a link says that keeps all but the conditions."""
        said = {"by": "" if self.by == _BY.default else self.by, **self.period.url}
        return {name: value for name, value in said.items() if value}

    @property
    def told(self) -> dict[str, str]:
        """What a link says that keeps all."""
        return {**self.kept, **self.filters}

    def of(self, question: Question, **more: Any) -> dict[str, Any]:
        """What of it a question can be told."""
        given = {"by": self.by, **self.period.asked, **self.filters, **more}
        return {each.name: given[each.name] for each in question.parameters if each.name in given}

    def cut(self, rows: Sequence[Any]) -> Sequence[Any]:
        """The rows that are shown."""
        return rows if self.whole else rows[:_ROWS]


def _asked(given: Mapping[str, str]) -> _Asked:
    """Raises ValueError for what makes no sense."""
    return _Asked(
        given.get("by") or str(_BY.default),
        period(given),
        {name: given[name] for name in _CONDITIONS if given.get(name)},
        given.get("rows") == "all",
    )


_Finder: TypeAlias = Callable[[Engine, _Asked], Mapping[str, Any]]


def routes(shell: Shell) -> list[Route]:
    """The page, what caches saved, and a price file to be filled in."""

    def page(found: _Finder, name: str) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            def made(engine: Engine) -> dict[str, Any]:
                asked = _asked(request.query_params)
                return {**_frame(asked), **found(engine, asked)}

            return await shell.page(request, name, made)

        return answer

    async def prices(request: Request) -> Response:
        found = await shell.work(
            request, lambda engine: pricing.file(_unpriced(engine, _asked(request.query_params)))
        )
        return found if isinstance(found, Response) else PlainTextResponse(found)

    return [
        Route("/costs", page(_found, "costs.html"), methods=["GET"]),
        Route("/costs/cache", page(_cache, "cache.html"), methods=["GET"]),
        Route("/costs/prices", prices, methods=["GET"]),
    ]


def _frame(asked: _Asked) -> dict[str, Any]:
    """What all of these pages say of themselves."""
    return {
        "title": "Costs",
        "by": asked.by,
        "choices": _BY.choices,
        "period": asked.period,
        "filters": asked.filters,
        "conditions": _CONDITIONS,
        "kept": asked.kept,
        "told": asked.told,
    }


def _found(engine: Engine, asked: _Asked) -> dict[str, Any]:
    of_time = asked.of(_COSTS, by=asked.step, limit=0)
    moments = {row.key: row for row in ask(_COSTS, engine, **of_time)}
    rows, parts = _rows_and_parts(engine, asked, moments)
    end = asked.period.until or (datetime.now(UTC) if asked.period.since else None)
    at = spending.axis(list(moments), asked.step, asked.period.since, end)
    total = spending.total(moments.values())
    return {
        "columns": {column.name: column for column in _COSTS.columns},
        "total": total if moments else None,
        "rows": narrowing.rows(asked.cut(rows), asked.by, asked.told, total.cost),
        "cut": len(asked.cut(rows)) < len(rows),
        # Of a call that is in several rows no sum of rows can be made.
        "shared": asked.by in _SHARED,
        "axis": at,
        "begins": spending.begins(at, asked.period.since, moments),
        "parts": parts,
        "moments": [
            (row, narrowing.costs_of(asked.step, row.key, asked.told))
            for row in reversed(moments.values())
        ],
        "charts": [
            spending.costs(at, moments, parts, stacked=asked.by not in _SHARED),
            spending.tokens(at, moments),
        ],
        "unpriced": [
            (each, narrowing.costs_of("model", each.row.model, asked.told))
            for each in _unpriced(engine, asked)
        ],
    }


def _rows_and_parts(
    engine: Engine, asked: _Asked, moments: Mapping[str, Any]
) -> tuple[list[Any], list[Part]]:
    """The table's rows, or so many that it is seen that there are more; and costs over time.

    The dearest come first, or the newest. Apart over time are the dearest keys, and all others
    where these add up.
    """
    if asked.by in STEPS:
        rows = ask(_COSTS, engine, **asked.of(_COSTS, limit=0))
        return rows[::-1], [spending.column("cost", moments)]
    told = asked.of(_COSTS)
    if asked.by in grouping.NAMED_ABOVE:
        # What takes long is to look for the names.
        found = course(engine, told, None, asked.step)
        rows = spending.by_key(found)
        keys = [row.key for row in rows[:_KEYS]]
    else:
        rows = ask(_COSTS, engine, **told, limit=0 if asked.whole else _ROWS + 1)
        keys = [row.key for row in rows[:_KEYS]]
        found = course(engine, told, keys, asked.step) if keys else []
    parts = spending.parts(found, keys)
    return rows, [each for each in parts if each.key is not None or asked.by not in _SHARED]


def _unpriced(engine: Engine, asked: _Asked) -> list[pricing.Unpriced]:
    return pricing.lines(ask(_UNPRICED, engine, **asked.of(_UNPRICED, limit=0)))


def _cache(engine: Engine, asked: _Asked) -> dict[str, Any]:
    rows = ask(_CACHE, engine, **asked.of(_CACHE, limit=0 if asked.whole else _ROWS + 1))
    return {
        "columns": {column.name: column for column in _CACHE.columns},
        "rows": asked.cut(rows),
        "cut": len(asked.cut(rows)) < len(rows),
    }
