"""gateway: what happens at its limits, as the comments in gateway.yaml and the README say."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.backends.gateways import Site, ids, trace
from tests.backends.running import OTELCOL, until
from tests.backends.test_gateway_durability import queued, repeated, send, traffic

pytestmark = pytest.mark.skipif(OTELCOL is None, reason="no collector: make backends")


def test_out_of_memory_the_gateway_refuses_and_the_agent_repeats(tmp_path: Path) -> None:
    text = "word " * 20_000
    sent = [
        span for _ in range(250) for span in trace(5, gen_ai__input__messages=text, seconds=0.5)
    ]
    with Site(tmp_path) as site:
        (gateway,) = site.gateways
        gateway.start(MEMORY_MIB=48, MEMORY_SPIKE_MIB=16)
        site.agent.start()
        for start in range(0, len(sent), 250):
            send(site, sent[start : start + 250], at_once=25)
        until(lambda: gateway.metric("otelcol_receiver_refused_spans") or None, "a refusal")
        site.wait_for(ids(sent))
        assert gateway.process is not None and gateway.process.poll() is None


def test_a_slow_backend_gets_some_twice_and_misses_none(tmp_path: Path) -> None:
    sent = traffic()
    with Site(tmp_path) as site:
        (backends,) = site.backends
        site.start(EXPORT_TIMEOUT="1s")
        backends["acme"].stall(2)
        send(site, sent)
        until(lambda: repeated(site) or None, "repeated spans")
        backends["acme"].stall(None)
        site.wait_for(ids(sent))
        queued(site.gateways[0], 0)
        assert max(backends["acme"].counted().values()) > 1
        assert set(backends["umbrella"].counted().values()) == {1}


def test_a_backend_that_says_never_loses_the_batch_and_that_is_counted(tmp_path: Path) -> None:
    refused = trace(tenant="acme") + trace(tenant="acme")
    with Site(tmp_path) as site:
        (gateway,), (backends,) = site.gateways, site.backends
        site.start()
        backends["acme"].answer(400)
        send(site, refused)
        name = "otelcol_exporter_send_failed_spans"
        until(lambda: gateway.metric(name) == len(refused) or None, "failed spans")
        backends["acme"].answer(200)
        later = trace(tenant="acme")
        send(site, later)
        site.wait_for(ids(later))
        assert set(backends["acme"].counted()) == ids(later)


@pytest.mark.parametrize("blocks", [True, False])
def test_a_full_queue(tmp_path: Path, blocks: bool) -> None:
    rounds = [trace(60, tenant="acme") for _ in range(8)]
    sent = [span for spans in rounds for span in spans]
    others = trace(10, tenant="umbrella")
    with Site(tmp_path) as site:
        (gateway,), (backends,) = site.gateways, site.backends
        site.start(QUEUE_SPANS=300, QUEUE_BLOCKS=blocks)
        backends["acme"].stop()
        send(site, sent, at_once=len(sent))
        queued(gateway, 300)
        lost = "otelcol_exporter_enqueue_failed_spans"
        if blocks:
            send(site, others)
            # They wait behind the other tenant's.
            until(
                lambda: gateway.metric("otelcol_receiver_accepted_spans") == 490 or None,
                "the other tenant's spans",
            )
            assert backends["umbrella"].spans() == []
            backends["acme"].start()
            site.wait_for(ids([*sent, *others]))
            assert gateway.metric(lost) == 0
        else:
            until(lambda: gateway.metric(lost) == 180 or None, "180 spans that found no place")
            send(site, others)
            site.wait_for(ids(others))
            backends["acme"].start()
            until(lambda: len(backends["acme"].spans()) == 300 or None, "the spans that did")


@pytest.mark.parametrize("killed", [True, False])
def test_what_is_not_judged_is_lost_when_it_is_killed_and_judged_when_it_is_ended(
    tmp_path: Path, killed: bool
) -> None:
    waiting, later = trace(error=True), trace()
    with Site(tmp_path) as site:
        (gateway,) = site.gateways
        site.start(DECISION_AFTER_ROOT="300s")
        send(site, waiting)
        name = "otelcol_receiver_accepted_spans"
        until(lambda: gateway.metric(name) == len(waiting) or None, "the spans")
        gateway.kill() if killed else gateway.stop()
        gateway.start(DECISION_AFTER_ROOT="1s")
        send(site, later)
        site.wait_for(ids(later) if killed else ids([*waiting, *later]))
        arrived = {span["span_id"] for span in site.arrived()}
        assert arrived == (ids(later) if killed else ids([*waiting, *later]))


def test_more_traces_than_have_place_wait_for_it(tmp_path: Path) -> None:
    sent = traffic(40)
    small = tmp_path / "small.yaml"
    small.write_text("processors: {tail_sampling: {num_traces: 15}}")
    with Site(tmp_path) as site:
        site.gateways[0].configs.append(small)
        site.start()
        send(site, sent, at_once=30)
        site.wait_for(ids(sent))
