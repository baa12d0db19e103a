"""OpenAI's Agents SDK: tracing that is off, content that is kept back, and otelier itself."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("agents")

import agents
from agents import Agent, OpenAIResponsesModel, RunConfig, function_tool, trace
from agents.tracing import processor_interface, setup
from opentelemetry.sdk.trace import ReadableSpan

import otelier
from otelier.frameworks.openai_agents import opened
from tests.lineage.frameworks.drawing import conversation, draw, tree
from tests.lineage.frameworks.openai_agents import VERSION, Api, paris, quiet, weather_agent
from tests.servers import ProviderServer
from tests.telemetry import Telemetry

ROOT = Path(__file__).resolve().parents[3]
STREAMED = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


@pytest.fixture(autouse=True)
def nothing_open() -> Iterator[None]:
    quiet()
    yield
    agents.set_tracing_disabled(False)
    gc.collect()
    assert not opened.count()


def provider() -> Any:
    return (
        agents.tracing.get_trace_provider()
        if hasattr(agents.tracing, "get_trace_provider")
        else setup.GLOBAL_TRACE_PROVIDER
    )


@pytest.fixture(params=["environment", "switch", "configuration"])
def off(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The three ways to turn the SDK's tracing off."""
    if request.param == "switch":
        agents.set_tracing_disabled(True)
    elif request.param == "environment":
        monkeypatch.setenv("OPENAI_AGENTS_DISABLE_TRACING", "1")
        # As a new process reads it.
        made = type(provider())()
        if hasattr(agents.tracing, "set_trace_provider"):
            held = setup.GLOBAL_TRACE_PROVIDER
            request.addfinalizer(lambda: setattr(setup, "GLOBAL_TRACE_PROVIDER", held))
            monkeypatch.setattr(setup, "GLOBAL_TRACE_PROVIDER", made)
        else:
            pytest.skip("read at import in this version")
    return {"tracing_disabled": True} if request.param == "configuration" else {}


@STREAMED
def test_the_tree_is_the_same_with_tracing_off(
    stream: bool, off: dict[str, Any], server: ProviderServer, telemetry: Telemetry
) -> None:
    api = Api(OpenAIResponsesModel, server, stream)
    whole = Api(OpenAIResponsesModel, server)
    asks = weather_agent(whole).as_tool("ask_weather", "Asks.")
    triage = Agent(
        name="triage", model=api.model, handoffs=[Agent(name="boss", model=api.model, tools=[asks])]
    )
    server.script(
        api.calls(("transfer_to_boss", {}, "call_0")),
        api.calls(("ask_weather", {"input": "Paris?"}, "call_1")),
        whole.calls(("get_weather", {"city": "Nowhere"}, "call_2")),
        whole.says(),
        api.says(),
    )
    config = RunConfig(workflow_name="support", group_id="chat-1", **off)

    asyncio.run(api.run(triage, run_config=config))

    assert draw(telemetry, conversation) == tree(
        """
        invoke_workflow support [chat-1]
          invoke_agent triage [chat-1]
            chat gpt-4o-mini [chat-1]
          invoke_agent boss [chat-1]
            chat gpt-4o-mini [chat-1]
            execute_tool ask_weather [chat-1]
              invoke_agent weather_agent [chat-1]
                chat gpt-4o-mini [chat-1]
                execute_tool get_weather !LookupError [chat-1]
                chat gpt-4o-mini [chat-1]
            chat gpt-4o-mini [chat-1]
        """
    )


def test_a_trace_of_the_programs_with_tracing_off(
    server: ProviderServer, telemetry: Telemetry
) -> None:
    agents.set_tracing_disabled(True)
    api = Api(OpenAIResponsesModel, server)
    server.script(api.says(), api.says())

    async def program() -> None:
        with trace("research", group_id="chat-2"):
            await api.run(weather_agent(api))
            await api.run(weather_agent(api))

    asyncio.run(program())

    assert draw(telemetry, conversation) == tree(
        """
        invoke_workflow research [chat-2]
          invoke_agent weather_agent [chat-2]
            chat gpt-4o-mini [chat-2]
          invoke_agent weather_agent [chat-2]
            chat gpt-4o-mini [chat-2]
        """
    )


