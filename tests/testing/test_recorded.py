"""What a test sees of its own calls, and what it can assert of them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import openai
import pytest

import otelier
from otelier import runtime
from otelier.hooks import registry
from otelier.testing import Traces, traces
from tests.servers import Json, ProviderServer, openai_wire
from tests.testing.asking import ask, client, host, weather


@pytest.fixture
def seen(server: ProviderServer) -> Iterator[Traces]:
    with traces(provider_hosts=host(server)) as found:
        yield found


@pytest.fixture
def of(server: ProviderServer) -> openai.OpenAI:
    return client(server)


def test_call(seen: Traces, of: openai.OpenAI) -> None:
    ask(of, "What is it?")
    (call,) = seen.calls
    assert (call.operation, call.model, call.provider) == ("chat", "gpt-4o-mini", "openai")
    assert call.response_model == "gpt-4o-mini-2024-07-18"
    assert call.input == [{"role": "user", "parts": [{"type": "text", "content": "What is it?"}]}]
    assert call.input_text == "What is it?"
    assert call.output[0]["role"] == "assistant"
    assert call.output_text == "Hello from the local server."
    assert (call.tokens.input, call.tokens.output) == (12, 9)
    assert call.cost == pytest.approx(12 * 0.15e-6 + 9 * 0.6e-6)
    assert call.finish_reasons == ("stop",)
    assert call.error is None and call.duration is not None and call.duration > 0
    assert call.span is seen.spans[0]
    assert call.attributes["gen_ai.request.model"] == "gpt-4o-mini"
    assert repr(call) == "<chat gpt-4o-mini · in 12 out 9 · $0.0000072 · stop>"
    assert repr(seen) == "<Traces: 1 model call, 0 tool calls>"
    assert seen.cost == seen.known_cost == call.cost
    assert (seen.tokens.input, seen.tokens.output) == (12, 9)


def test_tools_that_a_model_asks_for(
    seen: Traces, of: openai.OpenAI, server: ProviderServer
) -> None:
    asked = openai_wire.tool_call("weather", {"city": "Oslo"}, id="call_7")
    message = openai_wire.chat_message(None, tool_calls=[asked])
    server.script(Json(openai_wire.chat_completion(message)))
    ask(of)
    (tool,) = seen.calls[0].tool_calls
    assert (tool.name, tool.arguments, tool.id) == ("weather", {"city": "Oslo"}, "call_7")
    with pytest.raises(AssertionError) as failure:
        seen.assert_called("weather", city="Oslo")
    assert str(failure.value).splitlines() == [
        "weather(city='Oslo') was not executed",
        "no tool was",
        "a model asked for it (is the function an otelier.tool?):",
        "  weather(city='Oslo')",
    ]


def test_steps(seen: Traces, of: openai.OpenAI) -> None:
    with otelier.agent("guide"):
        with otelier.retrieval("library", query="rain") as search:
            search.set_documents([{"id": "7", "content": "Rain falls."}])
        ask(of)
        weather("Oslo", days=2)
    (agent,), (tool,), (search,) = seen.agents, seen.tools, seen.retrievals
    assert (agent.agent, agent.tokens.input, agent.cost) == ("guide", 12, seen.cost)
    assert (tool.tool, tool.arguments, tool.result) == (
        "weather",
        {"city": "Oslo", "days": 2},
        "sunny in Oslo",
    )
    assert (search.source, search.query) == ("library", "rain")
    assert search.documents[0]["id"] == "7"
    tree = """
        invoke_agent guide
          retrieval library
          chat gpt-4o-mini
          execute_tool weather
    """
    seen.assert_tree(tree)
    assert seen.assert_called("weather", city="Oslo") == tool
    seen.assert_called("weather")
    seen.assert_not_called("delete_everything")
    seen.assert_no_errors()
    seen.assert_cost(max=0.01)
    seen.clear()
    assert not seen.spans and not seen.calls and seen.tree() == "" and seen.cost == 0.0
    assert seen.tokens.input is None


def test_tree_that_differs(seen: Traces, of: openai.OpenAI) -> None:
    with otelier.agent("guide"):
        ask(of)
        weather("Oslo")
    with pytest.raises(AssertionError) as failure:
        seen.assert_tree("""
            invoke_agent guide
              chat gpt-4o-mini
              execute_tool forecast
        """)
    assert str(failure.value).splitlines() == [
        "the trace is another one (- expected, + recorded):",
        "  invoke_agent guide",
        "    chat gpt-4o-mini",
        "-   execute_tool forecast",
        "+   execute_tool weather",
        "recorded:",
        "invoke_agent guide",
        "  chat gpt-4o-mini",
        "  execute_tool weather",
    ]


def test_side_by_side(seen: Traces) -> None:
    """Siblings in the order of their texts: runs in which another begins first look the same."""
    drawings = set()
    for cities in (("b", "a"), ("a", "b")):
        seen.clear()
        with otelier.workflow("all"):
            for each in cities:
                with otelier.step(each):
                    pass
        drawings.add(seen.tree(ordered=False))
        assert seen.tree() != seen.tree(ordered=False) or cities == ("a", "b")
    assert len(drawings) == 1


def test_spans_of_others(seen: Traces, of: openai.OpenAI) -> None:
    from opentelemetry import trace

    with trace.get_tracer("web").start_as_current_span("GET /items/17"):
        ask(of)
    assert seen.tree() == "chat gpt-4o-mini"
    assert seen.tree(all=True) == "GET /items/17\n  chat gpt-4o-mini"
    seen.assert_tree("GET /items/17\n  chat gpt-4o-mini", all=True)


def test_other_arguments(seen: Traces) -> None:
    weather("Bergen")
    with pytest.raises(AssertionError) as failure:
        seen.assert_called("weather", city="Oslo")
    assert str(failure.value).splitlines() == [
        "weather(city='Oslo') was not executed",
        "executed:",
        "  weather(city='Bergen')",
    ]
    with pytest.raises(AssertionError, match=r"weather was executed:\n  weather\(city='Bergen'\)"):
        seen.assert_not_called("weather")


def test_errors(seen: Traces, of: openai.OpenAI, server: ProviderServer) -> None:
    server.script(Json(openai_wire.error_body("slow down"), status=429))
    with pytest.raises(openai.RateLimitError), otelier.agent("guide"):
        ask(of)
    (call,) = seen.calls
    assert call.error == "openai.RateLimitError" and "slow down" in call.error_message
    assert call.cost is None
    assert seen.tree() == (
        "invoke_agent guide !openai.RateLimitError\n  chat gpt-4o-mini !openai.RateLimitError"
    )
    with pytest.raises(AssertionError, match=r"chat gpt-4o-mini: openai.RateLimitError: .*slow"):
        seen.assert_no_errors()
    # It was refused: there is nothing to pay.
    assert seen.cost == 0.0
    seen.assert_cost(max=0)


def test_unknown_cost_is_not_nothing(seen: Traces, of: openai.OpenAI) -> None:
    ask(of)
    ask(of, model="secret-1")
    seen_known = seen.known_cost
    assert seen.cost is None and seen_known > 0
    assert [call.model for call in seen.unpriced] == ["secret-1"]
    with pytest.raises(AssertionError) as failure:
        seen.assert_cost(max=1)
    assert str(failure.value).splitlines() == [
        "the cost of these calls is not known, or not wholly:",
        "  chat secret-1 · in 12 out 9 · no known price · stop",
    ]
    with pytest.raises(AssertionError) as failure:
        seen.assert_cost(max=0.000001)
    assert str(failure.value).splitlines() == [
        "it cost $0.0000072, more than $0.000001:",
        "  chat gpt-4o-mini · in 12 out 9 · $0.0000072 · stop",
        "  chat secret-1 · in 12 out 9 · no known price · stop",
        "besides, the cost of these calls is not known, or not wholly:",
        "  chat secret-1 · in 12 out 9 · no known price · stop",
    ]


def test_an_agents_unknown_cost(seen: Traces, of: openai.OpenAI) -> None:
    with otelier.agent("guide"):
        ask(of)
        ask(of, model="secret-1")
    (agent,) = seen.agents
    assert agent.cost is None and agent.tokens.input == 24


def test_threads_and_tasks(seen: Traces, server: ProviderServer, of: openai.OpenAI) -> None:
    thread = threading.Thread(target=ask, args=(of, "thread"))
    thread.start()
    thread.join()

    async def tasks() -> None:
        async with openai.AsyncOpenAI(
            api_key="k", base_url=f"{server.url}/v1", max_retries=0
        ) as several:
            await asyncio.gather(*(ask(several, name) for name in ("one", "two")))  # type: ignore[arg-type]

    asyncio.run(tasks())
    assert sorted(call.input_text for call in seen.calls) == ["one", "thread", "two"]


def test_a_stream_that_nobody_reads(seen: Traces, of: openai.OpenAI) -> None:
    """What the program drops has ended when it is looked at, and what it holds has not."""
    asked = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}]}
    stream = of.chat.completions.create(stream=True, **asked)  # type: ignore[call-overload]
    with pytest.raises(AssertionError, match="not ended yet: chat gpt-4o-mini"):
        seen.assert_tree("chat gpt-4o-mini")
    cycle = [stream]
    cycle.append(cycle)
    del stream, cycle
    seen.assert_tree("chat gpt-4o-mini")


def test_looked_at_afterwards(server: ProviderServer) -> None:
    with traces() as seen:
        ask(client(server))
    ask(client(server))
    assert len(seen.calls) == 1
    assert "user: Hi" in str(seen) and "Hello from the local server." in str(seen)


def test_one_in_the_other(server: ProviderServer) -> None:
    of = client(server)
    with traces() as outer:
        ask(of, "first")
        with traces(capture=False) as inner:
            ask(of, "second")
        ask(of, "third")
    assert [call.input_text for call in outer.calls] == ["first", "", "third"]
    assert len(inner.calls) == 1


def test_ended_in_another_order(server: ProviderServer) -> None:
    """As fixtures of a framework of the user's may; what was there before is there in the end."""
    of = client(server)
    one, two = traces(), traces()
    first, second = one.__enter__(), two.__enter__()
    one.__exit__(None, None, None)
    ask(of)
    two.__exit__(None, None, None)
    ask(of)
    assert (len(first.calls), len(second.calls)) == (0, 1)
    assert runtime.current() is None and not registry.states()


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"tracer_provider": object()}, "leave tracer_provider out"),
        ({"captur": True}, "no option 'captur'; did you mean capture"),
    ],
)
def test_wrong_options(options: dict[str, object], error: str) -> None:
    with pytest.raises(TypeError, match=error), traces(**options):  # type: ignore[arg-type]
        pass


def test_wrong_values() -> None:
    with pytest.raises(ValueError, match="capture has a wrong value"), traces(capture="some"):  # type: ignore[arg-type]
        pass
