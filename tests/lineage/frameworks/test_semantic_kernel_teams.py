"""Semantic Kernel: several agents that work together are one workflow."""

import asyncio
import gc
import json
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("semantic_kernel.agents.orchestration")

from semantic_kernel import Kernel
from semantic_kernel.agents import (
    AgentGroupChat,
    ChatCompletionAgent,
    ConcurrentOrchestration,
    GroupChatOrchestration,
    HandoffOrchestration,
    OrchestrationHandoffs,
    RoundRobinGroupChatManager,
    SequentialOrchestration,
)
from semantic_kernel.agents.runtime import InProcessRuntime
from semantic_kernel.agents.strategies import DefaultTerminationStrategy
from semantic_kernel.functions import kernel_function

import otelier
from tests.lineage.frameworks import natively
from tests.lineage.frameworks.drawing import conversation, draw, tokens, tree
from tests.lineage.frameworks.natively import told
from tests.lineage.frameworks.semantic_kernel_parts import (
    ALWAYS,
    Weather,
    answering,
    service,
    uses,
    weather,
)
from tests.servers import Json, ProviderServer, openai_wire
from tests.telemetry import Telemetry


@pytest.fixture
def telemetry(server: ProviderServer) -> Iterator[Telemetry]:
    yield from natively.running(server)


def writer(server: ProviderServer) -> ChatCompletionAgent:
    return weather(server, name="writer", instructions="Write.", description="Writes.")


def forecaster(server: ProviderServer) -> ChatCompletionAgent:
    return weather(server, Weather(), description="Knows the weather.")


def say(body: dict[str, Any]) -> dict[str, Any]:
    if body["messages"][0]["content"] == "Write.":
        return openai_wire.chat_message("A poem.")
    return uses("Weather-get_weather")(body)


async def run(team: Any, task: Any = "Paris?") -> Any:
    """As the framework's examples do it: the runtime's own tasks are there before the work."""
    runtime = InProcessRuntime()
    runtime.start()
    result = await team.invoke(task=task, runtime=runtime)
    try:
        return await result.get(timeout=20)
    finally:
        await runtime.stop_when_idle()


def test_one_after_the_other(
    server: ProviderServer, telemetry: Telemetry, diagnostics: str
) -> None:
    answering(server, say)
    team = SequentialOrchestration(members=[forecaster(server), writer(server)], name="press")
    assert str(asyncio.run(run(team))) == "A poem."
    assert draw(telemetry, tokens) == tree("""
        invoke_workflow press 36+27
          invoke_agent weather 24+18
            chat gpt-4o 12+9
            execute_tool Weather-get_weather
            chat gpt-4o 12+9
          invoke_agent writer 12+9
            chat gpt-4o 12+9
    """)
    ran = told(telemetry, "invoke_workflow")
    assert "Paris?" in ran["gen_ai.input.messages"]
    assert "A poem." in ran["gen_ai.output.messages"]
    # Threads that nobody asked for are no conversations.
    assert "gen_ai.conversation.id" not in told(telemetry, "invoke_agent")


def test_side_by_side(server: ProviderServer, telemetry: Telemetry, diagnostics: str) -> None:
    async def main() -> None:
        with otelier.session(conversation_id="c1"):
            await run(ConcurrentOrchestration(members=[forecaster(server), writer(server)]))

    answering(server, say)
    asyncio.run(main())
    assert draw(telemetry, conversation, ordered=False) == tree("""
        invoke_workflow [c1]
          invoke_agent weather [c1]
            chat gpt-4o [c1]
            chat gpt-4o [c1]
            execute_tool Weather-get_weather [c1]
          invoke_agent writer [c1]
            chat gpt-4o [c1]
    """)


def test_handoffs(server: ProviderServer, telemetry: Telemetry, diagnostics: str) -> None:
    def hands(body: dict[str, Any]) -> dict[str, Any]:
        names = [each["function"]["name"] for each in body["tools"]]
        if "Handoff-transfer_to_weather" in names:
            call = openai_wire.tool_call("Handoff-transfer_to_weather", {}, id="call_h")
            return openai_wire.chat_message(None, tool_calls=[call])
        if any(message["role"] == "tool" for message in body["messages"]):
            done = {"task_summary": "Sunny."}
            call = openai_wire.tool_call("Handoff-complete_task", done, id="call_d")
            return openai_wire.chat_message(None, tool_calls=[call])
        return uses("Weather-get_weather")(body)

    answering(server, hands)
    triage = weather(server, name="triage", description="Routes.")
    knows = forecaster(server)
    handoffs = OrchestrationHandoffs().add(triage, knows, "Asks about weather.")
    team = HandoffOrchestration(members=[triage, knows], handoffs=handoffs)
    assert "Sunny." in str(asyncio.run(run(team)))
    assert draw(telemetry, tokens) == tree("""
        invoke_workflow 36+27
          invoke_agent triage 12+9
            chat gpt-4o 12+9
            execute_tool Handoff-transfer_to_weather
          invoke_agent weather 24+18
            chat gpt-4o 12+9
            execute_tool Weather-get_weather
            chat gpt-4o 12+9
            execute_tool Handoff-complete_task
    """)
    (whole,), agents = telemetry.spans("invoke_workflow"), telemetry.spans("invoke_agent")
    assert all((whole.end_time or 0) >= (each.end_time or 0) for each in agents)
    tools = {
        dict(agent.attributes or {})["gen_ai.agent.name"]: dict(agent.attributes or {})
        for agent in agents
    }
    assert "Handoff-transfer_to_weather" in tools["triage"]["gen_ai.tool.definitions"]


