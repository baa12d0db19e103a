"""Google ADK: its own trees stay, and say what they lacked."""

from __future__ import annotations

import asyncio
import gc
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("google.adk")

import google.adk
from google.adk.agents import Agent, LoopAgent, ParallelAgent, SequentialAgent
from google.adk.agents.run_config import RunConfig, StreamingMode
from google.adk.runners import InMemoryRunner
from google.adk.tools import FunctionTool
from google.adk.tools.agent_tool import AgentTool
from google.genai import types
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan

import otelier
from otelier import guard, natives, theirs, under_way
from otelier.frameworks.google_adk import native
from otelier.scope import beneath
from tests.lineage.frameworks.drawing import conversation, draw, model_calls, title, tokens, tree
from tests.servers import Json, ProviderServer, Recorded, Reply, gemini_wire
from tests.servers.gemini_wire import answer, call, candidate, pieces, stream, text
from tests.telemetry import Telemetry

VERSION = tuple(int(part) for part in google.adk.__version__.split(".")[:2])
# A workflow around, and one span of its own for each model call.
NEWER = VERSION >= (2, 13)
newer = pytest.mark.skipif(not NEWER, reason="this version of ADK draws another tree")
MODEL = "gemini-2.5-flash"
CALL = answer(candidate(call("get_weather", {"city": "Paris"})))
ANSWER = answer(candidate(text("It is sunny.")))
SECRETS = ("Paris", "sunny", "Be brief")


@pytest.fixture
def telemetry(server: ProviderServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Telemetry]:
    """Its spans go to the program's provider, which it asks for when it is imported."""
    monkeypatch.setenv("GOOGLE_API_KEY", "k")
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", server.url)
    running = Telemetry()
    redirect(running, monkeypatch)
    host = server.url.removeprefix("http://")
    running.start(provider_hosts=f"{host}=gcp.gemini")
    yield running
    running.stop()
    assert not guard.failures(), guard.failures()
    gc.collect()
    assert not under_way.anything()
    assert not natives.watched


def redirect(running: Telemetry, monkeypatch: pytest.MonkeyPatch) -> None:
    """Send what ADK's tracers make to this test's provider."""
    tracers = {
        id(tracer): tracer
        for module in _modules()
        if isinstance(tracer := getattr(module, "tracer", None), trace.Tracer)
    }
    for tracer in tracers.values():
        ours = running.tracer_provider.get_tracer(native.SCOPE)
        for name in ("start_span", "start_as_current_span"):
            monkeypatch.setattr(tracer, name, getattr(ours, name), raising=False)


def _modules() -> list[Any]:
    return [each for name, each in sys.modules.items() if name.startswith("google.adk")]


def get_weather(city: str) -> dict[str, str]:
    """The weather in a city."""
    return {"weather": f"sunny in {city}"}


# Older versions read no annotation that is a text.
get_weather.__annotations__ = {"city": str, "return": dict}


def weather_agent(*tools: Any, **options: Any) -> Agent:
    return Agent(
        **{
            "model": MODEL,
            "name": "weather_agent",
            "description": "Tells the weather",
            "instruction": "Be brief.",
            "tools": list(tools or (get_weather,)),
            **options,
        }
    )


async def converse(
    agent: Any,
    question: str = "What is the weather in Paris?",
    *,
    session_id: str = "s-1",
    sse: bool = False,
    stop_after: int | None = None,
    **options: Any,
) -> str:
    """Run it once; what it says last."""
    runner = InMemoryRunner(agent=agent, app_name="app", **options)
    await runner.session_service.create_session(
        app_name="app", user_id="ann", session_id=session_id
    )
    if sse:
        options = {"run_config": RunConfig(streaming_mode=StreamingMode.SSE)}
    else:
        options = {}
    message = types.Content(role="user", parts=[types.Part(text=question)])
    events = runner.run_async(user_id="ann", session_id=session_id, new_message=message, **options)
    said = ""
    seen = 0
    async for event in events:
        seen += 1
        if event.content and event.content.parts and event.content.parts[0].text:
            said = event.content.parts[0].text
        if stop_after is not None and seen >= stop_after:
            await events.aclose()
            break
    return said


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def says(**parts: dict[str, Any]) -> Callable[[Recorded], Reply]:
    """An answer by the question or the agent's instruction that is in the request."""

    def reply(request: Recorded) -> Reply:
        told = request.body.decode()
        for word, body in parts.items():
            if word in told:
                return Json(body)
        raise AssertionError(told)

    return reply


