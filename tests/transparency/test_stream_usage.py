"""OTELIER_STREAM_USAGE: requests ask for usage, and the program sees what it sees without it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.servers import ProviderServer
from tests.telemetry import Telemetry
from tests.transparency.app import App
from tests.transparency.calls import HELPERS, STREAMS, Call
from tests.transparency.runner import Scenario, Seen, World
from tests.transparency.test_streams import HELPER_PATHS, PATHS, response_read_directly

ASKED = {"include_usage": True}


class Asking(World):
    """Keeps what was asked out of the comparison of requests."""

    def __init__(self, server: ProviderServer, telemetry: Telemetry) -> None:
        super().__init__(server, telemetry, stream_usage=True)
        self.asked: list[Any] = []

    def observe(self, scenario: Scenario, asynchronous: bool) -> Seen:
        seen = super().observe(scenario, asynchronous)
        self.asked = []
        for number, (method, path, headers, body) in enumerate(seen.wire):
            data = json.loads(body)
            self.asked.append(data.pop("stream_options", None))
            headers = [each for each in headers if each[0].lower() != "content-length"]
            seen.wire[number] = method, path, headers, json.dumps(data).encode()
        return seen


@pytest.fixture(scope="module")
def asking(world: World) -> Asking:
    return Asking(world.server, world.telemetry)


CALLS = [call for call in STREAMS if call.name in ("chat", "completions", "azure chat")]
# Whoever reads the response past the stream reads what was sent.
SEEN = [path for path in PATHS if path is not response_read_directly]


@pytest.mark.parametrize("path", SEEN, ids=lambda path: path.__name__)
@pytest.mark.parametrize("call", CALLS, ids=str)
def test_stream(asking: Asking, call: Call, path: Any, asynchronous: bool) -> None:
    async def scenario(app: App) -> None:
        await app.attempt(path(app, call))

    asking.compare(
        scenario,
        asynchronous=asynchronous,
        spans=None,
        parents=("caller", "body"),
    )
    raw = path.__name__.startswith(("raw", "streaming"))
    # What another call inside of the loop asks is its own.
    assert asking.asked[:1] == [None if raw else ASKED]


@pytest.mark.parametrize("path", HELPER_PATHS, ids=lambda path: path.__name__)
@pytest.mark.parametrize(
    "call", [each for each in HELPERS if "chat.completions" in each.path], ids=str
)
def test_helper(asking: Asking, call: Call, path: Any, asynchronous: bool) -> None:
    async def scenario(app: App) -> None:
        await app.attempt(path(app, call))

    asking.compare(scenario, asynchronous=asynchronous, spans=None)


def test_there_are_paths() -> None:
    assert len(SEEN) > 15 and len(CALLS) == 3 and HELPER_PATHS
