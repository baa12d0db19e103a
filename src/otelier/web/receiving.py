"""OTLP over HTTP: requests that bring spans and events, into an inbox."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from otelier.web import bodies
from otelier.web.inbox import Inbox
from otelier.web.refusing import JSON, PROTOBUF, RefusedError, answer, refusal
from otelier.web.signals import SIGNALS, Signal, Taken

# Bodies that are unpacked and read at one time: each may become many times as large.
_AT_ONCE: Final = 2


class Receiver:
    """Answers to ``POST /v1/*`` as the specification of OTLP/HTTP says."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._hands = bodies.Hands()
        self._readers = asyncio.Semaphore(_AT_ONCE)
        # Of their own: those that all others share may all be busy with pages.
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="otelier-bodies")

    def routes(self) -> list[Route]:
        """A route for each signal."""
        return [self._route(signal) for signal in SIGNALS]

    def _route(self, signal: Signal) -> Route:
        async def endpoint(request: Request) -> Response:
            return await self._receive(request, signal)

        return Route(signal.path, endpoint, methods=["POST"])

    async def _receive(self, request: Request, signal: Signal) -> Response:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        try:
            # What a page of a browser can send without being asked first is none of the two.
            if kind not in (PROTOBUF, JSON):
                raise RefusedError(415, f"the content type has to be {PROTOBUF} or {JSON}")
            with self._hands.holding() as body:
                await bodies.read(request, body)
                encoding = request.headers.get("content-encoding", "")
                async with self._readers:
                    taken, size = await asyncio.get_running_loop().run_in_executor(
                        self._threads, _taken, signal, body.chunks, kind, encoding
                    )
                # What waits for the store is what was packed.
                body.hold(size)
                # Stored, and only then answered.
                await self._inbox.keep(taken.spans, taken.logs)
            return answer(signal.answer(taken), kind)
        except RefusedError as refused:
            return refusal(refused, kind)
        except ClientDisconnect:
            # Nobody is there to read it.
            return Response(status_code=400)


def _taken(signal: Signal, chunks: list[bytes], kind: str, encoding: str) -> tuple[Taken, int]:
    """What a body holds, and how large it is unpacked."""
    unpacked = bodies.unpacked(b"".join(chunks), encoding)
    return signal.taken(unpacked, kind), len(unpacked)
