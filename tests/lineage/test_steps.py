"""Steps: decorators and context managers on functions of every kind."""

from __future__ import annotations

import asyncio
import functools
import inspect
import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode

import otelier
from tests.telemetry import Telemetry

KINDS: dict[str, tuple[Callable[..., Any], str, SpanKind]] = {
    "workflow": (otelier.workflow, "invoke_workflow work", SpanKind.INTERNAL),
    "agent": (otelier.agent, "invoke_agent work", SpanKind.INTERNAL),
    "tool": (otelier.tool, "execute_tool work", SpanKind.INTERNAL),
    "retrieval": (otelier.retrieval, "retrieval work", SpanKind.CLIENT),
    "step": (otelier.step, "work", SpanKind.INTERNAL),
}


def current() -> Any:
    return trace.get_current_span().get_span_context().span_id


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", ["bare", "called", "named"])
def test_every_form_of_decorator(telemetry: Telemetry, kind: str, form: str) -> None:
    declare, title, span_kind = KINDS[kind]

    def work(query: str, n: int = 2) -> list[str]:
        """Docs."""
        return [query] * n

    decorated = {
        "bare": lambda: declare(work),
        "called": lambda: declare()(work),
        "named": lambda: declare("work")(work),
    }[form]()
    assert decorated.__doc__ == "Docs."
    assert inspect.signature(decorated) == inspect.signature(work)
    assert decorated("a") == ["a", "a"]
    span = telemetry.span()
    assert (span.name, span.kind) == (title, span_kind)
    assert span.status.status_code is StatusCode.UNSET


async def _coroutine(x: int) -> int:
    await asyncio.sleep(0)
    return x + 1


def _generator(x: int) -> Iterator[int]:
    got = yield x
    yield got or x + 1


async def _async_generator(x: int) -> AsyncIterator[int]:
    yield x
    yield x + 1


def test_kinds_of_functions_stay_what_they_are() -> None:
    assert inspect.iscoroutinefunction(otelier.step(_coroutine))
    assert inspect.isgeneratorfunction(otelier.step(_generator))
    assert inspect.isasyncgenfunction(otelier.step(_async_generator))


def test_coroutine(telemetry: Telemetry) -> None:
    assert asyncio.run(otelier.tool(_coroutine)(1)) == 2
    attributes = telemetry.span().attributes
    assert attributes["gen_ai.tool.call.arguments"] == '{"x":1}'
    assert attributes["gen_ai.tool.call.result"] == '{"result":2}'


def test_function_that_returns_a_coroutine(telemetry: Telemetry) -> None:
    @otelier.step
    def later(x: int) -> Any:
        return _coroutine(x)

    assert asyncio.run(later(1)) == 2
    assert telemetry.span().name == "later"


def test_generator_speaks_both_ways(telemetry: Telemetry) -> None:
    run = otelier.step(_generator)(1)
    assert next(run) == 1
    assert run.send(7) == 7
    with pytest.raises(StopIteration):
        next(run)
    assert telemetry.span().status.status_code is StatusCode.UNSET


def test_generator_throw_return_and_close(telemetry: Telemetry) -> None:
    log = []

    @otelier.step
    def careful() -> Any:
        try:
            yield 1
        except ValueError:
            yield 2
        finally:
            log.append("closed")
        return 3

    run = careful()
    next(run)
    assert run.throw(ValueError("x")) == 2
    with pytest.raises(StopIteration) as stopped:
        next(run)
    assert stopped.value.value == 3
    run = careful()
    next(run)
    run.close()
    del run
    assert log == ["closed", "closed"]
    assert [span.status.status_code for span in telemetry.spans()] == [StatusCode.UNSET] * 2


@pytest.mark.parametrize("how", ["break", "del", "error", "never"])
def test_generator_left_in_every_way(telemetry: Telemetry, how: str) -> None:
    @otelier.step
    def numbers() -> Iterator[int]:
        yield 1
        if how == "error":
            raise KeyError("x")
        yield 2

    run = numbers()
    if how == "break":
        for _ in run:
            break
    elif how == "del":
        next(run)
    elif how == "error":
        with pytest.raises(KeyError):
            list(run)
    del run
    if how == "never":
        assert telemetry.spans() == []
        return
    span = telemetry.span()
    failed = how == "error"
    assert (span.status.status_code is StatusCode.ERROR) == failed
    assert span.attributes.get("error.type") == ("KeyError" if failed else None)


