"""metrics: what is counted from spans is the truth, and rules and alerts work on it."""

from __future__ import annotations

import json
import subprocess
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.backends.otlp import post, request, span, spans_of_json
from tests.backends.programs import program
from tests.backends.prometheus import METRICS, Answer, Prometheus, prometheus, rendered
from tests.backends.questions import queries
from tests.backends.receiver import Receiver
from tests.backends.running import OTELCOL, collector, free_ports, running, until, workload
from tests.backends.truth import Row, Truth

RULE_TESTS = sorted((METRICS / "rules" / "tests").glob("*.yaml"))
PROMTOOL, PROMETHEUS = program("promtool"), program("prometheus")
ALERTMANAGER = program("alertmanager")
pytestmark = pytest.mark.skipif(
    None in (OTELCOL, PROMTOOL, PROMETHEUS), reason="no collector or Prometheus: make backends"
)
# Spans also go to a file, for the durations, and to a backend that is not there.
BESIDE = """
exporters:
  file:
    path: traces.jsonl
  otlp_http/down:
    endpoint: http://127.0.0.1:1
    retry_on_failure: {enabled: false}
service:
  pipelines:
    traces:
      receivers: [otlp]
      exporters: [file, otlp_http/down]
"""
# Several requests for one program: what is shown must be all of them, not the last.
SMALL_BATCHES = {"OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "16", "OTEL_BSP_SCHEDULE_DELAY": "200"}
KINDS = {"execute_tool", "invoke_agent", "invoke_workflow", "retrieval"}


@dataclass
class Stack:
    """What runs, and what three runs of the workload did: one sends metrics, the others do not."""

    asked: Prometheus
    truth: Truth
    rows: dict[str, list[Row]]
    hook: Receiver
    otlp: str
    file: Path

    @property
    def all(self) -> list[Row]:
        """What all runs did."""
        return [row for rows in self.rows.values() for row in rows]

    @property
    def calls(self) -> list[Row]:
        """The model calls of all runs."""
        return [row for row in self.all if "model" in row]

    def durations(self) -> dict[str, list[float]]:
        """Seconds of the model calls in the file, by model."""
        seconds: dict[str, list[float]] = defaultdict(list)
        for each in spans_of_json(self.file.read_text()):
            if model := each["attributes"].get("gen_ai.request.model"):
                seconds[model].append(each["seconds"])
        return seconds


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    here: Path = tmp_path_factory.mktemp("metrics")
    (here / "beside.yaml").write_text(BESIDE)
    metrics, own, alerts = free_ports(3)
    configs = ("metrics/config.yaml", "metrics/from-spans.yaml", here / "beside.yaml")
    settings = {"PROMETHEUS_ENDPOINT": f"127.0.0.1:{metrics}", "METRICS_PORT": own}
    targets = {
        "collector:8889": metrics,
        "collector:8888": own,
        "alertmanager:9093": alerts,
    }
    alertmanager = [
        ALERTMANAGER,
        f"--config.file={here / 'alertmanager.yaml'}",
        f"--storage.path={here / 'alertmanager'}",
        f"--web.listen-address=127.0.0.1:{alerts}",
        "--cluster.listen-address=",
    ]
    budgets = {"vector(500)": "vector(0.001)"}
    with ExitStack() as stack:
        hook = stack.enter_context(Receiver())
        (here / "webhook-url").write_text(f"{hook.url}/alerts")
        rendered(
            METRICS / "alertmanager.yaml",
            here / "alertmanager.yaml",
            **{"/etc/alertmanager/secrets": str(here), "group_wait: 30s": "group_wait: 1s"},
        )
        into = stack.enter_context(collector(here, *configs, **settings))
        if ALERTMANAGER:
            stack.enter_context(running(alertmanager, here, alerts))
        asked = stack.enter_context(prometheus(here, targets, **budgets))
        truth, rows = sent(here, into.http)
        yield Stack(asked, truth, rows, hook, into.http, here / "traces.jsonl")


def sent(here: Path, otlp: str) -> tuple[Truth, dict[str, list[Row]]]:
    """Run the workload three times at once, twice under one name: both add to one counter."""
    silent = {"OTEL_METRICS_EXPORTER": "none", "OTEL_SERVICE_NAME": "silent"}
    homes = [here / name for name in ("loud", "silent", "silent-too")]
    for home in homes:
        home.mkdir()
    with ThreadPoolExecutor() as pool:
        loud, *others = pool.map(
            lambda home, more: workload(home, otlp, **SMALL_BATCHES, **more),
            homes,
            ({}, silent, silent),
        )
    return loud, {"workload": loud.rows, "silent": [r for each in others for r in each.rows]}


def tokens(rows: list[Row], *keys: str) -> Answer:
    """Sums of input and output, by the keys and the type."""
    sums: dict[Any, float] = defaultdict(float)
    for row in rows:
        for kind in ("input", "output"):
            if row.get(kind) is not None:
                sums[(*(row[key] for key in keys), kind)] += row[kind]
    return dict(sums)


def unpriced(row: Row) -> bool:
    """Tokens and no cost."""
    return row.get("input") is not None and row["cost"] is None


@pytest.mark.parametrize("job", ["workload", "silent"])
def test_sums_from_spans_are_the_truth(stack: Stack, job: str) -> None:
    asked, truth = stack.asked, stack.truth
    calls = [row for row in stack.rows[job] if "model" in row]
    steps = [row for row in stack.rows[job] if row["operation"] in KINDS]
    of = f'{{job="{job}"}}'
    by = ("gen_ai_provider_name", "gen_ai_request_model", "gen_ai_operation_name")
    tenant, error = "otelier_metadata_tenant", "error_type"
    keys = ("provider", "model", "operation")
    counted = truth.counted(*keys, "tenant", "error", rows=calls)
    asked.soon(f"otelier_calls_total{of}", counted, *by, tenant, error)
    counted = truth.counted(*keys, "error", rows=calls)
    asked.soon(f"otelier_call_duration_seconds_count{of}", counted, *by, error)
    # Nothing of no output: an embedding's is unknown, not zero.
    wanted = tokens(calls, *keys, "tenant")
    asked.soon(f"otelier_tokens_total{of}", wanted, *by, tenant, "gen_ai_token_type")
    wanted = truth.summed("cost", *keys, "tenant", rows=calls)
    asked.soon(f"otelier_cost_USD_total{of}", wanted, *by, tenant)
    hits = [row for row in calls if row["cached"]]
    wanted = truth.summed("cached", *keys, "tenant", rows=hits)
    asked.soon(f"otelier_cached_tokens_total{of}", wanted, *by, tenant)
    counted = truth.counted(*keys, "tenant", rows=hits)
    asked.soon(f"otelier_cache_hits_total{of}", counted, *by, tenant)
    counted = truth.counted(*keys, "tenant", rows=[row for row in calls if unpriced(row)])
    asked.soon(f"otelier_unpriced_calls_total{of}", counted, *by, tenant)
    counted = truth.counted("operation", "tenant", "error", rows=steps)
    summed = f"sum by (gen_ai_operation_name, {tenant}, {error}) (otelier_steps_total{of})"
    asked.soon(summed, counted, by[2], tenant, error)
    counted = truth.counted("operation", rows=steps)
    summed = f"sum by (gen_ai_operation_name) (otelier_step_duration_seconds_count{of})"
    asked.soon(summed, counted, by[2])


def test_the_programs_own_metrics_say_the_same(stack: Stack) -> None:
    asked, calls = stack.asked, stack.truth.calls
    model, kind = "gen_ai_request_model", "gen_ai_token_type"
    own = f'sum by ({model}, {kind}) (gen_ai_client_token_usage_sum{{job="workload"}})'
    asked.soon(own, tokens(calls, "model"), model, kind)
    own = f'sum by ({model}) (gen_ai_client_operation_cost_USD_total{{job="workload"}})'
    asked.soon(own, stack.truth.summed("cost", "model", rows=calls), model)
    own = f"sum by ({model}) (gen_ai_client_operation_duration_seconds_count"
    asked.soon(
        own + f'{{job="workload",{model}!=""}})', stack.truth.counted("model", rows=calls), model
    )
    assert asked.query('count({job="silent",__name__=~"gen_ai_client_.*"})') == {}
    assert asked.query('count({job="silent",__name__=~"otelier_.*"})')[()] > 0


def test_labels_are_few(stack: Stack) -> None:
    series = stack.asked.api("series", **{"match[]": '{__name__=~"otelier_[a-z_]+",job="silent"}'})
    labels = {label for each in series for label in each}
    assert labels == {
        "__name__",
        "job",
        "instance",
        "le",
        "error_type",
        "gen_ai_agent_name",
        "gen_ai_data_source_id",
        "gen_ai_operation_name",
        "gen_ai_provider_name",
        "gen_ai_request_model",
        "gen_ai_token_type",
        "gen_ai_tool_name",
        "gen_ai_workflow_name",
        "otelier_metadata_tenant",
    }


# A check for each question that has a query: labels, and what the answer has to be.
Check = tuple[tuple[str, ...], Callable[[Stack], Answer]]
CHECKS: dict[str, Check] = {
    "calls of a company": (
        ("gen_ai_operation_name", "gen_ai_request_model"),
        lambda stack: stack.truth.counted(
            "operation", "model", rows=[row for row in stack.calls if row["tenant"] == "acme"]
        ),
    ),
    "failed retrievals of the last week": (
        ("gen_ai_data_source_id", "error_type"),
        lambda stack: {
            ("handbook", error): count
            for error, count in stack.truth.counted(
                "error",
                rows=[r for r in stack.all if r["operation"] == "retrieval" and r["error"]],
            ).items()
        },
    ),
    "errors by type and model": (
        ("error_type", "gen_ai_request_model"),
        lambda stack: stack.truth.counted(
            "error", "model", rows=[row for row in stack.calls if row["error"]]
        ),
    ),
    "tokens by model over 24 h": (
        ("gen_ai_request_model", "gen_ai_token_type"),
        lambda stack: tokens(stack.calls, "model"),
    ),
    "cost by model over 24 h": (
        ("gen_ai_request_model",),
        lambda stack: stack.truth.summed("cost", "model", rows=stack.calls),
    ),
    "mean latency by model over 24 h": (
        ("gen_ai_request_model",),
        lambda stack: {m: sum(each) / len(each) for m, each in stack.durations().items()},
    ),
    "tool usage counts": (
        ("gen_ai_tool_name",),
        lambda stack: {
            name.removeprefix("execute_tool "): count
            for name, count in stack.truth.counted("name", rows=stack.all).items()
            if name.startswith("execute_tool ")
        },
    ),
    "calls that hit the cache": (
        ("gen_ai_request_model",),
        lambda stack: stack.truth.counted(
            "model", rows=[row for row in stack.calls if row["cached"]]
        ),
    ),
}


def test_each_query_has_a_check() -> None:
    assert queries("PromQL").keys() == CHECKS.keys()


@pytest.mark.parametrize("question", CHECKS)
def test_the_questions(stack: Stack, question: str) -> None:
    (query,) = queries("PromQL")[question]
    labels, expected = CHECKS[question]
    stack.asked.soon(query, expected(stack), *labels)


def test_spans_of_others_do_no_harm(stack: Stack) -> None:
    """Numbers of other types are counted or left out; the batch that they are in is not refused."""

    def chat(kind: int, **named: Any) -> Span:
        names = {"gen_ai__operation__name": "chat", "gen_ai__provider__name": "p", **named}
        return span("chat", kind=kind, **names)

    spans = [
        chat(Span.SPAN_KIND_CLIENT, gen_ai__usage__input_tokens="12", gen_ai__usage__cost=2),
        chat(Span.SPAN_KIND_CLIENT, gen_ai__usage__input_tokens=7.0, gen_ai__usage__cost="free"),
        # An agent in the program sums up its calls.
        chat(Span.SPAN_KIND_INTERNAL, gen_ai__usage__input_tokens=100),
        span("chat", kind=Span.SPAN_KIND_CLIENT),
    ]
    assert post(stack.otlp, request(spans, "odd")) == 200
    stack.asked.soon('otelier_calls_total{job="odd"}', {"p": 2}, "gen_ai_provider_name")
    stack.asked.soon('otelier_cost_USD_total{job="odd"}', {"p": 2}, "gen_ai_provider_name")
    stack.asked.soon('otelier_tokens_total{job="odd"}', {"p": 7}, "gen_ai_provider_name")


@pytest.mark.skipif(ALERTMANAGER is None, reason="no Alertmanager: make backends")
def test_alerts_reach_the_webhook(stack: Stack) -> None:
    def fired() -> dict[str, list[dict[str, str]]]:
        found: dict[str, list[dict[str, str]]] = defaultdict(list)
        assert stack.hook.paths() <= {"/alerts"}
        for body in stack.hook.bodies("/alerts"):
            told = json.loads(body)
            assert told["groupLabels"].keys() <= {"alertname", "otelier_metadata_tenant"}
            for alert in told["alerts"]:
                found[alert["labels"]["alertname"]].append(alert["labels"])
        return found

    wanted = {"GenAIModelUnpriced", "GenAIBudgetExceeded", "CollectorDroppingSpans"}
    until(lambda: True if fired().keys() >= wanted else None, f"{wanted}")
    found = fired()
    # The budget of acme alone was lowered; llama3.2 alone has no price.
    assert {each["otelier_metadata_tenant"] for each in found["GenAIBudgetExceeded"]} == {"acme"}
    models = {each["gen_ai_request_model"] for each in found["GenAIModelUnpriced"]}
    assert models == {"llama3.2"}
    assert {each["exporter"] for each in found["CollectorDroppingSpans"]} == {"otlp_http/down"}
    # What the alert on queues divides is there.
    filled = stack.asked.query("otelcol_exporter_queue_size / otelcol_exporter_queue_capacity")
    assert filled.keys() == {()}


def promtool(*words: str | Path, cwd: Path = METRICS) -> str:
    """What promtool says; it must be content."""
    done = subprocess.run(
        [str(PROMTOOL), *words], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_promtool_is_content() -> None:
    assert "is valid prometheus config" in promtool("check", "config", "prometheus.yaml")
    rules = sorted((METRICS / "rules").glob("*.yaml"))
    assert promtool("check", "rules", *rules).count("SUCCESS") == len(rules) == 3


@pytest.mark.parametrize("name", [file.name for file in RULE_TESTS])
def test_rules_pass_their_unit_tests(name: str) -> None:
    assert "SUCCESS" in promtool("test", "rules", name, cwd=METRICS / "rules" / "tests")


def test_each_alert_is_tested_firing_and_not() -> None:
    (group,) = yaml.safe_load((METRICS / "rules" / "alerts.yaml").read_text())["groups"]
    fires: dict[str, set[bool]] = defaultdict(set)
    tests = [test for file in RULE_TESTS for test in yaml.safe_load(file.read_text())["tests"]]
    for test in tests:
        for case in test.get("alert_rule_test", ()):
            fires[case["alertname"]].add(bool(case["exp_alerts"]))
    assert fires == {rule["alert"]: {True, False} for rule in group["rules"]}
