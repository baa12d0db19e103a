"""gateway: what was accepted arrives, whoever is down or killed; what cannot be kept is told."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.backends.gateways import Collector, Site, ids, trace
from tests.backends.otlp import post, request
from tests.backends.running import OTELCOL, until

pytestmark = pytest.mark.skipif(OTELCOL is None, reason="no collector: make backends")
QUEUED = "otelcol_exporter_queue_size"


def traffic(traces: int = 40) -> list[Span]:
    """Traces of both tenants."""
    return [
        span for number in range(traces) for span in trace(tenant=("acme", "umbrella")[number % 2])
    ]


def send(site: Site, spans: list[Span], at_once: int = 60) -> None:
    """Give spans to the agent."""
    for start in range(0, len(spans), at_once):
        body = request(spans[start : start + at_once])
        assert post(f"http://localhost:{site.agent.http}", body) == 200


def queued(collector: Collector, count: int) -> None:
    """Wait until a collector keeps so many spans."""
    until(lambda: collector.metric(QUEUED) == count or None, f"{count} spans in the queue")


def repeated(site: Site) -> int:
    """How many spans arrived more than once, by how often."""
    counted = Counter(span["span_id"] for span in site.arrived())
    return counted.total() - len(counted)


def test_backends_are_down_and_the_gateway_is_killed(tmp_path: Path) -> None:
    before, after = traffic(), traffic()
    with Site(tmp_path) as site:
        (gateway,), (backends,) = site.gateways, site.backends
        site.start()
        backends["acme"].stop()
        backends["umbrella"].answer(503)
        send(site, before)
        queued(gateway, len(before))
        until(lambda: backends["umbrella"].answered[503] or None, "a refusal")
        gateway.kill()
        # The agent keeps what it gets meanwhile.
        send(site, after[:60])
        gateway.start()
        send(site, after[60:])
        queued(gateway, len(before) + len(after))
        assert site.arrived() == []
        backends["acme"].start()
        backends["umbrella"].answer(200)
        site.wait_for(ids([*before, *after]))
        queued(gateway, 0)
        assert repeated(site) == 0


AGENTS = pytest.mark.parametrize("agent", ["agent.yaml", "agent-fixed.yaml"])


@AGENTS
def test_the_agent_keeps_what_no_gateway_takes(tmp_path: Path, agent: str) -> None:
    sent = traffic()
    with Site(tmp_path, gateways=2, agent=agent) as site:
        site.agent.start()
        send(site, sent)
        queued(site.agent, len(sent))
        site.agent.kill()
        site.agent.start()
        queued(site.agent, len(sent))
        for gateway in site.gateways:
            gateway.start()
        site.wait_for(ids(sent))
        queued(site.agent, 0)


def through(site: Site, gateway: int) -> Counter[str]:
    """The spans that came through a gateway, by id."""
    return sum((each.counted() for each in site.backends[gateway].values()), Counter())


def test_of_two_fixed_gateways_one_is_down(tmp_path: Path) -> None:
    sent, more = traffic(), traffic()
    with Site(tmp_path, gateways=2, agent="agent-fixed.yaml") as site:
        site.gateways[0].start()
        site.agent.start()
        for spans in (sent, more):
            send(site, spans)
            for_first = {
                span.span_id.hex() for span in spans if span.trace_id.hex()[-1] in "01234567"
            }
            assert 0 < len(for_first) < len(spans)
            # Nobody waits for the other gateway.
            site.wait_for(for_first)
        assert not through(site, 1)
        site.gateways[1].start()
        site.wait_for(ids([*sent, *more]))
        queued(site.agent, 0)
        assert repeated(site) == 0


def test_of_two_balanced_gateways_one_is_down(tmp_path: Path) -> None:
    sent = traffic()
    with Site(tmp_path, gateways=2) as site:
        site.gateways[0].start()
        site.agent.start()
        send(site, sent)
        # As agent.yaml warns: those for the gateway that is up are sent to it again and again.
        until(lambda: repeated(site) or None, "repeated spans")
        site.gateways[1].start()
        site.wait_for(ids(sent))
        assert set(through(site, 0)).isdisjoint(through(site, 1))
        assert set(through(site, 1).values()) == {1}
