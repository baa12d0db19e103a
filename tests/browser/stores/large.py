"""One trace of 10,000 spans: deep and wide, agents in agents, spans of other libraries, errors."""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path
from typing import Any, Final

from benchmarks.store.turns import HTTPX
from otelier import semconv as s
from otelier.store.spans import StoredScope
from otelier.store.writer import Writer
from tests.browser.stores.tracing import Trace, failed
from tests.store.made import message

SPANS: Final = 10_000
# Agents, each of which is called by the one above.
DEEP: Final = 150
# Tools that one step calls.
WIDE: Final = 2_000
_DATABASE: Final = StoredScope("opentelemetry.instrumentation.sqlite3", "0.66b1")
_QUERY: Final = {"db.system.name": "sqlite", "db.query.text": "SELECT body FROM page WHERE id = ?"}


def write(path: Path) -> None:
    """Make the store."""
    making = _Making()
    making.run()
    writer = Writer(path)
    writer.write(making.trace.spans)
    writer.close()


class _Making:
    def __init__(self) -> None:
        self.trace = Trace({s.SESSION_ID: "session-archive", s.USER_ID: "grace"})
        self.numbers = count(1)

    def run(self) -> None:
        """A workflow: a chain of agents, one step with very many tools, then rounds of an agent."""
        workflow = {s.OPERATION_NAME: s.INVOKE_WORKFLOW, s.WORKFLOW_NAME: "read_the_archive"}
        with self.trace.span("invoke_workflow read_the_archive", workflow):
            self.delegate(DEEP)
            with self.trace.span("list_pages", {s.STEP_NAME: "list_pages"}):
                for page in range(WIDE):
                    self.tool(page)
            # The workflow itself is the last one.
            while len(self.trace.spans) + 6 < SPANS:
                self.round()
            while len(self.trace.spans) + 1 < SPANS:
                self.trace.did("SELECT page", 0.001, _QUERY, kind="CLIENT", scope=_DATABASE)

    def delegate(self, levels: int) -> None:
        """An agent that has another one do it, and so on."""
        name = f"reader-{levels}"
        agent = {s.OPERATION_NAME: s.INVOKE_AGENT, s.AGENT_NAME: name}
        with self.trace.span(f"invoke_agent {name}", agent):
            self.chat()
            if levels > 1:
                self.delegate(levels - 1)

    def round(self) -> None:
        """An agent asks a model and reads a page: six spans."""
        agent = {s.OPERATION_NAME: s.INVOKE_AGENT, s.AGENT_NAME: "summarizer"}
        with self.trace.span("invoke_agent summarizer", agent):
            self.chat()
            self.tool(next(self.numbers))
            self.trace.did("tidy", 0.0001, {s.STEP_NAME: "tidy"})

    def chat(self) -> None:
        """A model call with its request; one of forty-nine fails."""
        number = next(self.numbers)
        told: dict[str, Any] = {
            s.OPERATION_NAME: s.CHAT,
            s.PROVIDER_NAME: "openai",
            s.REQUEST_MODEL: "gpt-6-luna",
            s.INPUT_MESSAGES: json.dumps([message("user", f"Read number {number}.")]),
        }
        more = {}
        if number % 49 == 0:
            more = failed("openai.APITimeoutError", f"Request {number} timed out.")
            told |= more.pop("attributes")
        else:
            told |= {
                s.USAGE_INPUT: 100,
                s.USAGE_OUTPUT: 20,
                s.COST: 0.00002,
                s.OUTPUT_MESSAGES: json.dumps([message("assistant", f"Read: {number}.")]),
            }
        with self.trace.span("chat gpt-6-luna", told, kind="CLIENT", **more):
            self.trace.did("POST", 0.3, {"http.request.method": "POST"}, kind="CLIENT", scope=HTTPX)

    def tool(self, page: int) -> None:
        """A tool, and the query below it; one of ninety-seven fails."""
        more = failed("KeyError", f"no page {page}") if page % 97 == 5 else {}
        told = {
            s.OPERATION_NAME: s.EXECUTE_TOOL,
            s.TOOL_NAME: "read_page",
            s.TOOL_CALL_ARGUMENTS: json.dumps({"page": page}),
            **more.pop("attributes", {}),
        }
        with self.trace.span("execute_tool read_page", told, **more):
            self.trace.did("SELECT page", 0.001, _QUERY, kind="CLIENT", scope=_DATABASE)