class Counting(processor_interface.TracingProcessor):
    """What the SDK hands to its processors."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def on_trace_start(self, trace: Any) -> None:
        self.told.append(f"+{trace.name}")

    def on_trace_end(self, trace: Any) -> None:
        self.told.append(f"-{trace.name}")

    def on_span_start(self, span: Any) -> None:
        self.told.append(f"+{span.span_data.type}")

    def on_span_end(self, span: Any) -> None:
        exported = span.export()["span_data"]
        self.told.append(f"-{exported.get('type')} {exported.get('output')}")

    def shutdown(self) -> None: ...

    def force_flush(self) -> None: ...


@STREAMED
@pytest.mark.parametrize("disabled", [False, True], ids=["on", "off"])
def test_the_sdk_exports_what_it_would_without_otelier(
    disabled: bool, stream: bool, server: ProviderServer, telemetry: Telemetry
) -> None:
    api = Api(OpenAIResponsesModel, server, stream)
    agents.set_tracing_disabled(disabled)
    found = []
    results = []
    for instrumented in (True, False):
        if not instrumented:
            otelier.uninstrument()
        counting = Counting()
        agents.set_trace_processors([counting])
        server.script(paris(api), api.says())
        result = asyncio.run(api.run(weather_agent(api)))
        found.append(counting.told)
        results.append((result.final_output, [type(item) for item in result.new_items]))

    assert found[0] == found[1]
    assert bool(found[0]) is not disabled
    assert results[0] == results[1]


def test_no_provider_is_made_by_us(server: ProviderServer) -> None:
    """The SDK's own provider exports: whoever looks for it makes it."""
    program = (
        "import otelier; otelier.instrument()\n"
        "import agents.tracing.setup as setup, agents.run\n"
        "from otelier.frameworks.openai_agents import around\n"
        "before = setup.GLOBAL_TRACE_PROVIDER\n"
        "assert around.seen()\n"
        "assert setup.GLOBAL_TRACE_PROVIDER is before\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment, cwd=ROOT)


@STREAMED
def test_a_run_that_keeps_its_data_to_itself(
    stream: bool, server: ProviderServer, telemetry: Telemetry
) -> None:
    api = Api(OpenAIResponsesModel, server, stream)
    config = RunConfig(trace_include_sensitive_data=False)
    server.script(
        paris(api),
        api.calls(("get_weather", {"city": "Nowhere"}, "call_2")),
        api.says(),
        api.says(),
    )

    asyncio.run(api.run(weather_agent(api), run_config=config))

    held = json.dumps([dict(span.attributes or {}) for span in telemetry.spans()])
    for word in ("Paris", "Nowhere", "sunny", "You know the weather"):
        assert word not in held
    failed = telemetry.spans("execute_tool")[1]
    assert (failed.attributes or {})["error.type"] == "LookupError"
    assert failed.status.description is None
    telemetry.clear()
    # It is that run's alone.
    asyncio.run(api.run(weather_agent(api)))
    assert "Paris" in str((telemetry.span("chat").attributes or {})["gen_ai.input.messages"])


def test_runs_that_the_environment_keeps_to_themselves(
    server: ProviderServer, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    if VERSION < (0, 4):
        pytest.skip("this version does not ask the environment")
    monkeypatch.setenv("OPENAI_AGENTS_TRACE_INCLUDE_SENSITIVE_DATA", "false")
    api = Api(OpenAIResponsesModel, server)
    server.script(paris(api), api.says())

    asyncio.run(api.run(weather_agent(api)))

    held = json.dumps([dict(span.attributes or {}) for span in telemetry.spans()])
    assert "Paris" not in held


def test_no_content(server: ProviderServer) -> None:
    telemetry = Telemetry().start(capture="NO_CONTENT")
    api = Api(OpenAIResponsesModel, server)
    triage = Agent(name="triage", model=api.model, handoffs=[weather_agent(api)])
    server.script(api.calls(("transfer_to_weather_agent", {}, "call_0")), paris(api), api.says())

    asyncio.run(api.run(triage, run_config=RunConfig(workflow_name="support")))

    assert draw(telemetry) == tree(
        """
        invoke_workflow support
          invoke_agent triage
            chat gpt-4o-mini
          invoke_agent weather_agent
            chat gpt-4o-mini
            execute_tool get_weather
            chat gpt-4o-mini
        """
    )
    held = json.dumps([dict(span.attributes or {}) for span in telemetry.spans()])
    for word in ("Paris", "sunny", "You know the weather", "messages", "arguments"):
        assert word not in held
    telemetry.stop()


def test_left_alone(server: ProviderServer) -> None:
    telemetry = Telemetry().start(disabled="openai_agents")
    api = Api(OpenAIResponsesModel, server)
    server.script(paris(api), api.says())

    asyncio.run(api.run(weather_agent(api)))

    assert draw(telemetry) == "chat gpt-4o-mini\nchat gpt-4o-mini"
    telemetry.stop()


def test_taken_back_and_put_there_again(server: ProviderServer) -> None:
    api = Api(OpenAIResponsesModel, server)
    before = {
        owner: dict(vars(owner))
        for owner in (
            agents.tracing.spans.SpanImpl,
            agents.tracing.spans.NoOpSpan,
            agents.tracing.traces.TraceImpl,
            agents.run.AgentRunner,
            agents.Agent,
        )
    }
    for _ in range(2):
        telemetry = Telemetry().start()
        server.script(paris(api), api.says())
        asyncio.run(api.run(weather_agent(api)))
        assert draw(telemetry) == tree(
            """
            invoke_agent weather_agent
              chat gpt-4o-mini
              execute_tool get_weather
              chat gpt-4o-mini
            """
        )
        telemetry.stop()
        for owner, held in before.items():
            assert all(vars(owner)[name] is value for name, value in held.items())
        telemetry.clear()
        server.script(paris(api), api.says())
        asyncio.run(api.run(weather_agent(api)))
        assert not telemetry.spans()


def ended(span: ReadableSpan) -> str:
    """The name, and how it was left, if it was."""
    return f"{span.name} {(span.attributes or {}).get('otelier.stream.end', '')}".rstrip()


def test_taken_back_while_it_runs(server: ProviderServer) -> None:
    telemetry = Telemetry().start()
    api = Api(OpenAIResponsesModel, server)

    @function_tool
    def stop() -> str:
        """Stop."""
        otelier.uninstrument()
        return "stopped"

    server.script(api.calls(("stop", {}, "call_1")), api.says())

    result = asyncio.run(api.run(weather_agent(api, tools=[stop])))

    assert result.final_output == "It is sunny."
    assert draw(telemetry, ended) == tree(
        """
        invoke_agent weather_agent abandoned
          chat gpt-4o-mini
          execute_tool stop abandoned
        """
    )
    telemetry = Telemetry().start()
    server.script(api.says())
    asyncio.run(api.run(weather_agent(api)))
    assert draw(telemetry) == "invoke_agent weather_agent\n  chat gpt-4o-mini"
    telemetry.stop()


@STREAMED
def test_inner_steps_on_demand(
    stream: bool, server: ProviderServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTELIER_FRAMEWORK_STEPS", "all")
    telemetry = Telemetry().start()
    api = Api(OpenAIResponsesModel, server, stream)
    triage = Agent(name="triage", model=api.model, handoffs=[weather_agent(api)])

    @agents.output_guardrail
    async def polite(context: Any, agent: Any, output: Any) -> Any:
        return agents.GuardrailFunctionOutput(output_info=None, tripwire_triggered=False)

    last = weather_agent(api, output_guardrails=[polite])
    triage = Agent(name="triage", model=api.model, handoffs=[last])
    server.script(api.calls(("transfer_to_weather_agent", {}, "call_0")), paris(api), api.says())

    asyncio.run(api.run(triage))

    # Older versions have no turns.
    turns = any(span.name.startswith("turn") for span in telemetry.spans())
    drawn = (
        """
        invoke_workflow
          invoke_agent triage
            turn 1
              chat gpt-4o-mini
              handoff
          invoke_agent weather_agent
            turn 2
              chat gpt-4o-mini
              execute_tool get_weather
            turn 3
              chat gpt-4o-mini
            guardrail polite
        """
        if turns
        else """
        invoke_workflow
          invoke_agent triage
            chat gpt-4o-mini
            handoff
          invoke_agent weather_agent
            chat gpt-4o-mini
            execute_tool get_weather
            chat gpt-4o-mini
            guardrail polite
        """
    )
    assert draw(telemetry) == tree(drawn)
    telemetry.stop()


def sessions() -> Any:
    if not hasattr(agents, "SQLiteSession"):
        pytest.skip("this version has no sessions")
    return agents.SQLiteSession


@STREAMED
def test_a_session_is_a_conversation(
    stream: bool, server: ProviderServer, telemetry: Telemetry
) -> None:
    session = sessions()("user-7")
    api = Api(OpenAIResponsesModel, server, stream)
    server.script(paris(api), api.says(), api.says("Still."))

    async def program() -> None:
        agent = weather_agent(api)
        await api.run(agent, session=session)
        await api.run(agent, "And now?", session=session)

    asyncio.run(program())
    session.close()

    assert draw(telemetry, conversation) == tree(
        """
        invoke_agent weather_agent [user-7]
          chat gpt-4o-mini [user-7]
          execute_tool get_weather [user-7]
          chat gpt-4o-mini [user-7]
        invoke_agent weather_agent [user-7]
          chat gpt-4o-mini [user-7]
        """
    )


@pytest.mark.parametrize("by", ["group", "group around", "program", "conversation"])
def test_whose_word_a_conversation_is(
    by: str, server: ProviderServer, telemetry: Telemetry
) -> None:
    api = Api(OpenAIResponsesModel, server)
    server.script(api.says())
    given: dict[str, Any] = {}
    if by == "conversation":
        if VERSION < (0, 3):
            pytest.skip("this version has no conversations")
        given = {"conversation_id": "conv_1"}
    else:
        given = {"session": sessions()("of the session")}

    async def program() -> None:
        agent = weather_agent(api)
        if by == "group":
            await api.run(agent, run_config=RunConfig(group_id="of the group"), **given)
        elif by == "group around":
            with trace("Agent workflow", group_id="of the trace"):
                await api.run(agent, **given)
        elif by == "program":
            with otelier.session(conversation_id="of the program"):
                await api.run(agent, **given)
        else:
            await api.run(agent, **given)

    asyncio.run(program())

    found = {
        "group": "of the group",
        "group around": "of the trace",
        "program": "of the program",
        "conversation": "conv_1",
    }[by]
    assert draw(telemetry, conversation) == tree(
        f"""
        invoke_agent weather_agent [{found}]
          chat gpt-4o-mini [{found}]
        """
    )


def test_a_session_of_the_programs_own_is_not_asked(
    server: ProviderServer, telemetry: Telemetry
) -> None:
    class Asked(sessions()):  # type: ignore[misc]
        @property
        def session_id(self) -> str:
            asked.append(sys._getframe(1).f_globals["__name__"])
            return "x"

        @session_id.setter
        def session_id(self, value: str) -> None: ...

    asked: list[str] = []
    api = Api(OpenAIResponsesModel, server)
    server.script(api.says())

    asyncio.run(api.run(weather_agent(api), session=Asked("x")))

    assert not [name for name in asked if name.startswith("otelier")]


APPROVAL = """
import asyncio, json, sys
import agents
from agents import Agent, OpenAIResponsesModel, RunConfig, RunState, Runner, function_tool
from tests.lineage.frameworks.drawing import conversation, draw
from tests.lineage.frameworks.openai_agents import Api, quiet
from tests.telemetry import Telemetry
import types

telemetry = Telemetry().start()
quiet()
server = types.SimpleNamespace(url=sys.argv[1])

@function_tool(needs_approval=True)
def refund(amount: int) -> str:
    "Refund."
    return "done"

api = Api(OpenAIResponsesModel, server)
agent = Agent(name="cashier", model=api.model, tools=[refund])
config = RunConfig(workflow_name="refunds", group_id="order-1")

async def first():
    result = await Runner.run(agent, "Refund me", run_config=config)
    assert result.interruptions
    return json.dumps(result.to_state().to_json())

async def second(text):
    state = await RunState.from_json(agent, json.loads(text))
    for each in state.get_interruptions():
        state.approve(each)
    result = await Runner.run(agent, state, run_config=config)
    return result.final_output

if len(sys.argv) == 2:
    said = asyncio.run(first())
else:
    said = asyncio.run(second(sys.argv[2]))
print(json.dumps([said, draw(telemetry, conversation)]))
"""


def test_an_approval_in_another_process(server: ProviderServer) -> None:
    if VERSION < (0, 9):
        pytest.skip("this version has no approvals")
    api = Api(OpenAIResponsesModel, server)
    server.script(api.calls(("refund", {"amount": 3}, "call_1")), api.says("Refunded."))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}

    def process(*arguments: str) -> Any:
        made = subprocess.run(
            [sys.executable, "-c", APPROVAL, server.url, *arguments],
            check=True,
            capture_output=True,
            env=environment,
            cwd=ROOT,
        )
        return json.loads(made.stdout)

    state, before = process()
    said, after = process(state)

    assert said == "Refunded."
    # The tool's first span has no result: it waits to be approved.
    assert before == tree(
        """
        invoke_workflow refunds [order-1]
          invoke_agent cashier [order-1]
            chat gpt-4o-mini [order-1]
            execute_tool refund [order-1]
        """
    )
    assert after == tree(
        """
        invoke_workflow refunds [order-1]
          invoke_agent cashier [order-1]
            execute_tool refund [order-1]
            chat gpt-4o-mini [order-1]
        """
    )
