"""Recorded calls, made again without and with otelier: the same for the application, byte by byte,
and a span that says what the recording says.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind, StatusCode

from otelier import guard
from tests.replay import facts
from tests.replay.client import Clients, missing, ways
from tests.replay.recordings import ABSENT, SDKS, Interaction, Recording, files, load
from tests.servers import ProviderServer, Recorded
from tests.telemetry import Telemetry

CONTENT = {
    "gen_ai.input.messages": "messages",
    "gen_ai.output.messages": "messages",
    "gen_ai.system_instructions": "parts",
    "gen_ai.tool.definitions": "tools",
}
TIMES = {"gen_ai.response.time_to_first_chunk"}
CASES = [
    pytest.param(load(path.parent.name, path.name), way, id=f"{path.parent.name}/{path.stem}-{way}")
    for path in files(*SDKS)
    for way in ways(load(path.parent.name, path.name))
] or [pytest.param(*ABSENT.values, "", marks=ABSENT.marks, id=ABSENT.id)]


@pytest.fixture(scope="module")
def recorded_server() -> Iterator[ProviderServer]:
    with ProviderServer() as running:
        yield running


@pytest.fixture(scope="module")
def clients(recorded_server: ProviderServer) -> Iterator[Clients]:
    made = Clients(int(recorded_server.url.rpartition(":")[2]))
    yield made
    made.close()


@pytest.fixture(scope="module")
def telemetry() -> Telemetry:
    return Telemetry()


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize(("recording", "way"), CASES)
def test_replay(
    recording: Recording,
    way: str,
    is_async: bool,
    recorded_server: ProviderServer,
    clients: Clients,
    telemetry: Telemetry,
) -> None:
    absent = missing(clients.of(recording.sdk, is_async), recording, way)
    if absent:
        pytest.skip(absent)
    server = recorded_server
    recording.serve(server)
    bare = clients.replay(recording, is_async, way)
    asked_bare = list(server.requests)
    recording.serve(server)
    telemetry.clear()
    telemetry.start()
    seen = clients.replay(recording, is_async, way)
    telemetry.stop()

    assert seen == bare
    assert server.requests == asked_bare
    assert not guard.failures(), guard.failures()
    _asked_as_recorded(recording, asked_bare)
    spans = telemetry.exporter.get_finished_spans()
    assert len(spans) == len(recording.interactions)
    for interaction, request, span in zip(
        recording.interactions, server.requests, spans, strict=True
    ):
        _says(span, interaction, request.json(), parsed=way == "create")


def _asked_as_recorded(recording: Recording, requests: list[Recorded]) -> None:
    for interaction, request in zip(recording.interactions, requests, strict=True):
        assert (request.method, request.route) == ("POST", interaction.path.partition("?")[0])
        sent = request.json()
        added = {"encoding_format"} if interaction.path.endswith("/embeddings") else {"stream"}
        wanted = {**{name: sent[name] for name in added & sent.keys()}, **interaction.asked}
        assert sent == wanted or sent == {n: v for n, v in wanted.items() if n != "stream"}


def _says(
    span: ReadableSpan, interaction: Interaction, body: dict[str, Any], *, parsed: bool
) -> None:
    found: dict[str, Any] = dict(span.attributes or {})
    content = {name: json.loads(str(found.pop(name))) for name in CONTENT if name in found}
    times = {name: found.pop(name) for name in TIMES if name in found}
    cost = {name: found.pop(name) for name in list(found) if "cost" in name}
    wanted = facts.attributes(interaction, body, parsed)
    api = facts.kind(interaction)

    assert found == wanted
    assert span.name == f"{wanted['gen_ai.operation.name']} {body['model']}"
    assert span.kind is SpanKind.CLIENT
    assert not span.events
    assert times.keys() == (TIMES if interaction.streamed else set())
    assert facts.flat(content.get("gen_ai.input.messages", ())) == facts.asked(api, body)
    assert facts.flat(content.get("gen_ai.output.messages", ())) == facts.answered(interaction)
    system = facts.flat_parts(content.get("gen_ai.system_instructions", ()))
    assert system == facts.system(api, body)
    tools = [(tool["type"], tool["name"]) for tool in content.get("gen_ai.tool.definitions", ())]
    assert tools == facts.tools(body)
    if interaction.status >= 400:
        assert span.status.status_code is StatusCode.ERROR
        assert interaction.answer["error"]["message"] in (span.status.description or "")
        assert not cost
    else:
        assert span.status.status_code is StatusCode.UNSET
        assert bool(cost) <= ("gen_ai.usage.input_tokens" in wanted)
        assert cost.get("gen_ai.usage.cost", 1) > 0
        assert cost.get("otelier.cost.source", "prices") == "prices"