def test_a_group(server: ProviderServer, telemetry: Telemetry, diagnostics: str) -> None:
    answering(server, say)
    team = GroupChatOrchestration(
        members=[forecaster(server), writer(server)],
        manager=RoundRobinGroupChatManager(max_rounds=2),
    )
    assert str(asyncio.run(run(team))) == "A poem."
    assert draw(telemetry) == tree("""
        invoke_workflow
          invoke_agent weather
            chat gpt-4o
            execute_tool Weather-get_weather
            chat gpt-4o
          invoke_agent writer
            chat gpt-4o
    """)


def test_a_model_that_fails(server: ProviderServer, telemetry: Telemetry, diagnostics: str) -> None:
    if ALWAYS:
        pytest.skip("nobody is told that it has failed")
    server.route("/chat/completions", lambda request: Json({"error": {}}, status=400))
    team = SequentialOrchestration(members=[writer(server)])
    with pytest.raises(Exception, match="service failed"):
        asyncio.run(run(team))
    lines = draw(telemetry).splitlines()
    assert [line.split("!")[0].rstrip() for line in lines] == [
        "invoke_workflow",
        "  invoke_agent writer",
        "    chat gpt-4o",
    ]
    assert all("!" in line for line in lines)


def test_cancelled(server: ProviderServer, telemetry: Telemetry, diagnostics: str) -> None:
    async def main() -> None:
        runtime = InProcessRuntime()
        team = SequentialOrchestration(members=[writer(server)])
        result = await team.invoke(task="Paris?", runtime=runtime)
        result.cancel()
        with pytest.raises(RuntimeError, match="cancel"):
            await result.get()

    answering(server, say)
    asyncio.run(main())
    assert draw(telemetry) == "invoke_workflow"


def test_dropped(server: ProviderServer, telemetry: Telemetry) -> None:
    """Its runtime never starts, and nobody waits."""

    async def main() -> None:
        team = SequentialOrchestration(members=[writer(server)])
        await team.invoke(task="Paris?", runtime=InProcessRuntime())

    answering(server, say)
    asyncio.run(main())
    gc.collect()
    assert draw(telemetry) == "invoke_workflow"


def test_stopped(server: ProviderServer, telemetry: Telemetry) -> None:
    """Its runtime stops in the middle of it, and the program goes on."""

    async def main() -> None:
        runtime, stopped = InProcessRuntime(), asyncio.Event()
        runtime.start()

        async def stop(message: Any) -> None:
            stopped.set()
            await asyncio.Event().wait()

        team = SequentialOrchestration(members=[writer(server)], agent_response_callback=stop)
        result = await team.invoke(task="Paris?", runtime=runtime)
        await stopped.wait()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:  # type: ignore[arg-type]
            task.cancel()
        await asyncio.sleep(0)
        del result, team, runtime, task
        for _ in range(9):
            gc.collect()
            await asyncio.sleep(0)
        assert draw(telemetry) == tree("""
            invoke_workflow
              invoke_agent writer
                chat gpt-4o
        """)

    answering(server, say)
    asyncio.run(main())


def test_two_at_once(server: ProviderServer, telemetry: Telemetry, diagnostics: str) -> None:
    """In one runtime."""

    async def main() -> None:
        runtime = InProcessRuntime()
        runtime.start()
        teams = [
            SequentialOrchestration(members=[forecaster(server), writer(server)], name=f"n{at}")
            for at in range(3)
        ]
        results = [await team.invoke(task="Paris?", runtime=runtime) for team in teams]
        await asyncio.gather(*(result.get(timeout=20) for result in results))
        await runtime.stop_when_idle()

    answering(server, say)
    asyncio.run(main())
    one = """
        invoke_workflow {}
          invoke_agent weather
            chat gpt-4o
            execute_tool Weather-get_weather
            chat gpt-4o
          invoke_agent writer
            chat gpt-4o
    """
    assert draw(telemetry) == "\n".join(tree(one.format(f"n{at}")) for at in range(3))


