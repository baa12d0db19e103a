"""The hand-written floor writes what otelier writes, so that a ratio to it means something."""

from __future__ import annotations

import json
from typing import Any

import pytest

from benchmarks import payloads
from benchmarks.scenarios import TOOLS, Bench, Scenario
from tests.telemetry import Telemetry

CONTENT = (
    "gen_ai.input.messages",
    "gen_ai.output.messages",
    "gen_ai.system_instructions",
    "gen_ai.tool.definitions",
)
SCENARIOS = [
    Scenario(api, large=large, chunks=chunks, asynchronous=way)
    for api in payloads.REQUESTS
    for large, chunks in ((False, 0), (True, 0), (False, 5))
    for way in (False, True)
]


def written(scenario: Scenario, variant: str) -> tuple[dict[str, Any], dict[str, set[str]]]:
    """Attributes of the last span, and metrics with their attributes' names."""
    telemetry = Telemetry()
    with Bench(
        scenario,
        variant,
        tracer_provider=telemetry.tracer_provider,
        meter_provider=telemetry.meter_provider,
    ):
        attributes = dict(telemetry.exporter.get_finished_spans()[-1].attributes or {})
        metrics = {
            name: {f"{key}={value}" for point in points for key, value in point.attributes.items()}
            for name, points in telemetry.metrics().items()
        }
    for name in CONTENT:
        if name in attributes:
            attributes[name] = json.loads(str(attributes[name]))
    # Of one's own in every call.
    for name in ("gen_ai.response.id", "gen_ai.response.time_to_first_chunk"):
        attributes.pop(name, None)
    return attributes, metrics


@pytest.mark.parametrize("scenario", [*SCENARIOS, TOOLS], ids=lambda one: one.name)
def test_floor_is_fair(scenario: Scenario) -> None:
    hand, hand_metrics = written(scenario, "floor+cost")
    ours, our_metrics = written(scenario, "otelier")
    costs = [name for name in ours if "cost" in name]
    assert costs
    for name in costs:
        if isinstance(ours[name], float):
            assert hand.pop(name) == pytest.approx(ours.pop(name))
    assert ours == hand
    assert our_metrics == hand_metrics