def test_a_generator_is_current_only_while_it_runs(telemetry: Telemetry) -> None:
    inside = []

    @otelier.step
    def numbers() -> Iterator[int]:
        inside.append(current())
        yield 1
        inside.append(current())
        yield 2

    with telemetry.tracer.start_as_current_span("mine") as mine:
        for _ in numbers():
            assert current() == mine.get_span_context().span_id
        assert current() == mine.get_span_context().span_id
    assert inside == [telemetry.span("numbers").context.span_id] * 2


def test_an_async_generator_is_current_only_while_it_runs(telemetry: Telemetry) -> None:
    inside = []

    @otelier.step
    async def numbers() -> AsyncIterator[int]:
        inside.append(current())
        await asyncio.sleep(0)
        yield 1
        inside.append(current())
        yield 2

    async def main() -> None:
        with telemetry.tracer.start_as_current_span("mine") as mine:
            async for _ in numbers():
                assert current() == mine.get_span_context().span_id
            async for _ in numbers():
                break
            assert current() == mine.get_span_context().span_id

    asyncio.run(main())
    spans = telemetry.spans("numbers")
    assert len(spans) == 2
    assert all(span.status.status_code is StatusCode.UNSET for span in spans)
    assert inside[:2] == [spans[0].context.span_id] * 2


def test_errors_pass_unchanged(telemetry: Telemetry) -> None:
    problem = ValueError("bad key sk-abcdefghijklmnopqrstuvwxyz")

    @otelier.agent
    def fail() -> None:
        raise problem

    with pytest.raises(ValueError) as caught:
        fail()
    assert caught.value is problem
    span = telemetry.span()
    assert span.attributes["error.type"] == "ValueError"
    assert span.status.description == "bad key [REDACTED]"


def test_context_managers(telemetry: Telemetry) -> None:
    with otelier.workflow("w") as outer:
        with otelier.retrieval("kb", query="q", top_k=3) as found:
            found.set_documents([{"id": "a", "score": 0.5}, "text", ("pair", 0.25)])
        with otelier.tool("t", call_id="call_1", arguments='{"a": 1}') as called:
            called.set_result('{"b": 2}')
        outer.set("app.key", "v")

    async def main() -> None:
        async with otelier.step("s") as step:
            step.set_result({"done": True})

    asyncio.run(main())
    retrieval = telemetry.span("retrieval").attributes
    assert retrieval["gen_ai.data_source.id"] == "kb"
    assert retrieval["gen_ai.retrieval.query.text"] == "q"
    assert retrieval["gen_ai.retrieval.top_k"] == 3
    assert json.loads(retrieval["gen_ai.retrieval.documents"]) == [
        {"id": "a", "score": 0.5},
        {"content": "text"},
        {"content": "pair", "score": 0.25},
    ]
    tool = telemetry.span("execute_tool").attributes
    assert tool["gen_ai.tool.call.id"] == "call_1"
    assert tool["gen_ai.tool.call.arguments"] == '{"a":1}'
    assert tool["gen_ai.tool.call.result"] == '{"b":2}'
    assert tool["gen_ai.tool.type"] == "function"
    workflow = telemetry.span("invoke_workflow")
    assert workflow.attributes["app.key"] == "v"
    assert telemetry.span("retrieval").parent.span_id == workflow.context.span_id
    assert telemetry.span("s").attributes["otelier.result"] == '{"done":true}'


def test_one_declaration_serves_many_uses_at_once(telemetry: Telemetry) -> None:
    declared = otelier.step("shared")
    with declared:
        with declared:
            pass
    assert len(telemetry.spans("shared")) == 2

    each = otelier.step("each")

    async def one(number: int) -> None:
        async with each as step:
            for _ in range(number % 3):
                await asyncio.sleep(0)
            assert current() == step.span.get_span_context().span_id
            step.set("n", number)

    async def main() -> None:
        await asyncio.gather(*(one(number) for number in range(20)))

    asyncio.run(main())
    assert sorted(span.attributes["n"] for span in telemetry.spans("each")) == list(range(20))


