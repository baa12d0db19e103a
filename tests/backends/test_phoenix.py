"""phoenix: what Phoenix shows of our spans, directly and through the collector's translation.

Four projects: ``workload`` and ``talk`` come through the collector, ``direct`` is the talk again,
sent straight to Phoenix: what the translation adds is the difference of the last two. ``compat`` is
it once more, straight, with what otelier adds itself by a setting.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.backends.programs import program
from tests.backends.running import OTELCOL, collector, free_ports, get, running, until, workload
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

PHOENIX = program("phoenix")
pytestmark = pytest.mark.skipif(
    PHOENIX is None or OTELCOL is None, reason="no Phoenix or no collector: make backends"
)


class Phoenix:
    """Phoenix's interfaces, and the truth of what was sent."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.truth: Truth

    def spans(self, project: str, **wanted: str) -> list[dict[str, Any]]:
        """A project's spans by the REST interface."""
        asked = urlencode({"limit": 1000, **wanted})
        found = get(f"{self.url}/v1/projects/{project}/spans?{asked}")
        assert found is not None, "Phoenix does not answer"
        return list(found["data"])

    def has(self, project: str, spans: int) -> bool | None:
        """True once a project is there with so many spans."""
        found = get(f"{self.url}/v1/projects")
        known = {each["name"] for each in found["data"]} if found else set()
        return (project in known and len(self.spans(project)) >= spans) or None

    def ask(self, fields: str, where: str = "", project: str = "workload") -> Any:
        """Fields of a project by GraphQL; ``where`` is what one types into the search field."""
        declared = "$project: String!" + (", $where: String" if "$where" in fields else "")
        query = f"query({declared}) {{ getProjectByName(name: $project) {{ {fields} }} }}"
        told = {"query": query, "variables": {"project": project, "where": where}}
        found = ask(f"{self.url}/graphql", told)
        assert "errors" not in found, found
        return found["data"]["getProjectByName"]

    def found(self, where: str, fields: str = "name") -> list[dict[str, Any]]:
        """Fields of the spans that the search field finds."""
        asked = f"spans(first: 1000, filterCondition: $where) {{ edges {{ node {{ {fields} }} }} }}"
        return [edge["node"] for edge in self.ask(asked, where)["spans"]["edges"]]

    def cost(self, where: str, project: str = "workload") -> float | None:
        """What Phoenix thinks that spans cost."""
        asked = "costSummary(filterCondition: $where) { total { cost } }"
        cost: float | None = self.ask(asked, where, project)["costSummary"]["total"]["cost"]
        return cost


