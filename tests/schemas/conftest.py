"""One server and one set of clients for all schema tests, and what the calls left behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult

from otelier import guard
from otelier.semconv import Generation
from otelier.settings import Capture
from tests.replay.client import Clients
from tests.replay.recordings import SDKS, files, load
from tests.schemas import calls
from tests.servers import ProviderServer
from tests.telemetry import Telemetry

AT_START = "test.at_start"


class Noting(Sampler):
    """Samples everything, and notes on the span which attributes it could decide by."""

    def should_sample(
        self,
        parent_context: Any,
        trace_id: int,
        name: str,
        kind: Any = None,
        attributes: Any = None,
        *args: Any,
        **more: Any,
    ) -> SamplingResult:
        noted = {**(attributes or {}), AT_START: tuple(attributes or ())}
        return SamplingResult(Decision.RECORD_AND_SAMPLE, noted)

    def get_description(self) -> str:
        return "Noting"


@dataclass(frozen=True)
class Left:
    """What a program's calls left in its telemetry."""

    spans: tuple[ReadableSpan, ...]
    events: tuple[Any, ...]
    metrics: tuple[Any, ...]


@pytest.fixture(scope="session")
def schema_server() -> Iterator[ProviderServer]:
    with ProviderServer() as running:
        yield running


@pytest.fixture(scope="session")
def left(schema_server: ProviderServer) -> Iterator[Callable[[Generation, Capture], Left]]:
    """Makes all calls once for each choice of names and of where content goes."""
    clients = Clients(int(schema_server.url.rpartition(":")[2]))
    recorded = [load(path.parent.name, path.name) for path in files(*SDKS)]

    @cache
    def run(generation: Generation, capture: Capture) -> Left:
        telemetry = Telemetry(Noting())
        telemetry.start(generation=generation, capture=capture, chunk_times=True)
        # Where content goes does not depend on what the providers say.
        more = recorded if capture is Capture.SPAN_AND_EVENT else []
        calls.make(schema_server, clients, [*more, *calls.MODEL_CALLS])
        calls.make_other(schema_server, clients)
        telemetry.stop()
        assert not guard.failures(), guard.failures()
        return Left(
            tuple(telemetry.spans()),
            tuple(telemetry.log_exporter.get_finished_logs()),
            tuple(_metrics(telemetry)),
        )

    yield run
    clients.close()


def _metrics(telemetry: Telemetry) -> Iterator[Any]:
    data = telemetry.reader.get_metrics_data()
    assert data is not None
    for resource in data.resource_metrics:
        for scope in resource.scope_metrics:
            yield from scope.metrics