def test_agents_count_their_calls_and_name_their_tools(telemetry: Telemetry, server: Any) -> None:
    import openai

    client = openai.OpenAI(base_url=server.url + "/v1", api_key="k")

    @otelier.tool
    def look() -> str:
        return "seen"

    @otelier.agent("inner")
    def inner() -> None:
        look()

    @otelier.agent("outer")
    def outer() -> None:
        for _ in range(2):
            client.chat.completions.create(
                model="gpt-4o", messages=[{"role": "user", "content": "hi"}]
            )
        look()
        inner()

    outer()
    points = telemetry.metrics()

    def sums(name: str) -> dict[str, float]:
        return {point.attributes["gen_ai.agent.name"]: point.sum for point in points[name]}

    assert sums("gen_ai.invoke_agent.inference_calls") == {"outer": 2, "inner": 0}
    assert sums("gen_ai.invoke_agent.tool_calls") == {"outer": 1, "inner": 1}
    named = [span.attributes["gen_ai.agent.name"] for span in telemetry.spans("execute_tool")]
    assert named == ["outer", "inner"]
    assert {"gen_ai.invoke_agent.duration", "gen_ai.execute_tool.duration"} <= points.keys()


def test_results_that_can_be_consumed_are_left_alone(telemetry: Telemetry) -> None:
    @otelier.retrieval("kb")
    def search(query: str) -> Iterator[int]:
        return iter([1, 2])

    @otelier.step
    def mapped() -> Any:
        return map(str, [1, 2])

    assert list(search("q")) == [1, 2]
    assert list(mapped()) == ["1", "2"]


def test_content_policy_and_capture(telemetry: Telemetry) -> None:
    @otelier.tool(capture=False)
    def private(secret: str) -> str:
        return secret

    private("x")
    assert not any("call" in name for name in telemetry.span().attributes)
    telemetry.stop()
    telemetry.clear()
    telemetry.start(capture="NO_CONTENT")

    @otelier.retrieval("kb")
    def search(query: str) -> list[str]:
        return [query]

    search("q")
    assert "gen_ai.retrieval.query.text" not in telemetry.span().attributes


def test_methods_classes_and_odd_callables(telemetry: Telemetry) -> None:
    class Thing:
        @otelier.step
        def method(self, a: int) -> int:
            return a

        @classmethod
        @otelier.step
        def of_class(cls, a: int) -> int:
            return a

        @staticmethod
        @otelier.step
        def static(a: int) -> int:
            return a

        def __call__(self, a: int) -> int:
            return a

    thing = Thing()
    assert [thing.method(1), Thing.of_class(2), Thing.static(3)] == [1, 2, 3]
    assert otelier.step(thing)(4) == 4
    assert otelier.step(functools.partial(thing.method, 5))() == 5
    assert telemetry.spans()[0].attributes["otelier.arguments"] == '{"a":1}'


def test_without_otelier_all_of_it_is_silent() -> None:
    @otelier.workflow
    def plain(x: int) -> int:
        with otelier.step("s") as step, otelier.session(user_id="u"):
            step.set_result(1)
            step.set("a", 1)
            step.set_documents([])
        return x

    assert plain(1) == 1
    assert list(otelier.step(_generator)(1)) == [1, 2]


@pytest.mark.parametrize("kind", [staticmethod, classmethod])
def test_over_static_and_class_methods(telemetry: Telemetry, kind: Any) -> None:
    def plain(*args: Any) -> Any:
        return args[-1]

    class Thing:
        method = otelier.tool(kind(plain))

    assert Thing.method(5) == 5
    assert Thing().method(6) == 6
    assert len(telemetry.spans("execute_tool plain")) == 2


def test_a_processor_that_raises_does_not_reach_the_program() -> None:
    from opentelemetry.sdk.trace import SpanProcessor

    class Bad(SpanProcessor):
        def on_end(self, span: Any) -> None:
            raise RuntimeError("no")

    running = Telemetry()
    running.tracer_provider.add_span_processor(Bad())
    running.start()

    @otelier.tool
    def add(a: int) -> int:
        return a

    assert add(1) == 1
    running.stop()
