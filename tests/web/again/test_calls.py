"""Calls of real SDKs, recorded, made anew, and sent by curl and by Python: the same arrives."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from otelier import guard
from otelier.web.shown.again import Again, curl, python, requests
from tests.servers import ProviderServer
from tests.servers.replies import Recorded
from tests.telemetry import Telemetry
from tests.web.again.calls import CALLS, Call
from tests.web.again.comparing import differences
from tests.web.again.recording import recorded
from tests.web.again.running import KEYS, by_python, by_shell


@pytest.fixture
def started() -> Iterator[Telemetry]:
    running = Telemetry()
    yield running
    running.stop()
    assert not guard.failures(), guard.failures()


def made(call: Call, server: ProviderServer, telemetry: Telemetry, home: Path) -> Again:
    """The request of a call, made anew from its span."""
    telemetry.start(**call.options)
    server.script(*call.replies)
    call.make(server.url)
    again = requests(recorded(telemetry, home))
    assert again is not None
    return again


def path(request: Recorded) -> str:
    """Where a request went; Gemini's version is the SDK's."""
    return unquote(request.path).replace("/v1beta/", "/v1/")


def key(request: Recorded) -> str:
    """The key that a request has."""
    names = ("authorization", "x-api-key", "x-goog-api-key")
    (found,) = [value for value in map(request.header, names) if value is not None]
    return found.removeprefix("Bearer ")


@pytest.mark.parametrize("name", CALLS)
def test_what_is_sent_again_is_what_was_sent(
    name: str, server: ProviderServer, started: Telemetry, tmp_path: Path
) -> None:
    call = CALLS[name]
    again = made(call, server, started, tmp_path)
    started.stop()
    by_shell(curl(again), tmp_path)
    by_python(python(again), tmp_path)
    first, *others = server.requests
    assert len(others) == 2
    for other in others:
        assert (other.method, path(other)) == (first.method, path(first))
        assert key(other) == KEYS["API_KEY"]
        assert differences(first.json(), other.json()) == call.differs.keys()
        assert differences(again.body, other.json()) == set()
    told = "\n".join(again.missing)
    assert [said for said in call.differs.values() if said not in told] == []
