"""A framework's run of a model, with and without an SDK below: one inference span."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable
from typing import Any

import openai
import pytest
from opentelemetry.sdk.trace import ReadableSpan

import otelier
from otelier import context as ctx
from otelier import model_runs, pipeline
from otelier.frameworks import models, steps
from otelier.frameworks.models import Told
from otelier.sessions import belonging
from otelier.usage import Usage
from tests.lineage.frameworks.drawing import conversation, draw, tokens, tree
from tests.servers import Json, ProviderServer, Sse
from tests.servers.openai_wire import chat_chunks, chat_message
from tests.telemetry import Telemetry

CHAT: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
TOLD = Told(
    provider="local",
    model="llama",
    asked="hi",
    system="Be brief.",
    tools=[{"type": "function", "function": {"name": "look", "parameters": {}}}],
    answer="hello",
    response_id="r-1",
    response_model="llama-7b",
    finish_reasons=["stop"],
    usage=Usage(input=3, output=2),
)


@pytest.fixture
def client(server: ProviderServer) -> openai.OpenAI:
    return openai.OpenAI(base_url=server.url + "/v1", api_key="k", max_retries=0)


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def test_an_sdk_makes_the_call(telemetry: Telemetry, client: openai.OpenAI) -> None:
    run = models.begin()
    client.chat.completions.create(**CHAT)
    models.over(run, TOLD)
    assert draw(telemetry) == "chat gpt-4o"
    assert model_runs.mark.get() is None


def test_nobody_has_seen_it(telemetry: Telemetry) -> None:
    with otelier.agent("a"):
        run = models.begin()
        with telemetry.tracer.start_as_current_span("the program's own"):
            pass
        models.over(run, TOLD)
    assert draw(telemetry, tokens) == tree("""
        invoke_agent a 3+2
          chat llama 3+2
          the program's own
        """)
    said = attributes(telemetry.span("chat"))
    assert said["gen_ai.provider.name"] == "local"
    assert said["gen_ai.response.id"] == "r-1"
    assert said["gen_ai.response.model"] == "llama-7b"
    assert said["gen_ai.response.finish_reasons"] == ("stop",)
    asked = json.loads(said["gen_ai.input.messages"])
    assert asked == [{"role": "user", "parts": [{"type": "text", "content": "hi"}]}]
    (answer,) = json.loads(said["gen_ai.output.messages"])
    assert answer["parts"] == [{"type": "text", "content": "hello"}]
    assert json.loads(said["gen_ai.system_instructions"])[0]["content"] == "Be brief."
    assert json.loads(said["gen_ai.tool.definitions"])[0]["name"] == "look"
    assert "gen_ai.usage.cost" not in said
    points = telemetry.metrics()["gen_ai.client.operation.duration"]
    assert [point.count for point in points] == [1]


def test_its_time_is_that_of_the_run(telemetry: Telemetry) -> None:
    run = models.begin()
    with telemetry.tracer.start_as_current_span("work"):
        pass
    models.over(run, Told())
    chat, work = telemetry.span("chat"), telemetry.span("work")
    assert chat.start_time <= work.start_time < work.end_time <= chat.end_time  # type: ignore[operator]
    # Who answers is not known: nothing says so.
    assert "gen_ai.provider.name" not in attributes(chat)


def test_it_fails(telemetry: Telemetry) -> None:
    models.over(models.begin(), TOLD, ValueError("no model"))
    span = telemetry.span("chat llama")
    assert attributes(span)["error.type"] == "ValueError"
    assert "gen_ai.output.messages" not in attributes(span)


def test_a_failure_without_an_exception(telemetry: Telemetry) -> None:
    models.over(models.begin(), Told(model="m", error="overloaded", error_message="Try later."))
    span = telemetry.span("chat m")
    assert attributes(span)["error.type"] == "overloaded"
    assert span.status.description == "Try later."


def test_an_sdk_fails(telemetry: Telemetry, server: ProviderServer, client: openai.OpenAI) -> None:
    server.script(Json({"error": {"message": "no"}}, status=400))
    run = models.begin()
    with pytest.raises(openai.BadRequestError) as raised:
        client.chat.completions.create(**CHAT)
    models.over(run, TOLD, raised.value)
    assert draw(telemetry) == "chat gpt-4o !openai.BadRequestError"


def test_other_calls_are_not_the_models(telemetry: Telemetry, client: openai.OpenAI) -> None:
    run = models.begin()
    client.embeddings.create(model="e", input="x")
    models.over(run, TOLD)
    assert draw(telemetry) == "chat llama\nembeddings e"


def test_no_content(telemetry: Telemetry) -> None:
    otelier.instrument(capture="NO_CONTENT")
    models.over(models.begin(), TOLD)
    said = attributes(telemetry.span("chat"))
    assert not [name for name in said if "messages" in name or "instructions" in name]
    assert "hello" not in str(said)


def test_the_call_belongs_where_the_framework_says(
    telemetry: Telemetry, client: openai.OpenAI
) -> None:
    """A framework that begins runs in one place and makes their calls in another."""
    chains = [steps.begin(pipeline.workflow(f"w{n}")) for n in range(2)]
    for chain in chains:
        assert chain is not None
        run = models.begin(chain.context)
        client.chat.completions.create(**CHAT)
        # A second request is not the run's: it is where it is made.
        client.chat.completions.create(**CHAT)
        models.over(run, TOLD)
        chain.end()
    assert draw(telemetry) == tree("""
        invoke_workflow w0
          chat gpt-4o
        invoke_workflow w1
          chat gpt-4o
        chat gpt-4o
        chat gpt-4o
        """)


def test_a_mark_that_is_left_in_the_reader(
    telemetry: Telemetry, server: ProviderServer, client: openai.OpenAI
) -> None:
    """The loop that reads a stream calls models of its own: they are its own."""
    agent = steps.begin(pipeline.agent("a"))
    assert agent is not None
    run = models.begin(agent.context)
    server.script(Sse(chat_chunks(chat_message("hello"))))
    for number, _ in enumerate(client.chat.completions.create(**CHAT, stream=True)):
        if number == 1:
            client.chat.completions.create(**{**CHAT, "model": "own"})
    models.over(run, TOLD)
    agent.end()
    assert draw(telemetry) == tree("""
        invoke_agent a
          chat gpt-4o
        chat own
        """)


@pytest.mark.parametrize("late", [False, True])
def test_another_instrumentation_has_seen_it(telemetry: Telemetry, late: bool) -> None:
    operation = {"gen_ai.operation.name": "chat"}
    run = models.begin()
    span = telemetry.tracer.start_span("theirs", attributes={} if late else operation)
    if late:
        span.set_attributes(operation)
    span.end()
    models.over(run, TOLD)
    assert draw(telemetry) == "theirs"


def test_users_of_one_loop_do_not_mix(telemetry: Telemetry) -> None:
    async def one(number: int) -> None:
        run = models.begin()
        await asyncio.sleep(0)
        models.over(run, Told(model=f"m{number}"))

    async def all_of_them() -> None:
        await asyncio.gather(*map(one, range(10)))

    asyncio.run(all_of_them())
    assert sorted(span.name for span in telemetry.spans()) == [f"chat m{n}" for n in range(10)]


def test_off(telemetry: Telemetry) -> None:
    run = models.begin()
    otelier.uninstrument()
    models.over(run, TOLD)
    assert models.begin() is None
    models.over(None, TOLD)
    assert steps.begin(pipeline.agent("a")) is None
    assert not telemetry.spans()


# --- conversations -----------------------------------------------------------------------------


def test_a_frameworks_conversation_is_on_all_below(
    telemetry: Telemetry, client: openai.OpenAI
) -> None:
    outer = steps.begin(pipeline.agent("a"), conversation_id="t-1", user_id="u-1")
    assert outer is not None
    token = outer.enter()
    client.chat.completions.create(**CHAT)
    inner = steps.begin(pipeline.agent("b"), conversation_id="t-2")
    assert inner is not None
    inner.end()
    assert token is not None
    ctx.detach(token)
    outer.end()
    client.chat.completions.create(**CHAT)
    assert draw(telemetry, conversation) == tree("""
        invoke_agent a [t-1]
          chat gpt-4o [t-1]
          invoke_agent b [t-2]
        chat gpt-4o
        """)
    assert attributes(telemetry.span("invoke_agent b"))["user.id"] == "u-1"


def test_what_the_program_says_wins(telemetry: Telemetry) -> None:
    with otelier.session(conversation_id="mine"), otelier.session(session_id="s"):
        step = steps.begin(pipeline.agent("a"), conversation_id="t-1", user_id="u-1")
        assert step is not None
        step.end()
    said = attributes(telemetry.span())
    assert said["gen_ai.conversation.id"] == "mine"
    assert (said["user.id"], said["session.id"]) == ("u-1", "s")


def test_a_session_inside_a_framework_wins(telemetry: Telemetry) -> None:
    inside = belonging(ctx.current(), "t-1")
    token = ctx.attach(inside)
    with otelier.session(conversation_id="mine"), otelier.agent("a"):
        pass
    ctx.detach(token)
    assert draw(telemetry, conversation) == "invoke_agent a [mine]"


# --- runs by their ids -------------------------------------------------------------------------


def test_runs_that_are_no_step_are_passed_by(telemetry: Telemetry) -> None:
    runs = steps.Runs()
    runs.begin("flow", None, pipeline.workflow("w"), conversation_id="t")
    runs.pass_by("node", "flow")
    runs.pass_by("link", "node")
    runs.begin("agent", "link", pipeline.agent("a"))
    for name in ("agent", "link", "node"):
        run = runs.pop(name)
        if run is not None and name == "agent" and run.handle is not None:
            run.handle.end()
    flow = runs.pop("flow")
    assert flow is not None
    assert flow.handle is not None
    flow.handle.end()
    assert draw(telemetry, conversation) == tree("""
        invoke_workflow w [t]
          invoke_agent a [t]
        """)
    assert len(runs) == 0


def test_a_span_of_the_programs_inside_a_run_is_the_parent(telemetry: Telemetry) -> None:
    runs = steps.Runs()
    flow = runs.begin("flow", None, pipeline.workflow("w"))
    assert flow is not None
    token = ctx.attach(flow.context)
    with telemetry.tracer.start_as_current_span("own"):
        tool = runs.begin("tool", "flow", pipeline.tool("t"))
    ctx.detach(token)
    for run in (tool, flow):
        assert run is not None
        assert run.handle is not None
        run.handle.end()
    assert draw(telemetry) == tree("""
        invoke_workflow w
          own
            execute_tool t
        """)


def test_runs_without_an_end_do_not_pile_up(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "_MANY", 3)
    monkeypatch.setattr(steps, "_MOST", 3)
    runs = steps.Runs()
    for number in range(5):
        runs.begin(number, None, pipeline.workflow(f"w{number}"))
    assert len(runs) == 3
    assert [span.name for span in telemetry.spans()] == [
        "invoke_workflow w0",
        "invoke_workflow w1",
    ]
    runs.clear()
    assert len(telemetry.spans()) == 5


@pytest.mark.parametrize("made", [str, lambda number: uuid.UUID(int=number)])
def test_runs_that_go_on_are_kept_however_many_there_are(
    telemetry: Telemetry, made: Callable[[int], Any]
) -> None:
    runs = steps.Runs()
    many = [made(number) for number in range(12_000)]
    flow = runs.begin("flow", None, pipeline.workflow("w"))
    for each in many:
        runs.pass_by(each, "flow")
    last = runs.begin("agent", many[0], pipeline.agent("a"))
    for run in (last, runs.pop("agent"), flow, runs.pop("flow")):
        assert run is not None
        assert run.handle is not None
        run.handle.end()
    for each in many:
        assert runs.pop(each) is not None
    assert len(runs) == 0
    assert draw(telemetry) == tree("""
        invoke_workflow w
          invoke_agent a
        """)


def test_of_many_runs_what_is_old_is_given_up(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(steps, "_MANY", 3)
    monkeypatch.setattr(steps, "monotonic", lambda: now[0])
    runs = steps.Runs()
    for number in range(6):
        runs.begin(f"r{number}", None, pipeline.workflow(f"w{number}"))
    assert len(runs) == 6
    now[0] += steps._OLD
    for number in range(6, 9):
        runs.begin(f"r{number}", None, pipeline.workflow(f"w{number}"))
    assert [span.name for span in telemetry.spans()] == [
        f"invoke_workflow w{number}" for number in range(3)
    ]
    runs.clear()


# --- definitions and instructions of agents ----------------------------------------------------


def test_an_agents_tools_and_instructions(telemetry: Telemetry) -> None:
    step = steps.begin(pipeline.agent("a"))
    assert step is not None
    step.set_tools([{"name": "look", "description": "Looks.", "parameters": {"type": "object"}}])
    step.set_system("Be brief.")
    step.end()
    said = attributes(telemetry.span())
    assert json.loads(said["gen_ai.tool.definitions"]) == [
        {
            "type": "function",
            "name": "look",
            "description": "Looks.",
            "parameters": {"type": "object"},
        }
    ]
    assert json.loads(said["gen_ai.system_instructions"])[0]["content"] == "Be brief."
