"""``otelier.current()`` and costs that a program tells of its steps."""

from __future__ import annotations

import asyncio
import logging
from decimal import Decimal
from typing import Any

import pytest

pytest.importorskip("openai")

import openai

import otelier
from otelier import semconv
from tests.servers import ProviderServer
from tests.telemetry import Telemetry

ASK: dict[str, Any] = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}]}


@otelier.tool
def search(words: str) -> str:
    otelier.current().set("shop.words", words)
    otelier.current().set_cost(9.0)
    # The last one holds.
    otelier.current().set_cost(Decimal("0.005"))
    return "found"


def test_a_tools_cost_is_in_the_totals_of_all_around_it(
    telemetry: Telemetry, server: ProviderServer
) -> None:
    client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="k")
    with otelier.workflow("all"), otelier.agent("finder") as agent:
        search("a")
        search("b")
        client.chat.completions.create(**ASK)
        agent.set_cost(0.5)
    spans = {span.name: span for span in telemetry.spans()}
    tool = spans["execute_tool search"].attributes
    assert tool[semconv.COST_STEP] == 0.005
    assert tool["shop.words"] == "b"
    assert semconv.COST not in tool
    call = spans["chat gpt-4o-mini"].attributes[semconv.COST]
    for name in ("invoke_agent finder", "invoke_workflow all"):
        assert spans[name].attributes[semconv.COST_TOTAL] == pytest.approx(call + 0.51)
    assert spans["invoke_agent finder"].attributes[semconv.COST_STEP] == 0.5


def test_the_cost_metric_has_it(telemetry: Telemetry) -> None:
    search("a")
    (point,) = telemetry.metrics()["gen_ai.client.operation.cost"]
    assert point.value == 0.005
    assert point.attributes[semconv.OPERATION_NAME] == "execute_tool"
    assert point.attributes[semconv.TOOL_NAME] == "search"


def test_a_tool_that_ends_after_its_agent_counts(telemetry: Telemetry) -> None:
    tool = otelier.tool("late")
    with otelier.agent("a"):
        handle = tool.start()
        handle.set_cost(0.7)
    handle.end()
    assert telemetry.span("invoke_agent a").attributes[semconv.COST_TOTAL] == 0.7


def test_a_step_s_metric_says_which(telemetry: Telemetry) -> None:
    with otelier.step("search") as step:
        step.set_cost(1)
    (point,) = telemetry.metrics()["gen_ai.client.operation.cost"]
    assert dict(point.attributes) == {semconv.STEP_NAME: "search"}


@pytest.mark.parametrize("usd", [-1, float("nan"), float("inf"), "0.1", True, None, object()])
def test_what_is_no_cost_is_left_out_with_a_line(
    telemetry: Telemetry, usd: Any, caplog: pytest.LogCaptureFixture
) -> None:
    from otelier import guard

    guard._said.discard("set_cost")
    with caplog.at_level(logging.WARNING, "otelier"), otelier.tool("t") as tool:
        tool.set_cost(usd)
        tool.set_cost(usd)
    (span,) = telemetry.spans()
    assert semconv.COST_STEP not in span.attributes
    assert len(caplog.records) == 1


@pytest.mark.parametrize("usd", [0, 2, 0.25, Decimal("0.25"), "numpy"])
def test_numbers_of_all_kinds(telemetry: Telemetry, usd: Any) -> None:
    if usd == "numpy":
        usd = pytest.importorskip("numpy").float32(0.25)
    with otelier.tool("t") as tool:
        tool.set_cost(usd)
    (span,) = telemetry.spans()
    assert span.attributes[semconv.COST_STEP] == float(usd)


def test_without_a_step_it_is_of_no_effect(telemetry: Telemetry) -> None:
    otelier.current().set("a", 1)
    otelier.current().set_cost(1)
    with otelier.tool("over") as over:
        pass
    assert otelier.current() is not over
    assert len(telemetry.spans()) == 1


def test_each_task_has_its_own(telemetry: Telemetry) -> None:
    @otelier.tool
    async def work(number: int) -> None:
        await asyncio.sleep(0)
        otelier.current().set("shop.number", number)

    async def all_of_them() -> None:
        await asyncio.gather(*(work(number) for number in range(5)))

    asyncio.run(all_of_them())
    assert sorted(span.attributes["shop.number"] for span in telemetry.spans()) == [*range(5)]


def test_without_costs_there_is_none() -> None:
    telemetry = Telemetry().start(cost=False)
    with otelier.tool("t") as tool:
        tool.set_cost(1)
    telemetry.stop()
    assert semconv.COST_STEP not in telemetry.span("execute_tool t").attributes
    assert "gen_ai.client.operation.cost" not in telemetry.metrics()
