"""``GET /api/NAME``: the questions to a store, as JSON."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from otelier import spelling, wire
from otelier.questions.model import Question
from otelier.questions.table import BY_NAME, QUESTIONS
from otelier.store.engine import Engine, StoreError
from otelier.web.answering import answer
from otelier.web.describing import described
from otelier.web.refusing import JSON, RefusedError, refusal

# Questions that are looked up at one time, each in a thread of its own.
_AT_ONCE: Final = 4
# What is answered is what people and models wrote, and of now.
_HEADERS: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class Api:
    """Answers questions about one store."""

    def __init__(self, opened: Callable[[], Engine]) -> None:
        """``opened``: opens the store for one question, which closes it."""
        self._opened = opened
        self._askers = asyncio.Semaphore(_AT_ONCE)

    def routes(self) -> list[Route]:
        """The list of questions, and a route for all of them."""
        return [
            Route("/api/", self._list, methods=["GET"]),
            Route("/api/{name}", self._answer, methods=["GET"]),
        ]

    async def _list(self, request: Request) -> Response:
        return _json({"questions": [described(question) for question in QUESTIONS]})

    async def _answer(self, request: Request) -> Response:
        try:
            question = _asked(request.path_params["name"])
            given = _given(request)
            async with self._askers:
                body = await asyncio.to_thread(self._found, question, given)
        except RefusedError as refused:
            return refusal(refused)
        return Response(body, media_type=JSON, headers=_HEADERS)

    def _found(self, question: Question, given: dict[str, str]) -> bytes:
        try:
            return wire.encoded(answer(question, self._opened, given))
        except (TypeError, ValueError) as error:
            raise RefusedError(400, str(error)) from None
        except StoreError as error:
            raise RefusedError(503, str(error)) from None


def _asked(name: str) -> Question:
    question = BY_NAME.get(name)
    if question is None:
        meant = spelling.question(name, BY_NAME)
        raise RefusedError(
            404, f"there is no question {name!r}{meant}; there are {', '.join(sorted(BY_NAME))}"
        )
    return question


def _given(request: Request) -> dict[str, str]:
    """The query's parameters by name. Raises RefusedError for one that is there twice."""
    given: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name in given:
            raise RefusedError(400, f"{name!r} is there twice")
        given[name] = value
    return given


def _json(value: Any) -> Response:
    return Response(wire.encoded(value), media_type=JSON, headers=_HEADERS)
