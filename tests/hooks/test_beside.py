"""What otelier knows of a program's objects is beside them, and goes with them."""

from __future__ import annotations

import gc
from typing import Any

import pytest

import otelier
from otelier import semconv
from otelier.hooks.beside import Beside
from tests.installed import openai_streams
from tests.servers import ProviderServer
from tests.servers.replies import Gate
from tests.telemetry import Telemetry

openai = pytest.importorskip("openai")


def held(server: ProviderServer) -> Gate:
    """From now on the server's streams stop after their first event."""
    gate = Gate()

    def answer(request: Any) -> Any:
        reply: Any = server.defaults.answer(request)
        reply.gate = gate
        return reply

    server.route("", answer)
    return gate


@openai_streams
def test_classes_are_restored_when_the_last_stream_is_gone(
    telemetry: Telemetry, server: ProviderServer
) -> None:
    from tests.transparency.app import transport

    kind = transport(openai).Response
    before = dict(vars(kind))
    gate = held(server)
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="k") as client:
        for _ in range(3):
            ask: Any = [{"role": "user", "content": "Hi"}]
            stream = client.chat.completions.create(model="gpt-4o", messages=ask, stream=True)
            next(stream)
            assert vars(kind)["close"] is not before["close"]
            otelier.uninstrument()
            # It is under way, and ends as it began.
            stream.close()
            del stream
            gc.collect()
            assert dict(vars(kind)) == before
            span = telemetry.spans()[-1]
            assert (span.attributes or {})[semconv.STREAM_END] == "closed"
            telemetry.start()
        gate.open()


class Thing:
    def close(self) -> str:
        return "closed"


class Child(Thing):
    pass


class Own(Child):
    def close(self) -> str:
        return "own " + super().close()


def test_known_by_identity_for_as_long_as_it_lives() -> None:
    closed: list[Any] = []

    def wrap(table: Beside[str], original: Any) -> Any:
        def close(thing: Any) -> Any:
            closed.append(table.of(thing))
            return original(thing)

        return close

    original = vars(Thing)["close"]
    table: Beside[str] = Beside({"close": wrap})
    first, own, unknown = Child(), Own(), Child()
    table.put(first, "first")
    table.put(own, "own")
    assert (first.close(), own.close(), unknown.close()) == ("closed", "own closed", "closed")
    assert closed == ["first", "own", "own", None]
    assert "close" not in vars(Child)
    table.restore()
    assert table.of(first) == "first", "it is under way"
    del first
    assert vars(Thing)["close"] is not original
    table.drop(own)
    assert vars(Thing)["close"] is original
    assert not table._held


def test_what_cannot_be_held_weakly_is_refused() -> None:
    table: Beside[str] = Beside()
    with pytest.raises(TypeError):
        table.put((), "known")
