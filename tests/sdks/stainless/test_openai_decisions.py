"""openai's runner of actions that Decisions choose: an agent span around its run."""

from __future__ import annotations

import asyncio
from typing import Any

import openai
import pytest
from opentelemetry.trace import StatusCode

import otelier
from otelier import semconv
from tests.servers import Json, ProviderServer, openai_wire
from tests.telemetry import Telemetry

runner_module = pytest.importorskip(
    "openai.lib.decisions_tool_runner", reason="this openai has no Decisions tool runner"
)
PARAMS = {"model": "gpt-6-luna", "input": "Open the door."}


def _choice(value: str) -> Json:
    answer = {"type": "choice", "name": "next_action", "choice": value, "confidence": 0.9}
    others = [{"value": name, "probability": 0.5} for name in ("open", "done")]
    return Json(openai_wire.decision({**answer, "probabilities": others}))


def _candidates(execute: Any) -> list[dict[str, Any]]:
    return [
        {"id": "open", "description": "Open it.", "execute": execute},
        {"id": "done", "description": "It is open.", "done": True},
    ]


def _run(server: ProviderServer, execute: Any) -> Any:
    server.script(_choice("open"), _choice("done"))
    runner = runner_module.DecisionsToolRunner(
        observe=lambda: "It is closed.", candidates=lambda _: _candidates(execute)
    )
    client = openai.OpenAI(api_key="k", base_url=f"{server.url}/v1", max_retries=0)
    return runner.run(client, PARAMS)


def test_run(server: ProviderServer, telemetry: Telemetry) -> None:
    def execute() -> None:
        with telemetry.tracer.start_as_current_span("mine"):
            pass

    assert _run(server, execute)["status"] == "unverified"
    agent = telemetry.span("invoke_agent")
    assert agent.name == "invoke_agent"
    assert agent.attributes[semconv.REQUEST_MODEL] == "gpt-6-luna"
    assert agent.status.status_code is StatusCode.UNSET
    asked = telemetry.spans("generate_content")
    assert len(asked) == 2
    tool = telemetry.span("execute_tool")
    assert tool.name == "execute_tool open"
    assert tool.attributes[semconv.TOOL_DESCRIPTION] == "Open it."
    assert {span.parent.span_id for span in (*asked, tool)} == {agent.context.span_id}
    assert telemetry.span("mine").parent.span_id == tool.context.span_id


def test_an_action_that_fails(server: ProviderServer, telemetry: Telemetry) -> None:
    def execute() -> None:
        raise RuntimeError("no")

    with pytest.raises(runner_module.DecisionsToolRunnerError):
        _run(server, execute)
    agent = telemetry.span("invoke_agent")
    assert agent.attributes[semconv.ERROR_TYPE].endswith("DecisionsToolRunnerError")
    tool = telemetry.span("execute_tool")
    assert tool.attributes[semconv.ERROR_TYPE] == "RuntimeError"


@pytest.mark.filterwarnings("error")
def test_an_asynchronous_action_in_the_synchronous_runner(
    server: ProviderServer, telemetry: Telemetry
) -> None:
    async def execute() -> None:
        raise AssertionError("it never runs")

    with pytest.raises(runner_module.DecisionsToolRunnerError) as seen:
        _run(server, execute)
    server.clear()
    otelier.uninstrument()
    with pytest.raises(runner_module.DecisionsToolRunnerError) as bare:
        _run(server, execute)
    assert (seen.value.reason, str(seen.value)) == (bare.value.reason, str(bare.value))


def test_an_action_that_wants_to_know_of_the_end(
    server: ProviderServer, telemetry: Telemetry
) -> None:
    given: list[Any] = []

    def execute(*, cancelled: Any) -> None:
        given.append(cancelled)

    assert _run(server, execute)["completed_candidate_ids"] == ["open"]
    assert given == [None]
    assert telemetry.span("execute_tool").name == "execute_tool open"


def test_asynchronous(server: ProviderServer, telemetry: Telemetry) -> None:
    async def main() -> Any:
        async def observe() -> str:
            return "It is closed."

        async def execute() -> None:
            await asyncio.sleep(0)
            with telemetry.tracer.start_as_current_span("mine"):
                pass

        async def candidates(_: Any) -> Any:
            return _candidates(execute)

        server.script(_choice("open"), _choice("done"))
        runner = runner_module.AsyncDecisionsToolRunner(observe=observe, candidates=candidates)
        async with openai.AsyncOpenAI(api_key="k", base_url=f"{server.url}/v1") as client:
            return await runner.run(client, PARAMS)

    assert asyncio.run(main())["completed_candidate_ids"] == ["open"]
    agent = telemetry.span("invoke_agent")
    asked = telemetry.spans("generate_content")
    tool = telemetry.span("execute_tool")
    assert [span.parent.span_id for span in (*asked, tool)] == [agent.context.span_id] * 3
    assert telemetry.span("mine").parent.span_id == tool.context.span_id


def test_same_requests_and_uninstrument(server: ProviderServer, telemetry: Telemetry) -> None:
    def run() -> list[Any]:
        server.requests.clear()
        got = _run(server, lambda: None)
        return [[request.body for request in server.requests], str(got)]

    seen = run()
    otelier.uninstrument()
    telemetry.clear()
    assert run() == seen
    assert not telemetry.spans()
    assert not hasattr(runner_module.DecisionsToolRunner.__dict__["run"], "__wrapped__")