PLAIN = """
    invoke_workflow weather_agent 12+50
      invoke_agent weather_agent 12+50
        generate_content gemini-2.5-flash 6+25
        execute_tool get_weather
        generate_content gemini-2.5-flash 6+25
"""


@newer
def test_agent(server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(Json(CALL), Json(ANSWER))
    assert asyncio.run(converse(weather_agent())) == "It is sunny."
    assert draw(telemetry, tokens) == tree(PLAIN)
    tool = attributes(telemetry.span("execute_tool"))
    assert tool["gen_ai.operation.name"] == "execute_tool"
    assert tool["gen_ai.tool.name"] == "get_weather"
    assert tool["gen_ai.tool.type"] == "function"
    assert tool["gen_ai.tool.description"] == "The weather in a city."
    assert tool["gen_ai.tool.call.id"]
    assert json.loads(tool["gen_ai.tool.call.arguments"]) == {"city": "Paris"}
    assert json.loads(tool["gen_ai.tool.call.result"]) == {"weather": "sunny in Paris"}
    cost = 0.0
    for made in model_calls(telemetry):
        held = attributes(made)
        assert held["gen_ai.provider.name"] == "gcp.gemini"
        assert json.loads(held["gen_ai.output.messages"])
        cost += held["gen_ai.usage.cost"]
    agent = attributes(telemetry.span("invoke_agent"))
    assert agent["otelier.cost.total"] == pytest.approx(cost)
    assert agent["gen_ai.agent.description"] == "Tells the weather"
    asked, said = (json.loads(agent[f"gen_ai.{name}.messages"]) for name in ("input", "output"))
    assert asked[-1]["parts"] == [{"type": "text", "content": "What is the weather in Paris?"}]
    assert said[-1]["parts"] == [{"type": "text", "content": "It is sunny."}]


@newer
def test_conversation_is_the_session(server: ProviderServer, telemetry: Telemetry) -> None:
    def look_up(city: str) -> dict[str, str]:
        """Look it up."""
        with telemetry.tracer.start_as_current_span("query"), otelier.step("inner"):
            return {"found": city}

    server.script(Json(answer(candidate(call("look_up", {"city": "Oslo"})))), Json(ANSWER))
    asyncio.run(converse(weather_agent(look_up), session_id="thread-7"))
    drawn = """
        invoke_workflow weather_agent [{id}]
          invoke_agent weather_agent [{id}]
            generate_content gemini-2.5-flash [{id}]
            execute_tool look_up [{id}]
              query [{id}]
                inner [{id}]
            generate_content gemini-2.5-flash [{id}]
    """
    assert draw(telemetry, conversation) == tree(drawn.format(id="thread-7"))
    telemetry.clear()
    server.script(Json(answer(candidate(call("look_up", {"city": "Oslo"})))), Json(ANSWER))
    with otelier.session(conversation_id="mine"):
        asyncio.run(converse(weather_agent(look_up), session_id="thread-8"))
    assert draw(telemetry, conversation) == tree(drawn.format(id="mine"))


@newer
def test_streamed_calls_are_counted_once(server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(stream(CALL), stream(*pieces("It is ", "sunny.")))
    assert asyncio.run(converse(weather_agent(), sse=True)) == "It is sunny."
    assert draw(telemetry, tokens) == tree(PLAIN)
    assert len(model_calls(telemetry)) == 2
    for made in model_calls(telemetry):
        assert attributes(made)["gen_ai.usage.cost"] > 0
    points = telemetry.metrics()["gen_ai.client.token.usage"]
    assert sum(point.sum for point in points) == 62


@newer
def test_stream_left_early(server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(stream(*pieces("It ", "is ", "sunny.")))

    async def main() -> None:
        with telemetry.tracer.start_as_current_span("request"):
            await converse(weather_agent(), sse=True, stop_after=1)
        with telemetry.tracer.start_as_current_span("afterwards"):
            pass

    asyncio.run(main())
    found = draw(telemetry, lambda span: span.name)
    assert found == tree("""
        request
          invoke_workflow weather_agent
            invoke_agent weather_agent
              generate_content gemini-2.5-flash
        afterwards
    """)


@newer
def test_parallel_tools(server: ProviderServer, telemetry: Telemetry) -> None:
    async def look_up(city: str) -> dict[str, str]:
        """Look it up."""
        await asyncio.sleep(0)
        with telemetry.tracer.start_as_current_span(f"GET {city}"):
            await asyncio.sleep(0)
        return {"found": city}

    both = candidate(call("look_up", {"city": "Rome"}), call("look_up", {"city": "Oslo"}))
    server.script(Json(answer(both)), Json(ANSWER))
    asyncio.run(converse(weather_agent(look_up)))
    assert draw(telemetry, ordered=False, leave_out=merged) == tree("""
        invoke_workflow weather_agent
          invoke_agent weather_agent
            execute_tool look_up
              GET Oslo
            execute_tool look_up
              GET Rome
            generate_content gemini-2.5-flash
            generate_content gemini-2.5-flash
    """)


def merged(span: ReadableSpan) -> bool:
    """Not a tool: what all of one answer have given."""
    return span.name == "execute_tool (merged)"


@newer
def test_failing_tool(server: ProviderServer, telemetry: Telemetry) -> None:
    def get_weather(city: str) -> dict[str, str]:
        """The weather in a city."""
        raise ValueError("no such city")

    server.script(Json(CALL))
    with pytest.raises(ValueError, match="no such city"):
        asyncio.run(converse(weather_agent(get_weather)))
    assert draw(telemetry) == tree("""
        invoke_workflow weather_agent !ValueError
          invoke_agent weather_agent !ValueError
            generate_content gemini-2.5-flash
            execute_tool get_weather !ValueError
    """)


@newer
def test_failing_tool_that_a_callback_answers(server: ProviderServer, telemetry: Telemetry) -> None:
    def get_weather(city: str) -> dict[str, str]:
        """The weather in a city."""
        raise ValueError("no such city")

    def on_error(tool: Any, args: Any, tool_context: Any, error: Exception) -> dict[str, str]:
        return {"error": "unknown"}

    server.script(Json(CALL), Json(ANSWER))
    agent = weather_agent(get_weather, on_tool_error_callback=on_error)
    assert asyncio.run(converse(agent)) == "It is sunny."
    # A failure that its callback answers is none for ADK.
    assert draw(telemetry, lambda span: span.name) == tree("""
        invoke_workflow weather_agent
          invoke_agent weather_agent
            generate_content gemini-2.5-flash
            execute_tool get_weather
            generate_content gemini-2.5-flash
    """)


@newer
def test_callbacks_and_plugins(server: ProviderServer, telemetry: Telemetry) -> None:
    from google.adk.plugins.base_plugin import BasePlugin

    seen: list[str] = []

    class Plugin(BasePlugin):
        async def before_tool_callback(
            self, *, tool: Any, tool_args: Any, tool_context: Any
        ) -> Any:
            seen.append(trace.get_current_span().name)  # type: ignore[attr-defined]
            return None

    def before_model(callback_context: Any, llm_request: Any) -> None:
        seen.append("before model")

    def before_tool(tool: Any, args: Any, tool_context: Any) -> dict[str, str]:
        return {"weather": "from the cache"}

    server.script(Json(CALL), Json(ANSWER))
    agent = weather_agent(before_model_callback=before_model, before_tool_callback=before_tool)
    assert asyncio.run(converse(agent, plugins=[Plugin(name="mine")])) == "It is sunny."
    assert draw(telemetry, tokens) == tree(PLAIN)
    assert seen.count("before model") == 2


@newer
def test_transfer_between_agents(server: ProviderServer, telemetry: Telemetry) -> None:
    clerk = weather_agent()
    root = Agent(
        model=MODEL,
        name="front_desk",
        instruction="Hand over.",
        sub_agents=[clerk],
        description="d",
    )
    transfer = call("transfer_to_agent", {"agent_name": "weather_agent"})
    server.script(Json(answer(candidate(transfer))), Json(CALL), Json(ANSWER))
    assert asyncio.run(converse(root)) == "It is sunny."
    assert draw(telemetry, tokens) == tree("""
        invoke_workflow front_desk 18+75
          invoke_agent front_desk 6+25
            generate_content gemini-2.5-flash 6+25
            execute_tool transfer_to_agent
          invoke_agent weather_agent 12+50
            generate_content gemini-2.5-flash 6+25
            execute_tool get_weather
            generate_content gemini-2.5-flash 6+25
    """)


@newer
def test_agent_as_a_tool(server: ProviderServer, telemetry: Telemetry) -> None:
    root = Agent(
        model=MODEL, name="lead", instruction="Ask.", tools=[AgentTool(agent=weather_agent())]
    )
    ask = call("weather_agent", {"request": "Paris?"})
    server.script(Json(answer(candidate(ask))), Json(CALL), Json(ANSWER), Json(ANSWER))
    assert asyncio.run(converse(root, session_id="s-9")) == "It is sunny."
    assert draw(telemetry, tokens) == tree("""
        invoke_workflow lead 24+100
          invoke_agent lead 24+100
            generate_content gemini-2.5-flash 6+25
            execute_tool weather_agent
              invoke_workflow weather_agent 12+50
                invoke_agent weather_agent 12+50
                  generate_content gemini-2.5-flash 6+25
                  execute_tool get_weather
                  generate_content gemini-2.5-flash 6+25
            generate_content gemini-2.5-flash 6+25
    """)
    # The session that ADK makes for the tool's agent is nobody's conversation.
    told = {attributes(span).get("gen_ai.conversation.id") for span in telemetry.spans()}
    assert told == {"s-9"}


@newer
def test_workflow_agents(server: ProviderServer, telemetry: Telemetry) -> None:
    def made(name: str) -> Agent:
        return Agent(model=MODEL, name=name, instruction=f"You are {name}.")

    root = SequentialAgent(
        name="pipeline",
        sub_agents=[
            ParallelAgent(name="both", sub_agents=[made("left"), made("right")]),
            LoopAgent(name="again", sub_agents=[made("critic")], max_iterations=2),
        ],
    )
    server.route(":generateContent", lambda request: Json(ANSWER))
    assert asyncio.run(converse(root)) == "It is sunny."
    assert draw(telemetry, tokens, ordered=False) == tree("""
        invoke_workflow pipeline 24+100
          invoke_agent pipeline 24+100
            invoke_agent again 12+50
              invoke_agent critic 6+25
                generate_content gemini-2.5-flash 6+25
              invoke_agent critic 6+25
                generate_content gemini-2.5-flash 6+25
            invoke_agent both 12+50
              invoke_agent left 6+25
                generate_content gemini-2.5-flash 6+25
              invoke_agent right 6+25
                generate_content gemini-2.5-flash 6+25
    """)


@newer
def test_ten_users_in_one_loop(server: ProviderServer, telemetry: Telemetry) -> None:
    def reply(request: Recorded) -> Reply:
        contents = request.json()["contents"]
        last = contents[-1]["parts"][0]
        if "functionResponse" in last:
            said = last["functionResponse"]["response"]["weather"]
            return Json(answer(candidate(text(said))))
        return Json(answer(candidate(call("get_weather", {"city": last["text"]}))))

    server.route(":generateContent", reply)
    agent = weather_agent()

    async def serve(user: int) -> str:
        with telemetry.tracer.start_as_current_span(f"request {user}"):
            return await converse(agent, f"city {user}", session_id=f"user-{user}")

    async def main() -> list[str]:
        return await asyncio.gather(*(serve(user) for user in range(10)))

    assert asyncio.run(main()) == [f"sunny in city {user}" for user in range(10)]

    def say(span: ReadableSpan) -> str:
        return conversation(span) + tokens(span).removeprefix(title(span))

    assert draw(telemetry, say, ordered=False) == "\n".join(
        tree(f"""
            request {user}
              invoke_workflow weather_agent [user-{user}] 12+50
                invoke_agent weather_agent [user-{user}] 12+50
                  execute_tool get_weather [user-{user}]
                  generate_content gemini-2.5-flash [user-{user}] 6+25
                  generate_content gemini-2.5-flash [user-{user}] 6+25
        """)
        for user in range(10)
    )


@newer
def test_steps_of_ours_in_between(server: ProviderServer, telemetry: Telemetry) -> None:
    """Sums go through: agents of ours beneath theirs, and theirs beneath ours."""
    inner = weather_agent(name="inner_agent")

    async def research(topic: str) -> dict[str, str]:
        """Find out."""
        with otelier.agent("helper"):
            return {"found": await converse(inner, session_id="s-2")}

    server.script(Json(answer(candidate(call("research", {"topic": "tea"})))))
    server.script(Json(CALL), Json(ANSWER), Json(ANSWER))
    with otelier.workflow("support"):
        asyncio.run(converse(weather_agent(research)))
    assert draw(telemetry, tokens) == tree("""
        invoke_workflow support 24+100
          invoke_workflow weather_agent 24+100
            invoke_agent weather_agent 24+100
              generate_content gemini-2.5-flash 6+25
              execute_tool research
                invoke_agent helper 12+50
                  invoke_workflow inner_agent 12+50
                    invoke_agent inner_agent 12+50
                      generate_content gemini-2.5-flash 6+25
                      execute_tool get_weather
                      generate_content gemini-2.5-flash 6+25
              generate_content gemini-2.5-flash 6+25
    """)


@newer
@pytest.mark.parametrize("named", [None, "look up"])
def test_declared_tool_is_the_same_span(
    named: str | None, server: ProviderServer, telemetry: Telemetry
) -> None:
    @(otelier.tool if named is None else otelier.tool(named))
    def get_weather(city: str) -> dict[str, str]:
        """The weather in a city."""
        return {"weather": "sunny"}

    server.script(Json(CALL), Json(ANSWER))
    asyncio.run(converse(weather_agent(FunctionTool(get_weather))))
    names = [span.name for span in telemetry.spans() if span.name.startswith("execute_tool")]
    assert names == [f"execute_tool {named or 'get_weather'}"]


@newer
def test_declared_tool_without_content(server: ProviderServer, telemetry: Telemetry) -> None:
    @otelier.tool(capture=False)
    def get_weather(city: str) -> dict[str, str]:
        """The weather in a city."""
        return {"weather": "sunny"}

    server.script(Json(CALL), Json(ANSWER))
    asyncio.run(converse(weather_agent(get_weather)))
    tool = attributes(telemetry.span("execute_tool"))
    assert "gen_ai.tool.call.arguments" not in tool
    assert "gen_ai.tool.call.result" not in tool


@newer
def test_no_content(server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(Json(CALL), Json(ANSWER), Json(CALL), Json(ANSWER))
    with otelier.capture("NO_CONTENT"):
        asyncio.run(converse(weather_agent()))
    assert draw(telemetry, tokens) == tree(PLAIN)
    assert kept(telemetry) == []
    otelier.instrument(capture="NO_CONTENT")
    asyncio.run(converse(weather_agent()))
    assert kept(telemetry) == []


def kept(telemetry: Telemetry) -> list[str]:
    """What of the content is on spans."""
    told = str([attributes(span) for span in telemetry.spans()])
    return [secret for secret in SECRETS if secret in told]


@newer
def test_cancelled(server: ProviderServer, telemetry: Telemetry) -> None:
    async def main() -> None:
        reached = asyncio.Event()

        async def get_weather(city: str) -> dict[str, str]:
            """The weather in a city."""
            reached.set()
            await asyncio.Event().wait()
            return {}

        task = asyncio.create_task(converse(weather_agent(get_weather)))
        await reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    server.script(Json(CALL))
    asyncio.run(main())
    assert draw(telemetry) == tree("""
        invoke_workflow weather_agent
          invoke_agent weather_agent
            generate_content gemini-2.5-flash
            execute_tool get_weather
    """)


@newer
def test_disabled(server: ProviderServer, telemetry: Telemetry) -> None:
    telemetry.stop()
    telemetry.start(disabled="google_adk")
    server.script(Json(CALL), Json(ANSWER))
    asyncio.run(converse(weather_agent()))
    tool = attributes(telemetry.span("execute_tool"))
    assert tool["gen_ai.tool.type"] == "FunctionTool"
    assert "gen_ai.usage.input_tokens" not in attributes(telemetry.span("invoke_agent"))


@newer
def test_uninstrumented_and_again(server: ProviderServer, telemetry: Telemetry) -> None:
    telemetry.stop()
    assert not natives.watched and not beneath
    server.script(Json(CALL), Json(ANSWER))
    assert asyncio.run(converse(weather_agent())) == "It is sunny."
    assert "gen_ai.tool.call.arguments" not in attributes(telemetry.span("execute_tool"))
    telemetry.clear()
    telemetry.start()
    server.script(Json(CALL), Json(ANSWER))
    assert asyncio.run(converse(weather_agent())) == "It is sunny."
    assert draw(telemetry, tokens) == tree(PLAIN)


@newer
def test_its_metrics_are_not_recorded_twice(telemetry: Telemetry) -> None:
    assert native.SCOPE not in theirs.measuring
    telemetry.stop()
    # ADK's own go to the program's meter provider, and so do ours then.
    telemetry.start(meter_provider=None)
    assert native.SCOPE in theirs.measuring
    telemetry.stop()
    assert native.SCOPE not in theirs.measuring


@newer
def test_litellm_models(
    server: ProviderServer, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("litellm")
    from google.adk.models.lite_llm import LiteLlm

    from tests.servers.openai_chat import chat_completion, chat_message, tool_call

    model = LiteLlm(model="openai/gpt-4o-mini", api_base=f"{server.url}/v1", api_key="k")
    asked = chat_message(tool_calls=[tool_call("get_weather", {"city": "Paris"})])
    server.script(Json(chat_completion(asked)), Json(chat_completion(chat_message("Sunny."))))
    assert asyncio.run(converse(weather_agent(model=model))) == "Sunny."
    calls = model_calls(telemetry)
    assert len(calls) == 2
    assert attributes(telemetry.span("invoke_agent"))["gen_ai.usage.input_tokens"] == 24


@pytest.mark.skipif(NEWER, reason="of older versions")
def test_older_names(server: ProviderServer, telemetry: Telemetry) -> None:
    """Today's names, totals, and each call once, within the tree that an older version draws."""
    server.script(Json(CALL), Json(ANSWER))
    assert asyncio.run(converse(weather_agent())) == "It is sunny."
    assert len(model_calls(telemetry)) == 2

    def apart(span: ReadableSpan) -> bool:
        return span.name.startswith(("call_llm", "tool_response", "execute_tool"))

    assert draw(telemetry, leave_out=apart) == tree("""
        invocation
          invoke_agent weather_agent
            generate_content gemini-2.5-flash
            generate_content gemini-2.5-flash
    """)
    told = [span for span in telemetry.spans() if "gen_ai.usage.input_tokens" in attributes(span)]
    assert [span.name.split()[0] for span in told] == [
        *("generate_content", "generate_content", "invoke_agent")
    ]
    assert tokens(told[-1]) == "invoke_agent weather_agent 12+50"
    tool = attributes(telemetry.span("execute_tool"))
    assert tool["gen_ai.operation.name"] == "execute_tool"
    assert tool["gen_ai.tool.type"] == "function"
    assert json.loads(tool["gen_ai.tool.call.arguments"]) == {"city": "Paris"}
    assert json.loads(tool["gen_ai.tool.call.result"]) == {"weather": "sunny in Paris"}
    agent = attributes(telemetry.span("invoke_agent"))
    assert agent["gen_ai.agent.name"] == "weather_agent"
    assert "It is sunny." in agent["gen_ai.output.messages"]


def test_modules_without_the_seams() -> None:
    from otelier.frameworks.google_adk import tools
    from otelier.hooks.patching import Patches

    for room in (native, tools):
        with pytest.raises(LookupError):
            room.patch("google_adk", gemini_wire, Patches())


def said(events: Any) -> Any:
    """What the last event says."""
    return events[-1].content.parts[0].text


@newer
def test_small(
    server: ProviderServer, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.lineage.frameworks.small.google_adk import prepare

    run = prepare(server.url)
    for _ in range(2):
        server.script(Json(CALL), Json(ANSWER))
        assert said(run()) == "It is sunny."
    assert draw(telemetry, tokens) == "\n".join([tree(PLAIN)] * 2)


BESIDE = """
import asyncio, sys
from opentelemetry import metrics, trace
from tests.lineage.frameworks.drawing import draw, tokens
from tests.lineage.frameworks.small import google_adk
from tests.servers import Json, ProviderServer
from tests.servers.gemini_wire import answer, call, candidate, text
from tests.telemetry import Telemetry

def theirs():
    from opentelemetry.instrumentation.google_genai import GoogleGenAiSdkInstrumentor
    GoogleGenAiSdkInstrumentor().instrument()

telemetry = Telemetry()
trace.set_tracer_provider(telemetry.tracer_provider)
metrics.set_meter_provider(telemetry.meter_provider)
for start in ({order}):
    start()
with ProviderServer() as server:
    run = google_adk.prepare(server.url)
    server.script(Json(answer(candidate(call("get_weather", {"city": "Paris"})))))
    server.script(Json(answer(candidate(text("It is sunny.")))))
    assert run()[-1].content.parts[0].text == "It is sunny."
print(draw(telemetry, tokens))
points = telemetry.metrics()["gen_ai.client.token.usage"]
print(sum(point.sum for point in points))
"""


@newer
@pytest.mark.parametrize(
    "order", ["telemetry.start,", "theirs, telemetry.start", "telemetry.start, theirs"]
)
def test_beside_the_instrumentation_of_its_sdk(order: str) -> None:
    """Each call has one span, and its tokens are counted once in metrics, ADK's own included."""
    if "theirs" in order:
        pytest.importorskip("opentelemetry.instrumentation.google_genai")
    done = subprocess.run(
        [sys.executable, "-c", BESIDE.replace("{order}", order)],
        capture_output=True,
        text=True,
        timeout=100,
        cwd=Path(__file__).resolve().parents[3],
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == tree(PLAIN) + "\n62"
    assert done.stderr.count("otelier leaves its calls alone") == ("theirs" in order)


@pytest.mark.skipif(NEWER, reason="of older versions")
def test_older_names_without_content(server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(Json(CALL), Json(ANSWER))
    with otelier.capture("NO_CONTENT"):
        asyncio.run(converse(weather_agent()))
    assert len(model_calls(telemetry)) == 2
    assert kept(telemetry) == []


@pytest.mark.skipif(NEWER, reason="of older versions")
@pytest.mark.parametrize("sse", [False, True])
def test_older_trees(sse: bool, server: ProviderServer, telemetry: Telemetry) -> None:
    """Transfer, streamed or not: sums, conversation, and each call once."""
    clerk = weather_agent()
    root = Agent(model=MODEL, name="front_desk", instruction="Hand over.", sub_agents=[clerk])
    transfer = answer(candidate(call("transfer_to_agent", {"agent_name": "weather_agent"})))
    made = [transfer, CALL, ANSWER]
    server.script(*(stream(each) if sse else Json(each) for each in made))
    assert asyncio.run(converse(root, session_id="s-5", sse=sse)) == "It is sunny."
    calls = [attributes(span) for span in model_calls(telemetry)]
    assert len(calls) == 3
    assert all(held["gen_ai.usage.cost"] > 0 for held in calls)
    sums = {tokens(span) for span in telemetry.spans("invoke_agent")}
    # In some versions the second agent is beneath the first.
    assert "invoke_agent weather_agent 12+50" in sums
    assert sums & {"invoke_agent front_desk 6+25", "invoke_agent front_desk 18+75"}
    agents = telemetry.spans("invoke_agent")
    if VERSION > (1, 0):
        told = {attributes(span)["gen_ai.conversation.id"] for span in agents}
        told |= {held["gen_ai.conversation.id"] for held in calls}
        assert told == {"s-5"}


@newer
def test_tool_that_is_answered_later(server: ProviderServer, telemetry: Telemetry) -> None:
    """The second run of the session is a trace of its own in the same conversation."""
    from google.adk.tools import LongRunningFunctionTool

    def approve(amount: int) -> dict[str, str] | None:
        """Ask somebody."""
        return None

    agent = weather_agent(LongRunningFunctionTool(approve))

    async def main() -> None:
        runner = InMemoryRunner(agent=agent, app_name="app")
        await runner.session_service.create_session(app_name="app", user_id="ann", session_id="s-6")

        async def say(part: types.Part) -> list[Any]:
            message = types.Content(role="user", parts=[part])
            return [
                event
                async for event in runner.run_async(
                    user_id="ann", session_id="s-6", new_message=message
                )
            ]

        events = await say(types.Part(text="May I?"))
        (asked,) = [each for event in events for each in event.get_function_calls()]
        given = types.FunctionResponse(id=asked.id, name="approve", response={"status": "yes"})
        await say(types.Part(function_response=given))

    server.script(Json(answer(candidate(call("approve", {"amount": 3})))), Json(ANSWER))
    asyncio.run(main())
    assert draw(telemetry, conversation) == tree("""
        invoke_workflow weather_agent [s-6]
          invoke_agent weather_agent [s-6]
            generate_content gemini-2.5-flash [s-6]
            execute_tool approve [s-6]
        invoke_workflow weather_agent [s-6]
          invoke_agent weather_agent [s-6]
            generate_content gemini-2.5-flash [s-6]
    """)
    assert "gen_ai.tool.call.result" not in attributes(telemetry.span("execute_tool"))