@pytest.fixture(scope="module")
def phoenix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Phoenix]:
    here: Path = tmp_path_factory.mktemp("phoenix")
    port, phoenix_grpc = free_ports(2)
    settings = {
        **switches("phoenix"),
        "PHOENIX_WORKING_DIR": str(here),
        "PHOENIX_HOST": "127.0.0.1",
        "PHOENIX_PORT": str(port),
        "PHOENIX_GRPC_PORT": str(phoenix_grpc),
    }
    asked = Phoenix(f"http://127.0.0.1:{port}")
    quiet = {"OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}
    with collector(here, "phoenix/collector.yaml", PHOENIX_ENDPOINT=asked.url) as into:
        # Phoenix is not there yet: the collector keeps the talk for it.
        say(into.http)
        with running([PHOENIX, "-m", "phoenix.server.main", "serve"], here, port, **settings):
            asked.truth = workload(here, into.http, **quiet)
            for name, env in (("direct", {}), ("compat", {"OTELIER_COMPAT": "openinference"})):
                project = f"openinference.project.name={name}"
                say(asked.url, name, OTEL_RESOURCE_ATTRIBUTES=project, **env)
            wanted = {
                "workload": len(asked.truth.rows),
                **dict.fromkeys(("talk", "direct", "compat"), TALK_SPANS),
            }
            for name, count in wanted.items():
                until(partial(asked.has, name, count), f"spans of {name}")
            # What a statement cannot do is logged there.
            assert not [line for line in into.log.splitlines() if "\tinfo\t" not in line]
            yield asked


KINDS = {
    "chat": "LLM",
    "generate_content": "LLM",
    "embeddings": "EMBEDDING",
    "execute_tool": "TOOL",
    "retrieval": "RETRIEVER",
    "invoke_agent": "AGENT",
    "invoke_workflow": "CHAIN",
    "rerank": "RERANKER",
}


def test_every_span_has_its_kind_session_user_tags_and_metadata(phoenix: Phoenix) -> None:
    shown = Counter(
        (
            span["name"],
            span["span_kind"],
            span["attributes"]["session.id"],
            span["attributes"]["user.id"],
            tuple(span["attributes"]["tag.tags"]),
            span["attributes"]["metadata.tenant"],
            span["status_code"] == "ERROR",
            span["attributes"].get("error.type"),
        )
        for span in phoenix.spans("workload")
    )
    assert shown == Counter(
        (
            row["name"],
            KINDS[row["operation"]],
            row["session"],
            row["user"],
            (row["tag"], "demo"),
            row["tenant"],
            row["error"] is not None,
            row["error"],
        )
        for row in phoenix.truth.rows
    )


def test_lineage(phoenix: Phoenix) -> None:
    spans = phoenix.spans("workload")
    sizes = Counter(span["context"]["trace_id"] for span in spans)
    assert Counter(sizes.values()) == Counter(phoenix.truth.counted("turn").values())
    names = {span["context"]["span_id"]: span["name"] for span in spans}
    below = Counter((names.get(span["parent_id"]), span["name"]) for span in spans)
    assert below[None, "invoke_workflow answer_question"] == phoenix.truth.turns
    assert below["invoke_agent researcher", "chat gpt-4o"] == 2 * phoenix.truth.turns
    assert below["retrieval handbook", "embeddings text-embedding-3-small"] == phoenix.truth.turns
    trace = spans[0]["context"]["trace_id"]
    assert len(phoenix.spans("workload", trace_id=trace)) == sizes[trace]


def test_model_calls_have_model_provider_tokens_and_messages(phoenix: Phoenix) -> None:
    providers = {
        "gcp.gemini": "google",
        "mistral_ai": "mistralai",
        "aws.bedrock": "aws",
        # Phoenix keeps providers that it does not know as a "system".
        "ollama": None,
    }
    chats = [row for row in phoenix.truth.calls if KINDS[row["operation"]] == "LLM"]
    shown = phoenix.spans("workload", span_kind="LLM")
    assert Counter(
        (
            told["llm.model_name"],
            told.get("llm.provider"),
            told.get("llm.token_count.prompt"),
            told.get("llm.token_count.completion"),
            told.get("llm.token_count.prompt_details.cache_read"),
        )
        for told in (span["attributes"] for span in shown)
    ) == Counter(
        (
            row["model"],
            providers.get(row["provider"], row["provider"]),
            row["input"],
            row["output"],
            row["cached"] or None,
        )
        for row in chats
    )
    (thought,) = phoenix.spans("workload", name="generate_content gemini-2.5-flash")
    assert thought["attributes"]["llm.token_count.completion_details.reasoning"] == 20
    said = "llm.output_messages.0.message.content"
    answered = [row for row in chats if row["error"] is None]
    assert sum(said in span["attributes"] for span in shown) == len(answered)
    streams = {row["id"] for row in phoenix.truth.where(stream=True)}
    streamed = [s for s in shown if s["attributes"].get("gen_ai.response.id") in streams]
    assert len(streamed) == len(streams) == phoenix.truth.turns
    assert {span["attributes"][said] for span in streamed} == {phoenix.truth.words}


def message(attributes: dict[str, Any], where: str) -> dict[str, Any]:
    """A message's members by the end of their names."""
    start = f"llm.{where}.message."
    return {name[len(start) :]: v for name, v in attributes.items() if name.startswith(start)}


CALL = "tool_calls.0.tool_call"


def test_a_conversation_with_a_tool(phoenix: Phoenix) -> None:
    spans = phoenix.spans("talk", name="chat gpt-4o", order="asc")
    first, second = (span["attributes"] for span in spans)
    assert message(first, "input_messages.0") == {"role": "system", "content": SYSTEM}
    assert message(first, "input_messages.1") == {"role": "user", "content": ASKED}
    called = message(first, "output_messages.0")
    assert called[f"{CALL}.function.name"] == "weather"
    # Large integers survive.
    assert json.loads(called[f"{CALL}.function.arguments"]) == ARGUMENTS
    assert json.loads(first["llm.tools.0.tool.json_schema"])["function"]["name"] == "weather"
    assert message(second, "input_messages.3") == {
        "role": "tool",
        "content": "rain",
        "tool_call_id": "call_1",
    }
    assert message(second, "output_messages.0")["content"] == ANSWER


def test_what_the_translation_adds(phoenix: Phoenix) -> None:
    """Before: straight to Phoenix. After: the same program through the collector."""
    (before,) = phoenix.spans("direct", parent_id="null")
    (after,) = phoenix.spans("talk", parent_id="null")
    assert (before["span_kind"], after["span_kind"]) == ("UNKNOWN", "CHAIN")
    added = {"input.value", "output.value", "tag.tags", "metadata.tenant"}
    added |= {"input.mime_type", "output.mime_type"}
    assert not added & set(before["attributes"])
    assert added < set(after["attributes"])
    assert after["attributes"]["input.value"] == ASKED
    assert after["attributes"]["output.value"] == ANSWER
    for side in ("input", "output"):
        assert after["attributes"][f"{side}.mime_type"] == "text/plain"
    for project, kind in (("direct", "UNKNOWN"), ("talk", "GUARDRAIL")):
        (guarded,) = phoenix.spans(project, name="apply_guardrail")
        assert guarded["span_kind"] == kind
    (reranked,) = phoenix.spans("workload", span_kind="RERANKER")
    assert reranked["attributes"]["input.value"] == phoenix.truth.question
    for called in phoenix.spans("workload", name="execute_tool search_orders"):
        user = called["attributes"]["user.id"]
        assert json.loads(called["attributes"]["input.value"]) == {"customer": user}
    (claude, _) = (s["attributes"] for s in phoenix.spans("talk", name="chat claude-haiku-4-5"))
    assert message(claude, "input_messages.0") == {"role": "system", "content": SYSTEM}
    for project in ("direct", "talk"):
        shown = [span["attributes"] for span in phoenix.spans(project, span_kind="LLM")]
        assert len(shown) == 6
        assert all(message(each, "input_messages.0") and each["user.id"] == "ada" for each in shown)
        assert all(message(each, "output_messages.0") for each in shown)
        (twice,) = phoenix.spans(project, name="chat gpt-4o-twice")
        assert message(twice["attributes"], "output_messages.1")["content"] == ANSWER


def test_documents_need_a_score(phoenix: Phoenix) -> None:
    (scored,) = phoenix.spans("direct", span_kind="RETRIEVER")
    assert scored["attributes"]["retrieval.documents.0.document.content"] == "Paris is wet."
    assert scored["attributes"]["retrieval.documents.0.document.score"] == 0.5
    (own,) = phoenix.spans("talk", span_kind="RETRIEVER")
    assert own["attributes"]["output.value"] == "own"
    bare = phoenix.spans("workload", span_kind="RETRIEVER", status_code="UNSET")
    assert bare
    for span in bare:
        assert not any(name.startswith("retrieval.documents") for name in span["attributes"])
        assert phoenix.truth.document in span["attributes"]["output.value"]
        assert span["attributes"]["input.value"] == phoenix.truth.question


def test_cost_is_what_otelier_says_where_phoenix_has_the_price(phoenix: Phoenix) -> None:
    costs = phoenix.truth.summed("cost", "model")
    for model in ("gpt-4o", "claude-haiku-4-5", "gemini-2.5-flash", "mistral-small-latest"):
        shown = phoenix.cost(f"llm.model_name == '{model}'")
        assert shown == near(costs[model])
    # No price is shown as $0: Bedrock's model, and models that run here. Embeddings have nothing.
    assert phoenix.cost("llm.model_name == 'us.amazon.nova-lite-v1:0'") == 0
    assert phoenix.cost("llm.model_name == 'llama3.2'") == 0
    assert phoenix.cost("span_kind == 'EMBEDDING'") is None
    ours = phoenix.found("span_kind == 'EMBEDDING'", "attributes")
    told = sum(json.loads(span["attributes"])["gen_ai"]["usage"]["cost"] for span in ours)
    assert told == near(costs["text-embedding-3-small"])


def test_cost_of_cache_writes_for_an_hour_is_too_low(phoenix: Phoenix) -> None:
    """Phoenix has one price for what is written to the cache, that of five minutes."""
    asked = "llm.token_count.prompt_details.cache_write == 400 and '{}' in input.value"
    read_and_said = (50 * 1.0 + 20 * 5.0) / 1e6
    for kept, price, shown in (("minutes", 1.25, 1.25), ("an hour", 2.0, 1.25)):
        (span,) = [
            span["attributes"]
            for span in phoenix.spans("talk", name="chat claude-haiku-4-5")
            if kept in span["attributes"]["input.value"]
        ]
        assert span["gen_ai.usage.cost"] == near(read_and_said + CACHE_WRITE * price / 1e6)
        assert phoenix.cost(asked.format(kept), "talk") == near(
            read_and_said + CACHE_WRITE * shown / 1e6
        )


def test_an_error_below_a_root_that_went_well(phoenix: Phoenix) -> None:
    roots = phoenix.found(
        "parent_id is None",
        "statusCode propagatedStatusCode trace { errorCount errorsByType { exceptionType count } }",
    )
    failed = Counter(row["turn"] for row in phoenix.truth.rows if row["error"])
    assert {root["statusCode"] for root in roots} == {"UNSET"}
    assert Counter(root["trace"]["errorCount"] for root in roots) == Counter(
        failed[turn] for turn in range(1, phoenix.truth.turns + 1)
    )
    assert sum(root["propagatedStatusCode"] == "ERROR" for root in roots) == len(failed)
    # Types are counted by exception events; otelier has them in error.type.
    types = {each["exceptionType"] for root in roots for each in root["trace"]["errorsByType"]}
    assert types == {None}


def test_questions_of_the_search_field(phoenix: Phoenix) -> None:
    truth = phoenix.truth
    rare = [row for row in truth.rows if row["turn"] == truth.where(session="s-05")[0]["turn"]]
    asks_rarely = {"chat gpt-4o": 2, "chat claude-haiku-4-5": 1, "chat gpt-broken": 1}
    assert set(asks_rarely) <= {row["name"] for row in rare}
    some_id = next(row["id"] for row in truth.rows if row.get("id"))
    refusal = "openai.RateLimitError"
    failed_retrievals = [row for row in truth.where(operation="retrieval") if row["error"]]
    found = {
        "session.id == 's-01'": truth.counted("name", rows=truth.where(session="s-01")),
        "user.id == 'ada'": truth.counted("name", rows=truth.where(user="ada")),
        "metadata['tenant'] == 'acme'": truth.counted("name", rows=truth.where(tenant="acme")),
        "'beta' in tag.tags": truth.counted("name", rows=truth.where(tag="beta")),
        "span_kind == 'RETRIEVER' and status_code == 'ERROR'": truth.counted(
            "name", rows=failed_retrievals
        ),
        f"attributes['error']['type'] == '{refusal}' and llm.model_name == 'gpt-broken'": (
            truth.counted("name", rows=truth.where(error=refusal, model="gpt-broken"))
        ),
        "tool.name == 'search_orders'": truth.counted(
            "name", rows=truth.where(name="execute_tool search_orders")
        ),
        "llm.token_count.prompt_details.cache_read > 0": truth.counted(
            "name", rows=[row for row in truth.calls if row["cached"]]
        ),
        "'crimson' in input.value": Counter(asks_rarely),
        f"attributes['gen_ai']['response']['id'] == '{some_id}'": Counter({"chat gpt-4o": 1}),
        "session.id == 's-99'": Counter(),
        "metadata['tenant'] == 'nobody'": Counter(),
    }
    assert conditions("phoenix") <= {where.replace(some_id, "chatcmpl-4") for where in found}
    shown = {where: Counter(s["name"] for s in phoenix.found(where)) for where in found}
    assert shown == found
    assert all(found[where] for where in list(found)[:-2])


def test_sums_by_model_and_session(phoenix: Phoenix) -> None:
    truth = phoenix.truth
    tokens = (
        "tokenCountPrompt(filterCondition: $where) tokenCountCompletion(filterCondition: $where)"
    )
    for model in ("gpt-4o", "llama3.2"):
        told = phoenix.ask(tokens, f"llm.model_name == '{model}'")
        assert told == {
            "tokenCountPrompt": truth.summed("input", "model")[model],
            "tokenCountCompletion": truth.summed("output", "model")[model],
        }
    asked = (
        "sessionCount sessions(first: 10, sort: {col: costTotal, dir: desc}) { edges { node {"
        " sessionId userId numTraces numTracesWithError costSummary { total { cost } } } } }"
    )
    told = phoenix.ask(asked)
    assert told["sessionCount"] == len(truth.counted("session"))
    dear = [edge["node"] for edge in told["sessions"]["edges"]]
    priced = [row for row in truth.calls if KINDS[row["operation"]] == "LLM"]
    priced = [row for row in priced if row["provider"] != "aws.bedrock"]
    costs = truth.summed("cost", "session", rows=priced)
    # Two of them cost the same; which comes first is Phoenix's choice.
    assert [each["costSummary"]["total"]["cost"] for each in dear] == near(
        sorted(costs.values(), reverse=True)[:10]
    )
    for each in dear:
        turns = truth.where(session=each["sessionId"])
        assert each["costSummary"]["total"]["cost"] == near(costs[each["sessionId"]])
        assert each["userId"] == turns[0]["user"]
        assert each["numTraces"] == len({row["turn"] for row in turns})
        assert each["numTracesWithError"] == len({row["turn"] for row in turns if row["error"]})


@pytest.mark.parametrize("project", ["talk", "direct", "compat"])
def test_sessions_read_as_conversations(phoenix: Phoenix, project: str) -> None:
    """Sessions show a root's ``input.value`` and ``output.value``, which nobody else writes."""
    asked = "sessions(first: 9) { edges { node { sessionId firstInput { value mimeType }"
    asked += " lastOutput { value mimeType } } } }"
    (edge,) = phoenix.ask(asked, project=project)["sessions"]["edges"]
    said = {"value": ASKED, "mimeType": "text"}, {"value": ANSWER, "mimeType": "text"}
    shown = edge["node"]["firstInput"], edge["node"]["lastOutput"]
    assert shown == ((None, None) if project == "direct" else said)
    assert edge["node"]["sessionId"] == project


def test_what_otelier_adds_by_a_setting(phoenix: Phoenix) -> None:
    """Kinds, inputs and outputs as the collector's translation has them."""

    def shown(project: str) -> dict[str, Any]:
        names = ("input.value", "output.value", "input.mime_type", "output.mime_type")
        return {
            f"{span['name']} {span['attributes'].get('input.value')}": (
                span["span_kind"],
                *(span["attributes"].get(name) for name in names),
            )
            for span in phoenix.spans(project)
        }

    assert shown("compat") == shown("talk")


@pytest.mark.parametrize("project", ["talk", "direct", "compat"])
def test_agents_sums_are_not_added_to_their_calls(phoenix: Phoenix, project: str) -> None:
    """Phoenix counts the tokens and the cost of LLM spans alone, whatever others say."""
    (agent,) = (s["attributes"] for s in phoenix.spans(project, name="invoke_agent forecaster"))
    (root,) = phoenix.spans(project, parent_id="null")
    calls = phoenix.spans(project, span_kind="LLM")
    tokens = [
        sum(span["attributes"][f"gen_ai.usage.{side}_tokens"] for span in calls)
        for side in ("input", "output")
    ]
    assert [
        root["attributes"][f"gen_ai.usage.{side}_tokens"] for side in ("input", "output")
    ] == tokens
    assert agent["gen_ai.usage.input_tokens"] == 3 * CHAT_TOKENS[0]
    told = phoenix.ask(
        "tokenCountPrompt tokenCountCompletion costSummary { total { cost } }", project=project
    )
    assert [told["tokenCountPrompt"], told["tokenCountCompletion"]] == tokens
    # Phoenix has a price for an answer of which it knows the model alone.
    assert told["costSummary"]["total"]["cost"] == near(phoenix.cost("span_kind == 'LLM'", project))
    cumulative = (
        "spans(first: 99, filterCondition: $where) { edges { node { cumulativeTokenCountTotal } } }"
    )
    (edge,) = phoenix.ask(cumulative, "parent_id is None", project)["spans"]["edges"]
    assert edge["node"]["cumulativeTokenCountTotal"] == sum(tokens)


def test_phoenix_takes_traces_as_protobuf_alone(phoenix: Phoenix) -> None:
    assert refused(f"{phoenix.url}/v1/metrics") == 405
    assert refused(f"{phoenix.url}/v1/logs") == 405
    assert refused(f"{phoenix.url}/v1/traces", content_type="application/json") == 415
