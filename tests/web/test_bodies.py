"""Bounds on bodies that no client reaches by chance: too slow, and too many at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import pytest
from starlette.requests import Request

from otelier.web import bodies
from otelier.web.refusing import RefusedError

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


def reading(receive: Receive, body: bodies.Body) -> None:
    request = Request({"type": "http", "method": "POST", "headers": []}, receive)
    asyncio.run(bodies.read(request, body))


def arriving(*parts: bytes) -> Receive:
    left = list(parts)

    async def receive() -> MutableMapping[str, Any]:
        part = left.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(left)}

    return receive


def test_a_client_that_stops_in_the_middle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "PATIENCE", 0.0)

    async def never() -> MutableMapping[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    with pytest.raises(RefusedError) as refused:
        reading(never, bodies.Body(bodies.Hands()))
    assert refused.value.status == 408


def test_what_all_bodies_hold_is_bounded_and_let_go_of() -> None:
    hands = bodies.Hands(10)
    with hands.holding() as first:
        reading(arriving(b"12345", b"67"), first)
        assert b"".join(first.chunks) == b"1234567"
        with hands.holding() as second:
            with pytest.raises(RefusedError) as refused:
                reading(arriving(b"12", b"34"), second)
        assert refused.value.status == 503
        with hands.holding() as third:
            reading(arriving(b"123"), third)
            assert hands.held == 10
            # Unpacked it is larger.
            with pytest.raises(RefusedError):
                third.hold(1)
        assert hands.held == 7
    assert hands.held == 0
