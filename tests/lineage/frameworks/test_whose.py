"""A framework's own users and threads, on every span below: what the program said to it alone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

import otelier
from benchmarks.frameworks import answer
from tests.lineage.frameworks import natively
from tests.lineage.frameworks.test_who import installed
from tests.servers import ProviderServer
from tests.telemetry import Telemetry

USER, CONVERSATION = "user.id", "gen_ai.conversation.id"


@pytest.fixture
def telemetry(server: ProviderServer) -> Iterator[Telemetry]:
    answer(server)
    yield from natively.running(server)


def told(telemetry: Telemetry, name: str) -> dict[str, Any]:
    """What each span says by this name."""
    return {span.name: (span.attributes or {}).get(name) for span in telemetry.spans()}


needs_langgraph = pytest.mark.skipif(not installed("langgraph"), reason="needs langgraph")
needs_adk = pytest.mark.skipif(not installed("google.adk"), reason="needs google-adk")
needs_strands = pytest.mark.skipif(not installed("strands"), reason="needs strands-agents")


def langgraph_agent(url: str) -> Any:
    from langchain_core.tools import tool
    from langchain_openai import ChatOpenAI
    from langgraph.prebuilt import create_react_agent

    @tool
    def get_weather(city: str) -> str:
        """The weather in a city."""
        with otelier.step("inside"):
            return f"sunny in {city}"

    model = ChatOpenAI(model="gpt-4o-mini", api_key="key", base_url=f"{url}/v1", max_retries=0)  # type: ignore[arg-type]
    return create_react_agent(model, [get_weather])


QUESTION = {"messages": [("user", "How is it in Paris?")]}


@needs_langgraph
def test_langgraph(server: ProviderServer, telemetry: Telemetry) -> None:
    config = {"configurable": {"thread_id": "t-1"}, "metadata": {"user_id": "ann"}}
    langgraph_agent(server.url).invoke(QUESTION, config)
    assert set(told(telemetry, CONVERSATION).values()) == {"t-1"}
    assert len(telemetry.spans()) >= 5
    assert set(told(telemetry, USER).values()) == {"ann"}


@needs_langgraph
def test_the_user_that_a_platform_has_authenticated(
    server: ProviderServer, telemetry: Telemetry
) -> None:
    ids = {"langgraph_auth_user_id": "auth|1", "user_id": "ann"}
    langgraph_agent(server.url).invoke(QUESTION, {"metadata": ids})
    assert set(told(telemetry, USER).values()) == {"auth|1"}


@needs_langgraph
def test_a_platform_that_authenticates_nobody(server: ProviderServer, telemetry: Telemetry) -> None:
    ids = {"langgraph_auth_user_id": "", "user_id": "ann"}
    langgraph_agent(server.url).invoke(QUESTION, {"metadata": ids})
    assert set(told(telemetry, USER).values()) == {"ann"}


@needs_langgraph
def test_a_model_alone_has_its_user(server: ProviderServer, telemetry: Telemetry) -> None:
    from langchain_openai import ChatOpenAI

    model = ChatOpenAI(
        model="gpt-4o-mini",
        api_key="key",  # type: ignore[arg-type]
        base_url=f"{server.url}/v1",
        max_retries=0,
    )
    model.invoke("Hello", {"metadata": {"user_id": "ann"}})
    assert set(told(telemetry, USER).values()) == {"ann"}


@needs_langgraph
def test_what_the_program_says_is_worth_more(server: ProviderServer, telemetry: Telemetry) -> None:
    with otelier.session(user_id="ada"):
        langgraph_agent(server.url).invoke(QUESTION, {"metadata": {"user_id": "ann"}})
    assert set(told(telemetry, USER).values()) == {"ada"}


@needs_langgraph
@pytest.mark.parametrize("user", [None, "", 0, True, {"id": "ann"}, ["ann"]])
def test_what_is_no_user(server: ProviderServer, telemetry: Telemetry, user: Any) -> None:
    langgraph_agent(server.url).invoke(QUESTION, {"metadata": {"user_id": user}})
    assert set(told(telemetry, USER).values()) == {None}


def adk(url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", url)
    monkeypatch.setenv("GOOGLE_API_KEY", "k")
    from google.adk.agents import Agent
    from google.adk.runners import InMemoryRunner
    from google.genai import types

    def get_weather(city: str) -> dict[str, str]:
        """The weather in a city."""
        with otelier.step("inside"):
            return {"weather": f"sunny in {city}"}

    get_weather.__annotations__ = {"city": str, "return": dict}
    agent = Agent(model="gemini-2.5-flash", name="weather_agent", tools=[get_weather])
    runner = InMemoryRunner(agent=agent, app_name="app")

    async def ask(user: str) -> None:
        session = await runner.session_service.create_session(
            app_name="app", user_id=user, session_id=f"of {user}"
        )
        said = types.Content(role="user", parts=[types.Part(text="What is it in Paris?")])
        events = runner.run_async(user_id=user, session_id=session.id, new_message=said)
        async for _ in events:
            await asyncio.sleep(0)

    return ask


@needs_adk
def test_adk(server: ProviderServer, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch) -> None:
    asyncio.run(adk(server.url, monkeypatch)("ann"))
    assert len(telemetry.spans()) >= 5
    assert set(told(telemetry, USER).values()) == {"ann"}
    assert set(told(telemetry, CONVERSATION).values()) == {"of ann"}


@needs_adk
def test_adk_s_users_do_not_mix(
    server: ProviderServer, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = adk(server.url, monkeypatch)
    users = [f"user {number}" for number in range(5)]

    async def all_of_them() -> None:
        await asyncio.gather(*map(ask, users))

    asyncio.run(all_of_them())
    found: dict[int, set[Any]] = {}
    for span in telemetry.spans():
        whose = ((span.attributes or {}).get(USER), (span.attributes or {}).get(CONVERSATION))
        found.setdefault(span.context.trace_id, set()).add(whose)
    assert sorted(map(sorted, found.values())) == [[(user, f"of {user}")] for user in users]


@needs_adk
def test_adk_where_the_program_says_it(
    server: ProviderServer, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    with otelier.session(user_id="ada"):
        asyncio.run(adk(server.url, monkeypatch)("ann"))
    assert set(told(telemetry, USER).values()) == {"ada"}


@needs_strands
def test_strands(server: ProviderServer, telemetry: Telemetry) -> None:
    from strands import Agent, tool
    from strands.models.openai import OpenAIModel

    def get_weather(city: str) -> str:
        """The weather in a city."""
        with otelier.step("inside"):
            return f"sunny in {city}"

    get_weather.__annotations__ = {"city": str, "return": str}
    args = {"base_url": f"{server.url}/v1", "api_key": "k"}
    agent = Agent(
        model=OpenAIModel(client_args=args, model_id="gpt-4o"),
        name="weather",
        tools=[tool(get_weather)],
        callback_handler=None,
        # As their documentation has it.
        trace_attributes={"session.id": "s-1", "user.id": "ann"},
    )
    agent("What is the weather in Paris?")
    assert len(telemetry.spans()) >= 5
    assert set(told(telemetry, USER).values()) == {"ann"}
    assert set(told(telemetry, "session.id").values()) == {"s-1"}
    assert set(told(telemetry, CONVERSATION).values()) == {"s-1"}


# --- results ------------------------------------------------------------------------------------


@needs_langgraph
def test_what_langchain_gives(server: ProviderServer, telemetry: Telemetry) -> None:
    """Messages, chunks, states, and what a program has kept of them."""
    from langchain_core.messages import message_to_dict
    from langchain_openai import ChatOpenAI

    model = ChatOpenAI(model="gpt-4o-mini", api_key="key", base_url=f"{server.url}/v1")  # type: ignore[arg-type]
    agent = langgraph_agent(server.url)
    message = model.invoke("Hello")
    if "id" not in message.response_metadata:
        pytest.skip("messages have ids since langchain-openai 0.3")
    chunks = list(model.stream("Hello", stream_usage=True))
    for kept in (message, message_to_dict(message), {"messages": [message]}):
        span = otelier.span_of(kept)
        assert span is not None
        assert span.get_span_context() == telemetry.spans("chat")[0].context
    streamed = otelier.span_of(chunks)
    assert streamed is None or streamed.get_span_context() == telemetry.spans("chat")[1].context
    telemetry.clear()
    *_, state = agent.stream(QUESTION, stream_mode="values")
    span = otelier.span_of(state)
    assert span is not None
    assert span.get_span_context() == telemetry.spans("chat")[-1].context
