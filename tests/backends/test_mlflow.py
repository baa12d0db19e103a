"""mlflow: what MLflow shows of our spans, directly and through the collector's translation.

Three experiments: ``workload`` and ``talk`` come through the collector, ``direct`` is the workload
again, sent straight to MLflow.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.backends.otlp import attributes
from tests.backends.programs import program
from tests.backends.running import OTELCOL, free_ports, get, running, until, workload
from tests.backends.running import collector as started
from tests.backends.shown import (
    ANSWER,
    ARGUMENTS,
    ASKED,
    CACHE_WRITE,
    CHAT_TOKENS,
    SYSTEM,
    TALK_SPANS,
    ask,
    conditions,
    refused,
    say,
    switches,
)
from tests.backends.truth import Truth, near

MLFLOW = program("mlflow")
pytestmark = pytest.mark.skipif(
    MLFLOW is None or OTELCOL is None, reason="no MLflow or no collector: make backends"
)


class MLflow:
    """MLflow's REST interface, and the truth of what was sent."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.truth: Truth
        self.experiments: dict[str, str] = {}

    def create(self, name: str) -> str:
        """A new experiment's id."""
        told = ask(f"{self.url}/api/2.0/mlflow/experiments/create", {"name": name})
        return str(self.experiments.setdefault(name, told["experiment_id"]))

    def search(self, where: str = "", experiment: str = "workload") -> list[dict[str, Any]]:
        """Traces, the youngest first; ``where`` is what one types into the search field."""
        place = {"experiment_id": self.experiments[experiment]}
        asked: dict[str, Any] = {
            "locations": [{"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": place}],
            "filter": where,
            "max_results": 100,
            "order_by": ["timestamp_ms DESC"],
        }
        return list(ask(f"{self.url}/api/3.0/mlflow/traces/search", asked).get("traces", ()))

    def sessions(self, where: str, experiment: str = "workload") -> Counter[str]:
        """How many traces of each session a search finds."""
        found = self.search(where, experiment)
        return Counter(each["trace_metadata"]["mlflow.trace.session"] for each in found)

    def spans(self, experiment: str = "workload") -> list[dict[str, Any]]:
        """All spans of an experiment, whole."""
        return [span for each in self.search("", experiment) for span in self.trace(each)]

    def trace(self, trace: dict[str, Any]) -> list[dict[str, Any]]:
        """The spans of a trace, with plain attributes."""
        asked = f"{self.url}/api/3.0/mlflow/traces/get?trace_id={quote(trace['trace_id'])}"
        spans = get(asked)["trace"].get("spans", ())
        return [{**span, "attributes": attributes(span["attributes"])} for span in spans]

    def measured(
        self, view: str, metric: str, how: str, *by: str, experiment: str = "workload"
    ) -> dict[str, float]:
        """A number of the overview by the values of a dimension."""
        told = ask(
            f"{self.url}/api/3.0/mlflow/traces/metrics",
            {
                "experiment_ids": [self.experiments[experiment]],
                "view_type": view,
                "metric_name": metric,
                "aggregations": [{"aggregation_type": how}],
                "dimensions": by,
            },
        )
        return {
            ",".join(point.get("dimensions", {}).get(each, "") for each in by): point["values"][how]
            for point in told["data_points"]
        }


@contextmanager
def collector(mlflow: MLflow, here: Path, experiment: str) -> Iterator[str]:
    """The collector of this folder in front of an experiment: its address."""
    settings = {
        "MLFLOW_ENDPOINT": mlflow.url,
        "MLFLOW_EXPERIMENT_ID": mlflow.create(experiment),
    }
    with started(here, "mlflow/collector.yaml", **settings) as into:
        yield into.http
    # What a statement cannot do is logged there.
    assert not [line for line in into.log.splitlines() if "\tinfo\t" not in line]


def arrived(mlflow: MLflow, experiment: str, spans: int) -> None:
    """Wait for the spans of an experiment."""

    def look() -> bool | None:
        counted = mlflow.measured("SPANS", "span_count", "COUNT", experiment=experiment)
        return True if sum(counted.values()) >= spans else None

    until(look, f"the spans of {experiment}")


