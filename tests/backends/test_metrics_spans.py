"""metrics, tempo: which spans count, how long, who may connect, and what a refusal shows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.backends.otlp import post, request, span
from tests.backends.programs import program
from tests.backends.questions import queries
from tests.backends.running import CONFIGS, collector, free_ports, opened, until
from tests.backends.tempos import TEMPO, Tempo, beside
from tests.backends.test_dashboards import TARGETS, filled

METRICS, TEMPO_FOLDER = CONFIGS / "metrics", CONFIGS / "tempo"
needs_collector = pytest.mark.skipif(
    program("otelcol") is None, reason="no collector: make backends"
)
needs_tempo = pytest.mark.skipif(
    None in (program("otelcol"), program("prometheus"), TEMPO),
    reason="no Tempo, collector or Prometheus: make backends",
)
CLIENT, INTERNAL = 3, 1
# Client spans that are no model calls, and those that carry usage.
NO_CALLS = ("retrieval", "count_tokens", "fetch_response", "cancel_response")
RETOLD = ("batch_results", "invoke_agent")


def call(operation: str, cost: float | None = None, kind: int = CLIENT, **more: Any) -> Span:
    """A span of an operation; those that carry usage carry that of all others."""
    told: dict[str, Any] = {
        "gen_ai__operation__name": operation,
        "gen_ai__provider__name": "p",
        "gen_ai__request__model": "m",
        "user__id": "ada",
    }
    if operation not in NO_CALLS:
        told |= {
            "gen_ai__usage__input_tokens": 100,
            "gen_ai__usage__output_tokens": 10,
            "gen_ai__usage__cache_read__input_tokens": 40,
        }
    if cost is not None:
        told["gen_ai__usage__cost"] = cost
    return span(operation, kind=kind, **(told | more))


def traffic() -> list[Span]:
    """Three model calls, one of which failed, and what is none."""
    failed = call("chat", 0.25, user__id="bob", error__type="E")
    other = call("invoke_agent", kind=INTERNAL, error__type="E")
    for each in (failed, other):
        each.status.code = each.status.STATUS_CODE_ERROR
    agent = span("invoke_agent", kind=INTERNAL, gen_ai__operation__name="invoke_agent")
    within = call("embeddings", 0.5)
    within.trace_id, within.parent_span_id = agent.trace_id, agent.span_id
    return [
        failed,
        other,
        agent,
        within,
        call("chat"),
        # Tokens, and no price that could be given.
        call("moderation"),
        call("invoke_agent"),
        call("batch_results", 8.0),
        call("batch_results", 8.0),
        *(call(operation) for operation in NO_CALLS),
    ]


def fetched() -> Span:
    """What was answered in the background, first seen whole."""
    return call(
        "fetch_response",
        1.0,
        gen_ai__usage__input_tokens=100,
        gen_ai__usage__output_tokens=10,
        gen_ai__usage__cache_read__input_tokens=40,
    )


def shown(page: str) -> dict[tuple[str, str], float]:
    """The values of a page for Prometheus, by name and operation, without buckets."""
    with opened(page) as response:
        lines = response.read().decode().splitlines()
    found: dict[tuple[str, str], float] = {}
    for line in lines:
        operation = re.search(r'gen_ai_operation_name="(\w+)"', line)
        if operation and "_bucket" not in line:
            key = line.partition("{")[0], operation[1]
            found[key] = found.get(key, 0) + float(line.rpartition(" ")[2])
    return found


@needs_collector
def test_metrics_count_model_calls_alone(tmp_path: Path) -> None:
    (page,) = free_ports(1)
    files = ("metrics/config.yaml", "metrics/from-spans.yaml")
    with collector(tmp_path, *files, PROMETHEUS_ENDPOINT=f"127.0.0.1:{page}") as into:
        assert post(into.http, request([*traffic(), fetched()], "review")) == 200
        url = f"http://127.0.0.1:{page}/metrics"
        until(lambda: ("otelier_steps_total", "retrieval") in shown(url) or None, "the spans")
        values = shown(url)
    of = {
        name: {operation: value for (each, operation), value in values.items() if each == name}
        for name, _ in values
    }
    calls = {"chat": 2, "embeddings": 1, "moderation": 1}
    paid = {**calls, "fetch_response": 1}
    assert of["otelier_calls_total"] == calls
    assert of["otelier_call_duration_seconds_count"] == calls
    assert of["otelier_tokens_total"] == {k: v * 110 for k, v in paid.items()}
    assert of["otelier_cached_tokens_total"] == {k: v * 40 for k, v in paid.items()}
    assert of["otelier_cache_hits_total"] == paid
    costs = {"chat": 0.25, "embeddings": 0.5, "fetch_response": 1.0}
    assert of["otelier_cost_USD_total"] == costs
    assert of["otelier_unpriced_calls_total"] == {"chat": 1}
    assert of["otelier_steps_total"] == {"invoke_agent": 3, "retrieval": 1}


@pytest.fixture(scope="module")
def tempo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tempo]:
    here = tmp_path_factory.mktemp("review")
    made = Tempo(here)
    with made.run(), beside(here, made) as (into, _):
        assert post(into.http, request(traffic(), "review")) == 200
        everything = {"count_over_time": len(traffic())}
        until(lambda: made.sums("{} | count_over_time()") == everything or None, "the spans")
        yield made


# What questions and panels answer; the two batches would add 16 USD and 200 tokens.
QUESTIONS: dict[str, list[dict[Any, Any]]] = {
    "errors by type and model": [{("E", "m"): 1}],
    "tokens by model over 24 h": [{"m": 400}, {"m": 40}],
    "cost by model over 24 h": [{"m": 0.75}],
}
PANELS: dict[tuple[str, str], dict[Any, Any]] = {
    ("Cost by user", "A"): {"ada": 0.5, "bob": 0.25},
    ("Cost by workflow", "A"): {"invoke_agent": 0.5, "chat": 0.25},
    ("Tokens by user", "A"): {"ada": 300, "bob": 100},
    ("Tokens by user", "B"): {"ada": 30, "bob": 10},
    ("Input from the cache, by user", "A"): {"ada": 120, "bob": 40},
    ("Cost beneath agents, by model", "A"): {"m": 0.5},
    ("Failed calls by user", "A"): {"bob": 1},
    ("Mean latency by user", "A"): {"ada": 0.001, "bob": 0.001},
}


@needs_tempo
@pytest.mark.parametrize("question", QUESTIONS)
def test_questions_count_model_calls_alone(tempo: Tempo, question: str) -> None:
    asked = queries("TraceQL")[question]
    assert [tempo.sums(each) for each in asked] == QUESTIONS[question]


@needs_tempo
def test_cache_hits_are_of_model_calls(tempo: Tempo) -> None:
    (asked,) = queries("TraceQL")["calls that hit the cache"]
    hits = "{ span.gen_ai.usage.cache_read.input_tokens > 0 }"
    # With an agent's sum, a provider's agent's and two batches.
    until(lambda: len(tempo.search(hits)) == 4 + 4 or None, "the spans in search")
    found = tempo.search(f"{asked} | select(span.gen_ai.operation.name)")
    names = sorted(each["gen_ai.operation.name"] for each in found)
    assert names == ["chat", "chat", "embeddings", "moderation"]


@needs_tempo
@pytest.mark.parametrize(("panel", "ref"), PANELS)
def test_panels_count_model_calls_alone(tempo: Tempo, panel: str, ref: str) -> None:
    query = filled(TARGETS[panel, ref]["query"])
    wanted = PANELS[panel, ref]
    assert tempo.sums(query) == pytest.approx(wanted, rel=1e-6)
    assert tempo.sums(filled(TARGETS[panel, ref]["query"], provider="other")) == {}


def test_each_panel_of_sums_is_checked() -> None:
    sums = {name for name, each in TARGETS.items() if "_over_time" in each.get("query", "")}
    assert sums == set(PANELS)


@needs_collector
def test_refused_spans_are_counted_under_the_alerts_name(tmp_path: Path) -> None:
    small = "{check_interval: 100ms, limit_mib: 2, spike_limit_mib: 1}"
    limited = tmp_path / "small.yaml"
    limited.write_text(f"processors:\n  memory_limiter/from_spans: {small}\n")
    page, own = free_ports(2)
    settings = {"PROMETHEUS_ENDPOINT": f"127.0.0.1:{page}", "METRICS_PORT": own}
    files = ("metrics/config.yaml", "metrics/from-spans.yaml", limited)
    with collector(tmp_path, *files, **settings) as into:

        def refused() -> bool | None:
            return True if post(into.http, request(traffic())) == 503 else None

        until(refused, "a refusal")
        with opened(f"http://127.0.0.1:{own}/metrics") as response:
            told = response.read().decode()
    (alert,) = (a for a in alerts() if a["alert"] == "CollectorRefusingSpans")
    (name,) = set(re.findall(r"otelcol_\w+", alert["expr"]))
    (value,) = re.findall(rf"^{name}{{.*}} (\S+)$", told, re.MULTILINE)
    assert float(value) > 0


def alerts() -> list[dict[str, Any]]:
    """The alert rules."""
    (group,) = yaml.safe_load((METRICS / "rules" / "alerts.yaml").read_text())["groups"]
    rules: list[dict[str, Any]] = group["rules"]
    return rules


def test_series_live_longer_than_the_longest_window() -> None:
    text = (METRICS / "rules" / "recording.yaml").read_text()
    days = max(int(found) for found in re.findall(r"increase(\d+)d", text))
    for file in (
        METRICS / "from-spans.yaml",
        METRICS / "config.yaml",
        TEMPO_FOLDER / "collector.yaml",
    ):
        kept = yaml.safe_load(file.read_text())["exporters"]["prometheus"]["metric_expiration"]
        assert int(kept.removesuffix("h")) >= (days + 1) * 24, file


def test_jobs_that_are_watched_are_those_of_the_files() -> None:
    """An alert on a job that nobody scrapes is none."""
    (alert,) = (a for a in alerts() if a["alert"] == "GenAIMetricsMissing")
    watched = set(re.findall(r'job=~"([^"]+)"', alert["expr"])[0].split("|"))
    for folder in (METRICS, TEMPO_FOLDER):
        text = (folder / "prometheus.yaml").read_text()
        jobs = {each["job_name"] for each in yaml.safe_load(text)["scrape_configs"]}
        assert {"otelier", "collector"} <= jobs <= watched
        # The examples are configuration when their signs are taken off.
        more = yaml.safe_load(re.sub(r"(?m)^  # (?=- job_name|  )", "  ", text))["scrape_configs"]
        assert {each["job_name"] for each in more} == jobs | {"gateway", "agent"} <= watched


LISTENING: dict[str, tuple[Path, str, Callable[[str], bool]]] = {
    "metrics": (METRICS / "config.yaml", "collector", lambda name: True),
    "collector": (
        TEMPO_FOLDER / "collector.yaml",
        "collector",
        lambda name: name != "TEMPO_ENDPOINT",
    ),
    "tempo": (TEMPO_FOLDER / "tempo.yaml", "tempo", lambda name: True),
}


@pytest.mark.parametrize("name", LISTENING)
def test_programs_listen_to_this_machine_and_in_docker_to_the_network(name: str) -> None:
    file, service, listens = LISTENING[name]
    text = file.read_text()
    assert not re.search(r"0\.0\.0\.0:|-0\.0\.0\.0", text)
    hosts = re.findall(r"\$\{(?:env:)?(\w+):-(?:127\.0\.0\.1|localhost)\b", text)
    compose = yaml.safe_load((file.parent / "docker-compose.yaml").read_text())["services"]
    given = compose[service]["environment"]
    opening = {each for each in hosts if listens(each)}
    assert opening
    assert {each for each in given if given[each].startswith("0.0.0.0")} == opening


def test_grafana_has_no_usual_password() -> None:
    compose = yaml.safe_load((TEMPO_FOLDER / "docker-compose.yaml").read_text())["services"]
    given = compose["grafana"]["environment"]["GF_SECURITY_ADMIN_PASSWORD"]
    assert given.startswith("${GRAFANA_PASSWORD:?")
    assert "GRAFANA_PASSWORD=" in (TEMPO_FOLDER / "README.md").read_text()
