"""What all pages share: a store that is asked in a thread, and an answer that is a page."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from otelier.store.engine import Engine, MissingError, StoreError
from otelier.web.pages.news import version
from otelier.web.pages.rendering import TOO_LONG, render

# What a template needs, found in an open store.
Found: TypeAlias = Callable[[Engine], Mapping[str, Any]]
# Pages that are made at one time.
_AT_ONCE: Final = 4
# Ids that do not fit into a path: a browser resolves them.
_DOTS: Final = (".", "..")


class NothingError(Exception):
    """What was asked for is not there; the message is a sentence for the reader."""


class Shell:
    """Makes pages of one store."""

    def __init__(self, opened: Callable[[], Engine], place: str, receives: str = "") -> None:
        """``opened``: opens the store for one page. ``place``: what the reader calls it.

        ``receives``: the URL that programs may send spans to, if there is one.
        """
        self._opened = opened
        self._place = place
        self._receives = receives
        self._makers = asyncio.Semaphore(_AT_ONCE)

    async def page(self, request: Request, template: str, found: Found) -> Response:
        """The page; the block of it that the request wants to have replaced, if it says so."""
        if request.url.query == TOO_LONG:
            return await self.trouble(request, 414, "That has a longer name than a link can say.")

        def made(engine: Engine) -> tuple[str, dict[str, Any]]:
            # Asked first: what comes while it is made is news.
            return template, {"made_of": version(engine, {}), **found(engine)}

        answer = await self.work(request, made)
        if isinstance(answer, Response):
            return answer
        return await self._rendered(request, *answer)

    async def work(self, request: Request, found: Callable[[Engine], Any]) -> Any:
        """What is found in the store, or a page that says why nothing is."""
        try:
            async with self._makers:
                return await asyncio.to_thread(self._asked, found)
        except MissingError:
            return await self._rendered(request, "none.html", {"title": "No spans yet"})
        except NothingError as nothing:
            return await self.trouble(request, 404, str(nothing))
        except (TypeError, ValueError) as error:
            return await self.trouble(request, 400, str(error))
        except StoreError as error:
            return await self.trouble(request, 503, str(error))

    async def trouble(self, request: Request, status: int, words: str) -> Response:
        """A page that says what is wrong."""
        told = {"title": "Not found" if status == 404 else "That did not work", "words": words}
        return await self._rendered(request, "trouble.html", told, status)

    def _asked(self, found: Callable[[Engine], Any]) -> Any:
        engine = self._opened()
        try:
            return found(engine)
        finally:
            engine.close()

    async def _rendered(
        self, request: Request, template: str, context: dict[str, Any], status: int = 200
    ) -> Response:
        told = {
            "here": request.url.path,
            "asked": dict(request.query_params),
            "place": self._place,
            "receives": self._receives,
            "made_of": "",
            **context,
        }
        body = await asyncio.to_thread(render, template, _block(request), told)
        return HTMLResponse(body, status)


def _block(request: Request) -> str:
    """The block that htmx replaces: it is called as the element that it targets."""
    if request.headers.get("hx-request") != "true":
        return ""
    if request.headers.get("hx-history-restore-request") == "true":
        return ""
    return request.headers.get("hx-target", "").partition("#")[2]
