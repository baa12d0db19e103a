"""What nobody looks at is not made: content, JSON, metrics, decoded images."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from typing import Any

import pytest

from benchmarks import counting, payloads
from benchmarks.counting import Calls
from benchmarks.scenarios import LARGE, SMALL, UNSAMPLED, Bench, Scenario
from otelier import settings
from otelier.content import Policy
from otelier.protocols.openai import chat as openai_chat

STREAMS = [
    Scenario(api, chunks=50, sampling="unsampled", lite=True, asynchronous=way)
    for api in payloads.REQUESTS
    for way in (False, True)
]


def content_calls(calls: Calls) -> dict[str, int]:
    """Calls that make content or JSON."""
    return {
        name: number
        for name, number in [*calls.ours.items(), *calls.ours_c.items()]
        if name.startswith(("otelier.content", "otelier.redaction", "otelier.blobs"))
        or "dumps" in name
        or name.endswith((":content", "_message", "_part"))
    }


@pytest.mark.parametrize("scenario", [*UNSAMPLED, *STREAMS], ids=lambda one: one.name)
def test_unsampled_call_has_no_content(scenario: Scenario) -> None:
    calls = counting.operation(scenario, "otelier")
    assert not content_calls(calls)
    assert not calls.of("otelier.metrics")
    assert not calls.of("otelier.cost")


@pytest.mark.parametrize("scenario", STREAMS, ids=lambda one: one.name)
def test_unsampled_chunk_costs_nothing(scenario: Scenario) -> None:
    """The SDK's stream is left alone."""
    ours = counting.operation(scenario, "otelier")
    assert not ours.of("otelier.hooks.streams")
    assert not ours.of("otelier.protocols.openai.chat.Reader")


@pytest.mark.parametrize("scenario", [*SMALL, *LARGE], ids=lambda one: one.name)
def test_content_off_makes_no_json(scenario: Scenario) -> None:
    calls = counting.operation(replace(scenario, content=False), "otelier")
    assert not content_calls(calls)


@pytest.mark.parametrize("scenario", SMALL, ids=lambda one: one.name)
def test_content_is_made_once(scenario: Scenario) -> None:
    calls = counting.operation(scenario, "otelier")
    assert calls.ours["otelier.content:Policy.render"] == 1


@pytest.mark.parametrize("scenario", SMALL, ids=lambda one: one.name)
def test_no_meter_provider_no_metrics(scenario: Scenario, telemetry_parts: Any) -> None:
    calls = counting.operation(
        scenario, "otelier", tracer_provider=telemetry_parts.tracer_provider, meter_provider=None
    )
    assert not calls.of("otelier.metrics")
    assert not calls.of("opentelemetry.sdk.metrics")
    assert telemetry_parts.exporter.get_finished_spans()


@pytest.fixture
def telemetry_parts() -> Any:
    from tests.telemetry import Telemetry

    return Telemetry()


IMAGE = "iVBORw0KGgo" + "A" * 1_000_000
DATA_URL = "data:image/png;base64," + IMAGE


def image_messages() -> list[dict[str, Any]]:
    return [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": DATA_URL}},
            ],
        }
    ]


def test_image_is_not_decoded(telemetry_parts: Any) -> None:
    request = {**payloads.chat_request(), "messages": image_messages()}
    with Bench(
        SMALL[0],
        "otelier",
        request,
        tracer_provider=telemetry_parts.tracer_provider,
        meter_provider=None,
    ) as bench:
        calls = counting.calls(bench.run)
    assert not calls.of("base64")
    assert not calls.c_owner["binascii"]
    span = telemetry_parts.exporter.get_finished_spans()[-1]
    assert "sha256" in span.attributes["gen_ai.input.messages"]
    assert len(span.attributes["gen_ai.input.messages"]) < 1000


def test_image_is_not_copied_around() -> None:
    """Two copies pass by, the one cut out of the URL and its bytes for the hash; none stays."""
    policy = Policy(settings.Settings())
    body = {"messages": image_messages()}
    attributes: dict[str, Any] = {}
    tracemalloc.start()
    try:
        policy.render(openai_chat.content(body).messages, [], [], [], attributes)
        held, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak <= 2.1 * len(IMAGE)
    assert held <= 20_000
