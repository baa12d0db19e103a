"""Phoenix, which keeps spans in SQLite as well: sent by OTLP, asked by its REST and GraphQL.

Spans have the names that Phoenix reads (OpenInference's), so that it knows models, messages and
tokens; the prices are its own. Its rate is of its server's processor time, from the first request
until all spans can be asked for; where it is not installed, there are no figures.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from benchmarks.store.filling import batches
from benchmarks.store.others.sample import MOST, Sample, asked, moment, weight
from otelier import semconv
from otelier.store import otlp_proto
from otelier.store.spans import StoredSpan
from tests.backends.otlp import post
from tests.backends.programs import program
from tests.backends.running import free_ports, get, running, until
from tests.backends.shown import ask

# Projects are made of what is sent; this is the name of what says none.
_PROJECT: Final = "default"
_NAMES: Final = {
    semconv.INPUT_MESSAGES: "input.value",
    semconv.OUTPUT_MESSAGES: "output.value",
    semconv.REQUEST_MODEL: "llm.model_name",
    semconv.PROVIDER_NAME: "llm.provider",
    semconv.USAGE_INPUT: "llm.token_count.prompt",
    semconv.USAGE_OUTPUT: "llm.token_count.completion",
    semconv.SESSION_ID: "session.id",
}
_KINDS: Final = {
    semconv.CHAT: "LLM",
    semconv.EMBEDDINGS: "EMBEDDING",
    semconv.EXECUTE_TOOL: "TOOL",
    semconv.RETRIEVAL: "RETRIEVER",
    semconv.INVOKE_AGENT: "AGENT",
    semconv.INVOKE_WORKFLOW: "CHAIN",
}
_COSTS: Final = "topModelsByCost(timeRange: $since) { name costSummary { total { cost } } }"
_SAID: Final = (
    f"spans(first: {MOST}, sort: {{col: startTime, dir: desc}}, filterCondition: $where)"
    " { edges { node { name input { value } output { value } } } }"
)


def translated(span: StoredSpan) -> StoredSpan:
    """A span with the names that Phoenix reads."""
    told = {_NAMES.get(name, name): value for name, value in span.attributes.items()}
    kind = _KINDS.get(str(span.attributes.get(semconv.OPERATION_NAME)))
    if kind:
        told["openinference.span.kind"] = kind
    return dataclasses.replace(span, attributes=told)


def processor(pid: int) -> float:
    """Seconds of processor that a process has used."""
    told = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")


class Phoenix:
    """Its interfaces."""

    def __init__(self, url: str) -> None:
        self.url = url

    def project(self, fields: str, **variables: Any) -> Any:
        """Fields of the project by GraphQL; ``since``: a range of times, ``where``: a filter."""
        kinds = {"since": "TimeRange!", "where": "String"}
        declared = "".join(f", ${name}: {kinds[name]}" for name in variables)
        query = (
            f"query($project: String!{declared})"
            f" {{ getProjectByName(name: $project) {{ {fields} }} }}"
        )
        told = {"query": query, "variables": {"project": _PROJECT, **variables}}
        found = ask(f"{self.url}/graphql", told)
        assert "errors" not in found, found
        return found["data"]["getProjectByName"]

    def rest(self, what: str, **wanted: Any) -> list[Any]:
        """Rows of the project by REST."""
        found = get(f"{self.url}/v1/projects/{_PROJECT}/{what}?{urlencode(wanted)}")
        return list(found["data"])

    def has(self, count: int) -> bool | None:
        """True once it has so many spans."""
        found = self.project("recordCount")
        return (found is not None and found["recordCount"] >= count) or None

    def trace(self, trace_id: str) -> list[Any]:
        """A trace's spans."""
        return self.rest("spans", trace_id=trace_id, limit=1000)

    def recent(self) -> list[Any]:
        """The newest traces; what they cost is not told."""
        return self.rest("traces", limit=MOST, sort="start_time", order="desc")

    def cost(self, since: int) -> list[Any]:
        """What each model cost from a time on."""
        found = self.project(_COSTS, since={"start": moment(since).isoformat()})
        return list(found["topModelsByCost"])

    def said(self, word: str) -> list[Any]:
        """The newest spans that say a word."""
        where = f"'{word}' in input.value or '{word}' in output.value"
        return list(self.project(_SAID, where=where)["spans"]["edges"])


def measure(spans: Iterable[StoredSpan], folder: Path) -> dict[str, float]:
    """Send, weigh, ask; see ``peers``."""
    python = program("phoenix")
    if python is None:
        return {}
    port, grpc = free_ports(2)
    settings = {
        "PHOENIX_WORKING_DIR": folder,
        "PHOENIX_HOST": "127.0.0.1",
        "PHOENIX_PORT": port,
        "PHOENIX_GRPC_PORT": grpc,
        "PHOENIX_TELEMETRY_ENABLED": "false",
    }
    sample = Sample()
    phoenix = Phoenix(f"http://127.0.0.1:{port}")
    command = [python, "-m", "phoenix.server.main", "serve"]
    with running(command, folder, port, **settings) as process:
        until(lambda: get(f"{phoenix.url}/v1/projects"), "Phoenix")
        # As it starts, without a span.
        empty, began = weight(folder), processor(process.pid)
        for batch in batches(sample.passing(spans)):
            assert post(phoenix.url, otlp_proto.encode(map(translated, batch))) == 200
        until(partial(phoenix.has, sample.count), "the spans")
        used = processor(process.pid) - began
        size = weight(folder) - empty
        found = asked(
            sample,
            trace=phoenix.trace,
            recent=phoenix.recent,
            cost=phoenix.cost,
            said=phoenix.said,
        )
    return {"rate": sample.count / used, "size": size / sample.count, **found}