@pytest.fixture(scope="module")
def mlflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MLflow]:
    here: Path = tmp_path_factory.mktemp("mlflow")
    (port,) = free_ports(1)
    asked = MLflow(f"http://127.0.0.1:{port}")
    hosts = {"MLFLOW_SERVER_ALLOWED_HOSTS": f"mlflow:5000,127.0.0.1:{port}"}
    command = [
        *(MLFLOW, "-m", "mlflow", "server", "--host=127.0.0.1", f"--port={port}", "--workers=1"),
        *(f"--backend-store-uri=sqlite:///{here}/mlflow.db", f"--artifacts-destination={here}/a"),
    ]
    quiet = {"OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}
    with running(command, here, port, **{**switches("mlflow"), **hosts}):
        with collector(asked, here, "workload") as address:
            asked.truth = workload(here, address, **quiet)
            arrived(asked, "workload", len(asked.truth.rows))
        with collector(asked, here, "talk") as address:
            say(address, "talk")
            arrived(asked, "talk", TALK_SPANS)
        header = f"x-mlflow-experiment-id={asked.create('direct')}"
        workload(here, asked.url, **quiet, OTEL_EXPORTER_OTLP_HEADERS=header)
        arrived(asked, "direct", len(asked.truth.rows))
        header = f"x-mlflow-experiment-id={asked.create('direct talk')}"
        say(asked.url, "direct-talk", OTEL_EXPORTER_OTLP_HEADERS=header)
        arrived(asked, "direct talk", TALK_SPANS)
        yield asked


# USD for a call of gpt-4o in the talk.
TALK_COST = (CHAT_TOKENS[0] * 2.5 + CHAT_TOKENS[1] * 10) / 1e6
# MLflow shows the model that answered.
ANSWERS = {"gpt-4o": "gpt-4o-2024-08-06", "claude-haiku-4-5": "claude-haiku-4-5-20251001"}
KINDS = {
    "chat": "CHAT_MODEL",
    "generate_content": "LLM",
    "embeddings": "EMBEDDING",
    "execute_tool": "TOOL",
    "retrieval": "RETRIEVER",
    "invoke_agent": "AGENT",
    "invoke_workflow": "CHAIN",
    "rerank": "RERANKER",
}


def test_every_span_has_its_kind_session_and_user(mlflow: MLflow) -> None:
    shown = Counter(
        (
            span["name"],
            span["attributes"]["mlflow.spanType"],
            span["attributes"]["session.id"],
            span["attributes"]["user.id"],
            span["status"].get("code") == "STATUS_CODE_ERROR",
            span["attributes"].get("error.type"),
        )
        for span in mlflow.spans()
    )
    assert shown == Counter(
        (
            row["name"],
            KINDS[row["operation"]],
            row["session"],
            row["user"],
            row["error"] is not None,
            row["error"],
        )
        for row in mlflow.truth.rows
    )

    # Straight to MLflow: what it shows by itself, and what its search finds.
    bare = {
        s["name"].split()[0]: s["attributes"].get("mlflow.spanType") for s in mlflow.spans("direct")
    }
    known = ("chat", "generate_content", "embeddings", "execute_tool", "invoke_agent")
    assert bare == {
        **{operation: KINDS[operation] for operation in known},
        "invoke_workflow": None,
        "retrieval": None,
        "rerank": "LLM",
    }
    tools = mlflow.truth.counted(
        "session", rows=mlflow.truth.where(name="execute_tool search_orders")
    )
    assert mlflow.sessions("span.type = 'TOOL'") == tools
    assert not mlflow.search("span.type = 'TOOL'", "direct")


def test_traces_have_session_user_tags_and_metadata(mlflow: MLflow) -> None:
    shown = Counter(
        (
            trace["trace_metadata"]["mlflow.trace.session"],
            trace["trace_metadata"]["mlflow.trace.user"],
            trace["tags"]["tenant"],
            trace["tags"]["tags"],
            trace["tags"]["mlflow.traceName"],
        )
        for trace in mlflow.search()
    )
    roots = mlflow.truth.where(operation="invoke_workflow")
    assert shown == Counter(
        (row["session"], row["user"], row["tenant"], f'["{row["tag"]}","demo"]', row["name"])
        for row in roots
    )
    for trace in mlflow.search(experiment="direct"):
        assert not {"tenant", "tags", "mlflow.traceName"} & set(trace["tags"])
        assert trace["trace_metadata"]["mlflow.trace.session"]


def test_model_calls_have_model_provider_tokens_and_messages(mlflow: MLflow) -> None:
    usage = "mlflow.chat.tokenUsage"
    shown = [s["attributes"] for s in mlflow.spans() if "mlflow.llm.model" in s["attributes"]]
    assert Counter(
        (
            told["mlflow.llm.model"],
            told["mlflow.llm.provider"],
            told.get(usage, {}).get("input_tokens"),
            told.get(usage, {}).get("output_tokens"),
            told.get(usage, {}).get("cache_read_input_tokens"),
        )
        for told in shown
    ) == Counter(
        (
            ANSWERS.get(row["model"], row["model"]),
            row["provider"],
            row["input"],
            row["output"],
            row["cached"] or None,
        )
        for row in mlflow.truth.calls
    )
    chats = [told for told in shown if told["mlflow.llm.model"] == "gpt-4o-2024-08-06"]
    assert len(chats) == len(mlflow.truth.where(model="gpt-4o"))
    for told in chats:
        assert told["mlflow.spanInputs"][0]["role"] == "user"
        assert told["mlflow.spanOutputs"][0]["parts"][0]["content"] == mlflow.truth.words


def test_a_conversation_with_a_tool(mlflow: MLflow) -> None:
    talked = mlflow.spans("talk")
    spans = [s["attributes"] for s in talked if s["name"] == "chat gpt-4o"]
    first, second = sorted(spans, key=lambda told: len(told["mlflow.spanInputs"]))
    (call,) = first["mlflow.spanOutputs"][0]["parts"]
    assert (call["type"], call["name"], call["id"]) == ("tool_call", "weather", "call_1")
    assert {**call["arguments"], "station": int(call["arguments"]["station"])} == ARGUMENTS
    assert first["mlflow.chat.tools"][0]["name"] == "weather"
    said = [each["role"] for each in second["mlflow.spanInputs"]]
    assert said == ["system", "user", "assistant", "tool"]
    assert second["mlflow.spanInputs"][-1]["parts"][0]["response"] == "rain"
    # Instructions outside of the messages: the collector puts them in front.
    for told in (s["attributes"] for s in talked if s["name"].startswith("chat claude")):
        assert [each["role"] for each in told["mlflow.spanInputs"]] == ["system", "user"]
        assert told["mlflow.spanInputs"][0]["parts"][0]["content"] == SYSTEM
        assert "Keep this" in told["mlflow.spanInputs"][1]["parts"][0]["content"]
    shown = {s["name"]: s["attributes"]["mlflow.spanType"] for s in talked}
    assert shown["apply_guardrail"] == "GUARDRAIL"
    assert shown["text_completion gpt-3.5-turbo-instruct"] == "LLM"
    (root,) = (s["attributes"] for s in talked if not s.get("parent_span_id"))
    assert root["mlflow.spanInputs"][0]["parts"][0]["content"] == ASKED
    assert root["mlflow.spanOutputs"][0]["parts"][0]["content"] == ANSWER


@pytest.mark.parametrize("experiment", ["talk", "direct talk"])
def test_sessions_read_as_conversations(mlflow: MLflow, experiment: str) -> None:
    """A trace shows the messages of its root; the session of its spans is its own."""
    (trace,) = mlflow.search(experiment=experiment)
    assert trace["trace_metadata"]["mlflow.trace.session"] == experiment.replace(" ", "-")
    (asked,) = json.loads(trace["request_preview"])
    (answered,) = json.loads(trace["response_preview"])
    assert (asked["role"], asked["parts"][0]["content"]) == ("user", ASKED)
    assert (answered["role"], answered["parts"][0]["content"]) == ("assistant", ANSWER)


@pytest.mark.parametrize(
    ("experiment", "name"), [("talk", "otelier.usage"), ("direct talk", "gen_ai.usage")]
)
def test_agents_sums_are_not_added_to_their_calls(
    mlflow: MLflow, experiment: str, name: str
) -> None:
    (trace,) = mlflow.search(experiment=experiment)
    spans = {span["name"]: span["attributes"] for span in mlflow.trace(trace)}
    root, agent = spans["invoke_workflow weather_report"], spans["invoke_agent forecaster"]
    tokens = json.loads(trace["trace_metadata"]["mlflow.trace.tokenUsage"])
    for side in ("input_tokens", "output_tokens"):
        assert tokens[side] == root[f"{name}.{side}"]
    assert agent[f"{name}.input_tokens"] == 3 * CHAT_TOKENS[0]
    by = "span_model_name"
    cost = mlflow.measured("SPANS", "total_cost", "SUM", by, experiment=experiment)["gpt-4o"]
    # Straight to MLflow, it prices the sum of the agent's three calls once more, as its model's.
    assert cost == near(TALK_COST * (3 if experiment == "talk" else 3 + 3))


def test_retrievals_have_query_and_documents(mlflow: MLflow) -> None:
    for experiment, shows in (("workload", True), ("direct", False)):
        found = [s for s in mlflow.spans(experiment) if s["name"] == "retrieval handbook"]
        assert len(found) == len(mlflow.truth.where(operation="retrieval"))
        for told in (span["attributes"] for span in found):
            assert (told.get("mlflow.spanInputs") == mlflow.truth.question) is shows
            documents = shows and "error.type" not in told
            assert (mlflow.truth.document in str(told.get("mlflow.spanOutputs"))) is documents
    (own,) = (s["attributes"] for s in mlflow.spans("talk") if s["name"].startswith("retrieval"))
    assert own["mlflow.spanOutputs"] == "own"


@pytest.mark.parametrize("experiment", ["workload", "direct"])
def test_cost_by_model(mlflow: MLflow, experiment: str) -> None:
    """Straight to MLflow it is MLflow's own list, through the collector otelier's: the same."""
    by = "span_model_name"
    shown = mlflow.measured("SPANS", "total_cost", "SUM", by, experiment=experiment)
    costs = mlflow.truth.summed("cost", "model")
    assert shown == near({ANSWERS.get(m, m): c for m, c in costs.items()})


def test_cost_is_otelier_s(mlflow: MLflow) -> None:
    """Cache writes for an hour: MLflow's price for them needs a count that OTLP has no name for."""
    name, read_and_said = "chat claude-haiku-4-5", (50 * 1.0 + 20 * 5.0) / 1e6
    for experiment, prices in (("talk", (1.25, 2.0)), ("direct talk", (1.25, 1.25))):
        shown = [s["attributes"] for s in mlflow.spans(experiment) if s["name"] == name]
        assert sorted(told["mlflow.llm.cost"]["total_cost"] for told in shown) == near(
            [read_and_said + CACHE_WRITE * price / 1e6 for price in prices]
        )
    shown = [s["attributes"] for s in mlflow.spans("talk") if s["name"] == name]
    for told in shown:
        parts = told["mlflow.llm.cost"]
        assert parts["total_cost"] == told["gen_ai.usage.cost"]
        assert parts["input_cost"] + parts["output_cost"] == near(parts["total_cost"])
        assert told["mlflow.chat.tokenUsage"]["cache_creation_input_tokens"] == CACHE_WRITE
    for trace in mlflow.search():
        (session,) = {s["attributes"]["session.id"] for s in mlflow.trace(trace)}
        turns = [row for row in mlflow.truth.calls if row["session"] == session]
        cost = mlflow.truth.summed("cost", "session", rows=turns)[session]
        told = json.loads(trace["trace_metadata"]["mlflow.trace.cost"])
        traces = len({row["turn"] for row in turns})
        assert told["total_cost"] * traces == near(cost)


def test_an_error_below_a_root_that_went_well(mlflow: MLflow) -> None:
    failed = {row["turn"]: row["session"] for row in mlflow.truth.rows if row["error"]}
    assert not mlflow.search("trace.status = 'ERROR'")
    assert {trace["state"] for trace in mlflow.search()} == {"OK"}
    assert mlflow.sessions("span.status = 'ERROR'") == Counter(failed.values())


def test_questions_of_the_search_field(mlflow: MLflow) -> None:
    truth = mlflow.truth

    def of(**equal: Any) -> Counter[str]:
        """Traces of the sessions in which a span has these values."""
        return Counter({r["turn"]: r["session"] for r in truth.where(**equal)}.values())

    cached = {row["turn"]: row["session"] for row in truth.calls if row["cached"]}
    last = max(row["id"] for row in truth.rows if row.get("id") and len(row["id"]) == 12)
    by_type = "span.type = 'RETRIEVER' AND span.status = 'ERROR'"
    found = {
        "metadata.mlflow.trace.session = 's-01'": of(session="s-01"),
        "metadata.mlflow.trace.user = 'ada'": of(user="ada"),
        "tags.tenant = 'acme'": of(tenant="acme"),
        "tags.tags LIKE '%\"beta\"%'": of(tag="beta"),
        by_type: of(operation="retrieval", error="LookupError"),
        "span.attributes.error.type LIKE '%RateLimitError%'": of(error="openai.RateLimitError"),
        "span.name = 'execute_tool open_ticket'": of(name="execute_tool open_ticket"),
        "span.attributes.gen_ai.usage.cache_read.input_tokens LIKE '%'": Counter(cached.values()),
        "trace.text LIKE '%crimson%'": of(session="s-05"),
        f"span.attributes.gen_ai.response.id LIKE '%{last}%'": of(id=last),
        "metadata.mlflow.trace.session = 's-99'": Counter(),
        "tags.tenant = 'nobody'": Counter(),
        # Attributes are kept as quoted texts: equality finds nothing.
        "span.attributes.error.type = 'openai.RateLimitError'": Counter(),
    }
    assert conditions("mlflow") <= {where.replace(last, "chatcmpl-4") for where in found}
    assert {where: mlflow.sessions(where) for where in found} == found
    assert all(found[where] for where in list(found)[:-3])
    # Without the collector's span types and tags these find nothing.
    for where in (by_type, "tags.tenant = 'acme'"):
        assert not mlflow.search(where, "direct")


def test_numbers_of_the_overview(mlflow: MLflow) -> None:
    truth = mlflow.truth
    assert mlflow.measured("SPANS", "span_count", "COUNT", "span_name") == truth.counted("name")
    sessions = len(truth.counted("session"))
    assert mlflow.measured("TRACES", "session_count", "COUNT") == {"": sessions}
    totals = [sum(truth.summed(what, "model").values()) for what in ("input", "output")]
    for metric, total in zip(("input_tokens", "output_tokens"), totals, strict=True):
        assert mlflow.measured("TRACES", metric, "SUM") == {"": total}
    # Straight to MLflow it is the root's sum.
    for experiment in ("workload", "direct"):
        shown = mlflow.measured("TRACES", "total_tokens", "SUM", experiment=experiment)
        assert shown == {"": sum(totals)}
    parts = [mlflow.measured("SPANS", part, "SUM") for part in ("input_cost", "output_cost")]
    whole = sum(truth.summed("cost", "model").values())
    assert sum(part[""] for part in parts) == near(whole)
    kinds = Counter(KINDS[row["operation"]] for row in truth.rows)
    assert mlflow.measured("SPANS", "span_count", "COUNT", "span_type") == kinds
    assert set(mlflow.measured("SPANS", "latency", "AVG", "span_name")) == set(
        truth.counted("name")
    )


def test_mlflow_takes_traces_of_a_known_experiment(mlflow: MLflow) -> None:
    assert refused(f"{mlflow.url}/v1/metrics") == 404
    assert refused(f"{mlflow.url}/v1/logs") == 404
    assert refused(f"{mlflow.url}/v1/traces") == 422
    # Hosts that MLflow was not told of are refused, and a collector gives up on a 403.
    assert refused(f"{mlflow.url}/v1/traces", host="mlflow:5000") == 422
    assert refused(f"{mlflow.url}/v1/traces", host="mlflow.internal:5000") == 403