@pytest.mark.parametrize("how", ["invoke", "invoke_stream"])
def test_the_older_group_chat(
    server: ProviderServer, telemetry: Telemetry, diagnostics: str, how: str
) -> None:
    async def main() -> None:
        chat = AgentGroupChat(
            agents=[forecaster(server), writer(server)],
            termination_strategy=DefaultTerminationStrategy(maximum_iterations=2),
        )
        await chat.add_chat_message("Paris?")
        async for _ in getattr(chat, how)():
            pass

    answering(server, say)
    asyncio.run(main())
    assert draw(telemetry) == tree("""
        invoke_workflow
          invoke_agent weather
            chat gpt-4o
            execute_tool Weather-get_weather
            chat gpt-4o
          invoke_agent writer
            chat gpt-4o
    """)


def test_with_the_runtimes_own_spans(
    server: ProviderServer, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(server, say)
    telemetry.stop()
    host = server.url.removeprefix("http://")
    telemetry.start(provider_hosts=f"{host}=openai", framework_steps="all")
    asyncio.run(run(SequentialOrchestration(members=[forecaster(server)])))
    shown = draw(telemetry)
    assert "agent_runtime" in shown
    assert "AutoFunctionInvocationLoop" in shown
    assert shown.startswith("invoke_workflow")
    assert len([line for line in shown.splitlines() if line[0] != " "]) == 1


def test_a_team_with_a_ledger(
    server: ProviderServer, telemetry: Telemetry, diagnostics: str
) -> None:
    magentic = pytest.importorskip("semantic_kernel.agents.orchestration.magentic")
    asked = 0

    def says(body: dict[str, Any]) -> dict[str, Any]:
        nonlocal asked
        if body.get("response_format"):
            asked += 1
            told = {
                "is_request_satisfied": asked > 1,
                "is_in_loop": False,
                "is_progress_being_made": True,
                "next_speaker": "writer",
                "instruction_or_question": "Write.",
            }
            ledger = {name: {"reason": "so", "answer": value} for name, value in told.items()}
            return openai_wire.chat_message(json.dumps(ledger))
        return openai_wire.chat_message("A poem.")

    answering(server, says)
    manager = magentic.StandardMagenticManager(chat_completion_service=service(server))
    team = magentic.MagenticOrchestration(members=[writer(server)], manager=manager)
    assert str(asyncio.run(run(team))) == "A poem."
    assert draw(telemetry) == tree("""
        invoke_workflow
          chat gpt-4o
          chat gpt-4o
          chat gpt-4o
          invoke_agent writer
            chat gpt-4o
          chat gpt-4o
          chat gpt-4o
    """)


@pytest.mark.parametrize("all_steps", [False, True])
def test_a_process(
    server: ProviderServer, telemetry: Telemetry, diagnostics: str, all_steps: bool
) -> None:
    if diagnostics == "sensitive":
        pytest.skip("the framework cannot write down a step's own context")
    processes = pytest.importorskip("semantic_kernel.processes")
    local = pytest.importorskip("semantic_kernel.processes.local_runtime.local_kernel_process")
    from semantic_kernel.processes.kernel_process import (
        KernelProcessEvent,
        KernelProcessStep,
        KernelProcessStepContext,
    )

    class Ask(KernelProcessStep):
        @kernel_function
        async def ask(self, context: KernelProcessStepContext) -> None:
            await forecaster(server).get_response(messages="Paris?")
            await context.emit_event(process_event="Asked")

    class Tell(KernelProcessStep):
        @kernel_function
        async def tell(self) -> None:
            with telemetry.tracer.start_as_current_span("mine"):
                pass

    async def main() -> None:
        builder = processes.ProcessBuilder(name="Press")
        ask, tell = builder.add_step(Ask), builder.add_step(Tell)
        builder.on_input_event("Start").send_event_to(ask)
        ask.on_event("Asked").send_event_to(tell)
        event = KernelProcessEvent(id="Start")
        await local.start(process=builder.build(), kernel=Kernel(), initial_event=event)

    answering(server, say)
    if all_steps:
        telemetry.stop()
        host = server.url.removeprefix("http://")
        telemetry.start(provider_hosts=f"{host}=openai", framework_steps="all")
    asyncio.run(main())
    shown = draw(telemetry)
    if all_steps:
        assert "\n  execute_tool" in shown
        return
    assert shown == tree("""
        invoke_workflow Press
          invoke_agent weather
            chat gpt-4o
            execute_tool Weather-get_weather
            chat gpt-4o
          mine
    """)
