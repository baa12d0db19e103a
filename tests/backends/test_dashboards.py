"""tempo/grafana/dashboards: every panel's query is run as Grafana would, and has the truth."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.backends.otlp import attributes
from tests.backends.prometheus import Answer, Prometheus
from tests.backends.running import CONFIGS, OTELCOL, until, workload
from tests.backends.tempos import PROMETHEUS, TEMPO, Tempo, beside
from tests.backends.truth import Row, Truth, near

pytestmark = pytest.mark.skipif(
    None in (OTELCOL, PROMETHEUS), reason="no collector or Prometheus: make backends"
)
FILES = sorted((CONFIGS / "tempo" / "grafana" / "dashboards").glob("*.json"))
BOARDS: list[dict[str, Any]] = [json.loads(file.read_text()) for file in FILES]
TARGETS = {
    (panel["title"], target["refId"]): target
    for board in BOARDS
    for panel in board["panels"]
    for target in panel["targets"]
}


def of(source: str) -> list[tuple[str, str]]:
    """The targets of a data source."""
    return [name for name, each in TARGETS.items() if each["datasource"]["uid"] == source]


def filled(text: str, provider: str = ".*", model: str = ".*") -> str:
    """A query with its variables replaced as Grafana would."""
    values = {"__rate_interval": "5m", "__range": "1h", "provider": provider, "model": model}
    return re.sub(r"\$(\w+)", lambda found: values[found[1]], text)


@dataclass
class Stack:
    """Prometheus, Tempo where it runs, and what was done."""

    asked: Prometheus
    tempo: Tempo
    truth: Truth

    def query(self, panel: str, *labels: str, ref: str = "A", **variables: str) -> Answer:
        """What a panel shows."""
        return self.asked.query(filled(TARGETS[panel, ref]["expr"], **variables), *labels)

    def sums(self, panel: str, label: str, **variables: str) -> Answer:
        """What a panel of TraceQL metrics shows, summed over its bars."""
        now = int(time.time())
        asked = {
            "q": filled(TARGETS[panel, "A"]["query"], **variables),
            "start": now - 3600,
            "end": now,
            "step": "60s",
        }
        found = self.tempo.get("/api/metrics/query_range", **asked)
        return {
            attributes(each["labels"])[label]: sum(x.get("value", 0) for x in each["samples"])
            for each in found["series"]
        }


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    here: Path = tmp_path_factory.mktemp("dashboards")
    tempo = Tempo(here)
    with ExitStack() as stack:
        if TEMPO:
            stack.enter_context(tempo.run())
        into, asked = stack.enter_context(beside(here, tempo))
        yield Stack(asked, tempo, sent(here, into.http, asked))


def sent(here: Path, otlp: str, asked: Prometheus) -> Truth:
    """Run the workload twice: a rate needs a counter that has grown."""
    rows: list[Row] = []
    for _ in range(2):
        truth = workload(here, otlp, OTEL_METRICS_EXPORTER="none")
        rows += truth.rows
        calls = {(): float(sum("model" in row for row in rows))}
        asked.soon("sum(otelier_calls_total)", calls)
    truth.rows = rows
    asked.soon("sum(otelier:steps:increase1d)", {(): float(len(rows)) - calls[()]})
    asked.soon("sum(otelier:calls:increase1d)", calls)
    return truth


def test_the_files_are_dashboards() -> None:
    assert len({board["uid"] for board in BOARDS}) == len(BOARDS) == 2
    for board in BOARDS:
        assert board["schemaVersion"] >= 39
        assert {each["name"] for each in board["templating"]["list"]} == {"provider", "model"}
        taken: set[tuple[int, int]] = set()
        for panel in board["panels"]:
            at = panel["gridPos"]
            cells = {
                (x, y)
                for x in range(at["x"], at["x"] + at["w"])
                for y in range(at["y"], at["y"] + at["h"])
            }
            assert at["x"] + at["w"] <= 24, panel["title"]
            assert not taken & cells, f"{panel['title']} overlaps"
            taken |= cells
            assert [each["refId"] for each in panel["targets"]] == list(
                "ABC"[: len(panel["targets"])]
            )
            uids = {each["datasource"]["uid"] for each in (panel, *panel["targets"])}
            assert uids in ({"prometheus"}, {"tempo"})
            for link in panel.get("links", ()):
                assert link["url"].split("?")[0] in {f"/d/{each['uid']}" for each in BOARDS}
        ids = [panel["id"] for panel in board["panels"]]
        assert len(set(ids)) == len(ids)


def test_the_variables_have_the_values(stack: Stack) -> None:
    for board in BOARDS:
        values: dict[str, set[str]] = {}
        for each in board["templating"]["list"]:
            match = re.fullmatch(r"label_values\((.+), (\w+)\)", each["query"]["query"])
            assert match and each["definition"] == each["query"]["query"]
            given = filled(match[1], provider="anthropic|ollama")
            values[each["name"]] = set(
                stack.asked.api(f"label/{match[2]}/values", **{"match[]": given})
            )
        assert values["provider"] == set(stack.truth.counted("provider", rows=stack.truth.calls))
        assert values["model"] == {"claude-haiku-4-5", "llama3.2"}


@pytest.mark.parametrize(("panel", "ref"), of("prometheus"))
def test_every_panel_has_data(stack: Stack, panel: str, ref: str) -> None:
    labels = re.findall(r"{{(\w+)}}", TARGETS[panel, ref].get("legendFormat", ""))

    def shown() -> bool | None:
        # The workload has some of everything: zeros alone are no data.
        values = stack.query(panel, *labels, ref=ref).values()
        return any(value > 0 for value in values) or None

    until(shown, f"data of {panel}")


# Sums that panels show: labels, and what they have to be for some model calls.
SUMS: dict[str, tuple[tuple[str, ...], Callable[[Truth, list[Row]], Any]]] = {
    "Cost in 24 h": ((), lambda truth, calls: {(): sum(row["cost"] or 0 for row in calls)}),
    "Cost in 24 h, by tenant": (
        ("otelier_metadata_tenant",),
        lambda truth, calls: truth.summed("cost", "tenant", rows=calls),
    ),
    "Cost in 24 h, by provider": (
        ("gen_ai_provider_name",),
        lambda truth, calls: truth.summed("cost", "provider", rows=calls),
    ),
    "Tokens in 24 h": (
        ("gen_ai_token_type",),
        lambda truth, calls: {
            kind: sum(row[kind] or 0 for row in calls) for kind in ("input", "output")
        },
    ),
    "Calls in 24 h": ((), lambda truth, calls: {(): len(calls)}),
    "Failed calls in 24 h": (
        (),
        lambda truth, calls: {(): sum(row["error"] is not None for row in calls)},
    ),
    "Failed calls in 24 h, by type and model": (
        ("error_type", "gen_ai_request_model"),
        lambda truth, calls: truth.counted(
            "error", "model", rows=[row for row in calls if row["error"]]
        ),
    ),
    "Models without a price in 24 h": (
        ("gen_ai_request_model",),
        lambda truth, calls: truth.counted(
            "model", rows=[row for row in calls if row["input"] and row["cost"] is None]
        ),
    ),
}


@pytest.mark.parametrize("provider", [".*", "openai", "anthropic|ollama"])
@pytest.mark.parametrize("panel", SUMS)
def test_panels_show_the_truth(stack: Stack, panel: str, provider: str) -> None:
    labels, expected = SUMS[panel]
    calls = [r for r in stack.truth.calls if re.fullmatch(provider, r["provider"])]
    query = filled(TARGETS[panel, "A"]["expr"], provider=provider)
    stack.asked.soon(query, expected(stack.truth, calls), *labels)


def test_the_cache_and_steps_show_the_truth(stack: Stack) -> None:
    calls = stack.truth.calls
    share = sum(row["cached"] for row in calls) / sum(row["input"] or 0 for row in calls)
    assert stack.query("Input from the cache in 24 h") == near({(): share})
    hits = sum(row["cached"] > 0 for row in calls)
    assert stack.query("Calls that hit the cache in 24 h") == {(): hits}
    tools = stack.query("Tools in 24 h", "gen_ai_tool_name", "error_type")
    rows = stack.truth.where(operation="execute_tool")
    assert tools == {
        (name.removeprefix("execute_tool "), error): count
        for (name, error), count in stack.truth.counted("name", "error", rows=rows).items()
    }


def test_rates_grow_where_there_was_traffic(stack: Stack) -> None:
    """The second run is seen as growth, model by model."""
    grown = stack.query("Cost an hour, by model", "gen_ai_request_model")
    priced = {row["model"] for row in stack.truth.calls if row["cost"]}
    assert {model for model, value in grown.items() if value > 0} == priced
    other = stack.query("Cost an hour, by model", "gen_ai_request_model", model="claude.*")
    assert other.keys() == {"claude-haiku-4-5"}


@pytest.mark.skipif(TEMPO is None, reason="no Tempo: make backends")
@pytest.mark.parametrize("provider", [".*", "openai"])
def test_panels_of_traces_show_the_truth(stack: Stack, provider: str) -> None:
    rows = [r for r in stack.truth.calls if re.fullmatch(provider, r["provider"])]
    users = stack.truth.summed("cost", "user", rows=rows)

    def all_there() -> bool | None:
        found = stack.sums("Cost by user", "span.user.id", provider=provider)
        return True if found == near(users) else None

    until(all_there, f"{users} in Tempo")
    shown = stack.sums("Cost by workflow", "rootName", provider=provider)
    assert shown == near({"invoke_workflow answer_question": sum(users.values())})


@pytest.mark.skipif(TEMPO is None, reason="no Tempo: make backends")
def test_the_table_of_errors(stack: Stack) -> None:
    asked = {"q": TARGETS["Latest traces with errors", "A"]["query"], "limit": 100}
    wanted = len({(row["turn"]) for row in stack.truth.rows if row["error"]}) * 2

    def traces() -> list[Any] | None:
        found: list[Any] = stack.tempo.get("/api/search", **asked)["traces"]
        return found if len(found) == wanted else None

    assert until(traces, f"{wanted} traces with errors")
