"""gateway: whole traces, the ones that matter, to the backend of their tenant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.backends.gateways import Site, ids, trace
from tests.backends.otlp import post, request
from tests.backends.running import OTELCOL, until, workload
from tests.backends.truth import Truth, near

pytestmark = pytest.mark.skipif(OTELCOL is None, reason="no collector: make backends")
# No turn without an error costs more, but those of one session.
EXPENSIVE = 0.021
DEAR_SESSION = "s-10"


def ran(site: Site, **env: Any) -> Truth:
    """Start the site and run the workload through it."""
    site.start(**env)
    return workload(site.here, f"http://localhost:{site.agent.http}", OTEL_LOGS_EXPORTER="none")


@pytest.fixture(scope="module", params=["agent.yaml", "agent-fixed.yaml"])
def all_kept(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Site, Truth]]:
    with Site(tmp_path_factory.mktemp("all"), gateways=2, agent=request.param) as site:
        truth = ran(site, KEEP_PERCENT=100)
        wanted = len(truth.rows)
        until(lambda: len(site.arrived()) >= wanted or None, f"{wanted} spans")
        until(lambda: METRICS in paths(site, "default") or None, "metrics")
        ended(site)
        yield site, truth


METRICS = "/v1/metrics"


def paths(site: Site, name: str) -> set[str]:
    """Where requests to a backend went, from whichever gateway."""
    return {path for backends in site.backends for path in backends[name].paths()}


def ended(site: Site) -> None:
    """End all: whatever was still under way arrives before."""
    site.agent.stop()
    for each in site.gateways:
        each.stop()


def test_every_span_arrives_once(all_kept: tuple[Site, Truth]) -> None:
    site, truth = all_kept
    assert Counter(span["name"] for span in site.arrived()) == truth.counted("name")
    assert len({span["span_id"] for span in site.arrived()}) == len(truth.rows)
    known = [row["cost"] for row in truth.calls if row["cost"] is not None]
    costs = [span["attributes"].get("gen_ai.usage.cost") for span in site.arrived()]
    assert sum(cost for cost in costs if cost is not None) == near(sum(known))


def test_a_trace_goes_through_one_gateway(all_kept: tuple[Site, Truth]) -> None:
    site, truth = all_kept
    traces = [
        {span["trace_id"] for backend in backends.values() for span in backend.spans()}
        for backends in site.backends
    ]
    first, second = traces
    assert not first & second
    assert len(first) + len(second) == truth.turns
    # Else the balancing was not tried.
    assert first and second


def test_a_tenant_gets_its_own_spans_and_no_others(all_kept: tuple[Site, Truth]) -> None:
    site, truth = all_kept
    for tenant in ("acme", "umbrella"):
        got = Counter(
            span["attributes"]["session.id"]
            for backends in site.backends
            for span in backends[tenant].spans()
        )
        assert got == truth.counted("session", rows=truth.where(tenant=tenant))
    assert [backends["default"].spans() for backends in site.backends] == [[], []]


def test_metrics_go_to_the_default_backend_and_bodies_are_compressed(
    all_kept: tuple[Site, Truth],
) -> None:
    site, _ = all_kept
    assert paths(site, "default") == {METRICS}
    for tenant in ("acme", "umbrella"):
        assert paths(site, tenant) == {"/v1/traces"}
    for backends in site.backends:
        for backend in backends.values():
            assert all(headers["content-encoding"] == "gzip" for _, headers, _ in backend.posts)


def test_errors_and_expensive_traces_are_kept_whole(tmp_path: Path) -> None:
    with Site(tmp_path, gateways=2) as site:
        truth = ran(site, KEEP_PERCENT=0, KEEP_UNPRICED_PERCENT=0, EXPENSIVE_USD=EXPENSIVE)
        failed = {row["turn"] for row in truth.rows if row["error"]}
        dear = {row["turn"] for row in truth.calls if (row["cost"] or 0) > EXPENSIVE}
        (of_session,) = {row["turn"] for row in truth.where(session=DEAR_SESSION)}
        assert of_session in dear - failed and len(failed | dear) < truth.turns
        wanted = [row for row in truth.rows if row["turn"] in failed | dear]
        judged(site, truth.turns)
        until(lambda: len(site.arrived()) >= len(wanted) or None, f"{len(wanted)} spans")
        ended(site)
        got = Counter(span["attributes"]["session.id"] for span in site.arrived())
        assert got == truth.counted("session", rows=wanted)


def judged(site: Site, traces: int) -> None:
    """Wait until the gateways have decided about so many traces."""
    name = "otelcol_processor_tail_sampling_global_count_traces_sampled"
    until(
        lambda: sum(each.metric(name) for each in site.gateways) >= traces or None,
        f"decisions about {traces} traces",
    )


@pytest.mark.parametrize(("unpriced", "rest"), [(0, 0), (100, 0), (0, 100)])
def test_what_is_kept_of_the_unremarkable(tmp_path: Path, unpriced: int, rest: int) -> None:
    tokens = {"gen_ai__usage__input_tokens": 9}
    plain = [trace() for _ in range(20)]
    cheap = [trace(**tokens, gen_ai__usage__cost=0.02) for _ in range(20)]
    unknown = [trace(**tokens) for _ in range(20)]
    kept = [
        trace(error=True),
        trace(seconds=5.5),
        # A whole number, as some instrumentations send it.
        trace(**tokens, gen_ai__usage__cost=1),
        trace(**tokens, gen_ai__usage__cost=0.021),
    ]
    # Agents have the tokens of their calls, and their cost under another name.
    summed = {"gen_ai__operation__name": "invoke_agent", "otelier__cost__total": 9.0}
    cheap += [trace(**tokens, **summed) for _ in range(20)]
    # Just below the limits.
    cheap.append(trace(seconds=4.5, gen_ai__usage__cost=0.0199))
    with Site(tmp_path) as site:
        site.start(
            KEEP_PERCENT=rest, KEEP_UNPRICED_PERCENT=unpriced, EXPENSIVE_USD=0.02, SLOW_MS=5000
        )
        everything = [*plain, *cheap, *unknown, *kept]
        sent = [span for spans in everything for span in spans]
        assert post(f"http://localhost:{site.agent.http}", request(sent)) == 200
        judged(site, len(everything))
        wanted = ids(span for spans in kept for span in spans)
        if unpriced:
            wanted |= ids(span for spans in unknown for span in spans)
        if rest:
            wanted = ids(sent)
        site.wait_for(wanted)
        # What was not wanted would be on its way in the same batches.
        site.gateways[0].stop()
        assert {span["span_id"] for span in site.arrived()} == wanted


def test_a_late_span_shares_the_fate_of_its_trace(tmp_path: Path) -> None:
    kept, dropped = trace(error=True), trace()
    # Only the decision about the earlier spans can keep these, and drop those.
    late_kept, late_dropped = kept.pop(1), dropped.pop()
    late_dropped.status.code = late_dropped.status.STATUS_CODE_ERROR
    with Site(tmp_path) as site:
        site.start(KEEP_PERCENT=0, KEEP_UNPRICED_PERCENT=0)
        url = f"http://localhost:{site.agent.http}"
        post(url, request([*kept, *dropped]))
        judged(site, 2)
        post(url, request([late_dropped, late_kept]))
        site.wait_for(ids([*kept, late_kept]))
        site.gateways[0].stop()
        assert {span["span_id"] for span in site.arrived()} == ids([*kept, late_kept])


def test_a_trace_without_a_root_is_judged_in_the_end(tmp_path: Path) -> None:
    kept, dropped = trace(error=True)[1:], trace()[1:]
    with Site(tmp_path) as site:
        site.start(KEEP_PERCENT=0, KEEP_UNPRICED_PERCENT=0, DECISION_WAIT="3s")
        post(f"http://localhost:{site.agent.http}", request([*kept, *dropped]))
        site.wait_for(ids(kept))
        site.gateways[0].stop()
        assert {span["span_id"] for span in site.arrived()} == ids(kept)


def test_spans_of_no_known_tenant_go_to_the_default_backend(tmp_path: Path) -> None:
    known, other, nobody = trace(), trace(tenant="globex"), trace(tenant=None)
    # Of one trace: the root was made outside the session.
    split = trace(tenant="umbrella")
    del split[0].attributes[:]
    with Site(tmp_path) as site:
        site.start()
        sent = [*known, *other, *nobody, *split]
        post(f"http://localhost:{site.agent.http}", request(sent))
        site.wait_for(ids(sent))
        (backends,) = site.backends
        got = {name: set(backend.counted()) for name, backend in backends.items()}
        assert got["acme"] == ids(known)
        assert got["umbrella"] == ids(split[1:])
        assert got["default"] == ids([*other, *nobody, split[0]])
