"""Counters whose sums are otelier's own: what is collected is what was added, once."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from opentelemetry.sdk.metrics import Counter, MeterProvider, ObservableCounter
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader

from otelier import semconv, summed
from otelier.metrics import Recorder
from otelier.semconv import Generation

COST = semconv.OPERATION_COST


class Metered:
    """A provider of its own, and what is collected from it."""

    def __init__(self, delta: bool = False) -> None:
        kinds: Any = {}
        if delta:
            kinds = dict.fromkeys((Counter, ObservableCounter), AggregationTemporality.DELTA)
        self.reader = InMemoryMetricReader(kinds)
        self.provider = MeterProvider([self.reader])

    def counter(self) -> summed.Summed:
        return summed.counter(self.provider, self.provider.get_meter("otelier"), COST)

    def read(self) -> list[Any]:
        """The points of the cost, of however many metrics of that name."""
        data = self.reader.get_metrics_data()
        return [
            point
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == COST.name
            for point in metric.data.data_points
        ]


def values(points: list[Any]) -> dict[str, float]:
    return {str(point.attributes["model"]): point.value for point in points}


def test_sums_by_attributes() -> None:
    metered = Metered()
    cost = metered.counter()
    for usd, model in ((0.25, "a"), (0.5, "b"), (1.0, "a")):
        cost.add(usd, {"model": model, "operation": "chat"})
    # The same in another order.
    cost.add(2.0, {"operation": "chat", "model": "b"})
    assert values(metered.read()) == {"a": 1.25, "b": 2.5}
    cost.add(1.0, {"model": "a", "operation": "chat"})
    assert values(metered.read()) == {"a": 2.25, "b": 2.5}


@pytest.mark.parametrize("odd", [-0.5, float("-inf"), float("nan")])
def test_it_never_falls(odd: float) -> None:
    """As what a gateway gives back for a call before."""
    metered = Metered()
    cost = metered.counter()
    for usd in (1.0, odd):
        cost.add(usd, {"model": "a"})
    assert values(metered.read()) == {"a": 1.0}


def test_delta() -> None:
    metered = Metered(delta=True)
    cost = metered.counter()
    cost.add(1.0, {"model": "a"})
    assert values(metered.read()) == {"a": 1.0}
    cost.add(0.5, {"model": "a"})
    assert values(metered.read()) == {"a": 0.5}


def test_it_is_a_monotonic_sum_with_unit_and_description() -> None:
    metered = Metered()
    metered.counter().add(1, {"model": "a"})
    data: Any = metered.reader.get_metrics_data()
    (metric,) = data.resource_metrics[0].scope_metrics[0].metrics
    assert (metric.unit, metric.description) == ("USD", COST.description)
    assert metric.data.is_monotonic


def test_started_again_on_the_same_provider_nothing_is_told_twice(
    caplog: pytest.LogCaptureFixture,
) -> None:
    metered = Metered()
    for _ in range(3):
        meter = metered.provider.get_meter("otelier")
        recorder = Recorder(metered.provider, meter, Generation(True, False))
        recorder.cost(1.0, {"model": "a"})
    (point,) = metered.read()
    assert point.value == 3.0
    assert not caplog.records


def test_two_providers_are_two() -> None:
    one, other = Metered(), Metered()
    one.counter().add(1.0, {"model": "a"})
    other.counter().add(2.0, {"model": "a"})
    assert (values(one.read()), values(other.read())) == ({"a": 1.0}, {"a": 2.0})


def test_no_more_series_than_the_sdk_tells_apart() -> None:
    metered = Metered()
    cost = metered.counter()
    for number in range(summed.MOST + 50):
        cost.add(1, {"model": str(number)})
    points = metered.read()
    assert len(points) <= summed.MOST + 1
    assert sum(point.value for point in points) == summed.MOST + 50


def test_threads_lose_nothing() -> None:
    metered = Metered()
    cost = metered.counter()

    def add(number: int) -> None:
        for _ in range(500):
            cost.add(1, {"model": str(number % 3)})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(24)))
    assert values(metered.read()) == dict.fromkeys("012", 8 * 500)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_tells_what_it_has_added_itself() -> None:
    metered = Metered()
    cost = metered.counter()
    cost.add(1.0, {"model": "a"})
    child = os.fork()
    if not child:
        cost.add(0.5, {"model": "a"})
        os._exit(0 if values(metered.read()) == {"a": 0.5} else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert values(metered.read()) == {"a": 1.0}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.parametrize("delta", [True, False], ids=["delta", "cumulative"])
def test_the_sum_of_a_forked_child_does_not_fall(delta: bool) -> None:
    """What was told before is in the state of its readers; what was not, the parent tells."""
    metered = Metered(delta)
    cost = metered.counter()
    cost.add(1.0, {"model": "a"})
    before = values(metered.read())
    cost.add(0.25, {"model": "a"})
    cost.add(4.0, {"model": "b"})
    child = os.fork()
    if not child:
        cost.add(0.5, {"model": "a"})
        told = [values(metered.read())]
        cost.add(0.5, {"model": "a"})
        told.append(values(metered.read()))
        os._exit(0 if told == ([{"a": 0.5}] * 2 if delta else [{"a": 1.5}, {"a": 2.0}]) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert before == {"a": 1.0}
    assert values(metered.read()) == {"a": 0.25 if delta else 1.25, "b": 4.0}
