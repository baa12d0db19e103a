"""SQL: a query of the reader's own, within limits, and what it found."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qs, urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from otelier import wire
from otelier.questions import csv_lines
from otelier.store import queries
from otelier.store.engine import Engine, StoreError
from otelier.store.queries import Found
from otelier.store.query_process import Asker, Ending
from otelier.store.views import View
from otelier.web import bodies, by_reader
from otelier.web.pages.shell import Shell
from otelier.web.refusing import RefusedError, refusal
from otelier.web.shown.result import Result, result

# Rows of a file. Of a page: queries.ROWS.
_FILE_ROWS: Final = 100_000
# Bytes of a URL that every browser and program takes; a longer query has none of its own.
_URL: Final = 6_000
# Bytes of all queries that arrive at one time.
_BODIES: Final = 64 << 20
# Fields of a form; the page's own has one.
_FIELDS: Final = 16
# Queries that are under way at one time.
_AT_ONCE: Final = 2
_ELSEWHERE: Final = "A page of another site may have led here, so nothing was run."
_TOO_MANY: Final = (
    f"There are more than {_FILE_ROWS:,} rows: `otelier sql --csv` and `--json` write all of them."
)

_Writer: TypeAlias = Callable[[Found], bytes]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a query."""

    result: Result | None = None
    seconds: float = 0.0
    cut: bool = False
    error: str = ""
    # It was not run: another site may have asked.
    foreign: bool = False


def routes(shell: Shell, asker: Asker) -> list[Route]:
    """The page, and its results as files."""
    pages = _Pages(shell, asker)
    both = ["GET", "POST"]
    return [
        Route("/sql", pages.page, methods=both),
        Route("/sql.csv", pages.file("csv", "text/csv; charset=utf-8", _csv), methods=both),
        Route("/sql.json", pages.file("json", "application/json", _json), methods=both),
    ]


class _Pages:
    def __init__(self, shell: Shell, asker: Asker) -> None:
        self._shell = shell
        self._asker = asker
        self._askers = asyncio.Semaphore(_AT_ONCE)
        self._hands = bodies.Hands(_BODIES)
        self._views: list[tuple[View, list[str]]] = []

    async def page(self, request: Request) -> Response:
        try:
            query = await self._query(request)
        except RefusedError as refused:
            return refusal(refused)
        link = f"/sql?{urlencode({'q': query})}"
        if request.method == "POST" and len(link) <= _URL:
            return RedirectResponse(link, 303)
        outcome = await self._outcome(request, query) if query else Outcome()
        response = await self._shell.page(
            request,
            "sql.html",
            lambda engine: {
                "title": "SQL",
                "query": query,
                "outcome": outcome,
                "views": self._described(engine),
                "examples": queries.EXAMPLES,
                "most": queries.ROWS,
                "limit": self._asker.seconds,
                "linked": len(link) <= _URL,
            },
        )
        if outcome.error and response.status_code == 200:
            response.status_code = 400
        by_reader.mark(response, request)
        return response

    def file(self, kind: str, media: str, write: _Writer) -> Callable[[Request], Any]:
        """Answers a query with a file."""
        headers = {"Content-Disposition": f'attachment; filename="otelier.{kind}"'}

        async def answer(request: Request) -> Response:
            try:
                query = await self._query(request)
            except RefusedError as refused:
                return refusal(refused)
            if not by_reader.asked(request):
                return await self._shell.trouble(request, 403, _ELSEWHERE)
            try:
                found = await self._found(request, query, _FILE_ROWS)
            except StoreError as error:
                return await self._shell.trouble(request, 400, str(error))
            if found.cut:
                return await self._shell.trouble(request, 400, _TOO_MANY)
            body = await asyncio.to_thread(write, found)
            return Response(body, media_type=media, headers=headers)

        return answer

    async def _query(self, request: Request) -> str:
        """The query, of a URL or of a form. Raises RefusedError."""
        if request.method == "POST":
            with self._hands.holding() as body:
                await bodies.read(request, body)
                # Of megabytes it takes its time.
                text = await asyncio.to_thread(_sent, body.chunks)
        else:
            text = request.query_params.get("q", "")
        # As forms send the ends of lines.
        return text.replace("\r\n", "\n")

    async def _outcome(self, request: Request, query: str) -> Outcome:
        if not by_reader.asked(request):
            return Outcome(foreign=True)
        began = time.monotonic()
        try:
            found = await self._found(request, query, queries.ROWS)
        except StoreError as error:
            return Outcome(error=str(error))
        seconds = time.monotonic() - began
        shown = await asyncio.to_thread(result, found.columns, found.rows)
        return Outcome(shown, seconds, found.cut)

    async def _found(self, request: Request, query: str, most: int) -> Found:
        """What a query finds. It is stopped when nobody waits for it any more."""
        ending = Ending()

        def work() -> Found:
            return queries.found(lambda sql, n: self._asker.ask(sql, n, ending), query, most)

        async with self._askers:
            asking = asyncio.create_task(asyncio.to_thread(work))
            gone = asyncio.create_task(_gone(request))
            try:
                await asyncio.wait({asking, gone}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                ending.now()
                gone.cancel()
            return await asking

    def _described(self, engine: Engine) -> list[tuple[View, list[str]]]:
        """The views with their columns, looked up once: those of a cluster take their time."""
        if not self._views:
            self._views = list(queries.described(engine))
        return self._views


async def _gone(request: Request) -> None:
    """Returns when the client has gone away."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _sent(chunks: Sequence[bytes]) -> str:
    """The query of a form. Raises RefusedError."""
    form = b"".join(chunks).decode("utf-8", "replace")
    try:
        fields = parse_qs(form, keep_blank_values=True, max_num_fields=_FIELDS)
    except ValueError as error:
        raise RefusedError(400, f"the form cannot be read: {error}") from None
    return fields.get("q", [""])[0]


def _csv(found: Found) -> bytes:
    rows = [found.columns, *(map(queries.plain, row) for row in found.rows)]
    return "".join(csv_lines.line(map(csv_lines.text, row)) for row in rows).encode()


def _json(found: Found) -> bytes:
    return wire.encoded(found.dicts())
