"""smolagents: streams, who leaves them, many at once, and what otelier leaves as it was."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import importlib
import json
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

pytest.importorskip("smolagents")

import smolagents
from opentelemetry.trace import StatusCode
from smolagents import tool

import otelier
from otelier import guard, under_way
from otelier.hooks.patching import Patches
from tests.lineage.frameworks import smolagents_parts as parts
from tests.lineage.frameworks.drawing import conversation, draw, model_calls, tokens, tree
from tests.servers import ProviderServer, Recorded, Reply, Sse, openai_wire
from tests.telemetry import Telemetry

MODEL = parts.MODEL
STREAMS = pytest.mark.skipif(parts.VERSION < (1, 16), reason="models do not stream before 1.16")
ONE = f"""
    invoke_agent
      chat {MODEL}
      execute_tool get_weather
      chat {MODEL}
"""
END = "otelier.stream.end"


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    yield
    gc.collect()
    assert not under_way.anything()


def beneath(name: str, text: str) -> str:
    return "\n".join([name, *("  " + line for line in tree(text).splitlines())])


def held(telemetry: Telemetry, name: str) -> dict[str, Any]:
    return dict(telemetry.span(name).attributes or {})


# --- streams ------------------------------------------------------------------------------------


def test_a_stream(server: ProviderServer, telemetry: Telemetry) -> None:
    parts.weather(server)
    with telemetry.tracer.start_as_current_span("request"):
        items = []
        for item in parts.agent(server).run("And there?", stream=True):
            items.append(item)
            with telemetry.tracer.start_as_current_span("read"):
                pass
    assert draw(telemetry, tokens, leave_out=lambda span: span.name == "read") == tree(
        f"""
        request
          invoke_agent 24+18
            chat {MODEL} 12+9
            execute_tool get_weather
            chat {MODEL} 12+9
        """
    )
    (request,) = telemetry.spans("request")
    # What the reader does is not the agent's.
    assert {span.parent and span.parent.span_id for span in telemetry.spans("read")} == {
        request.context.span_id
    }
    assert "Sunny." in held(telemetry, "invoke_agent")["gen_ai.output.messages"]
    assert END not in held(telemetry, "invoke_agent")


@pytest.mark.parametrize("read", [0, 1, 2, 3])
def test_a_stream_that_is_left(server: ProviderServer, telemetry: Telemetry, read: int) -> None:
    parts.weather(server)
    stream = parts.agent(server).run("And there?", stream=True)
    for _ in range(read):
        next(stream)
    # Which Python says of smolagents' generator, where it is closed in the middle of a step.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.unraisablehook", lambda _: None)
        del stream
        gc.collect()
    left = held(telemetry, "invoke_agent")
    assert left[END] == ("closed" if read else "abandoned")
    assert "error.type" not in left
    assert "gen_ai.output.messages" not in left
    assert "!" not in draw(telemetry)


def test_a_stream_that_is_closed(server: ProviderServer, telemetry: Telemetry) -> None:
    """As without otelier: smolagents says a step once more, which Python forbids."""
    parts.weather(server)
    said = []
    for instrumented in (True, False):
        if not instrumented:
            otelier.uninstrument()
        stream = parts.agent(server).run("And there?", stream=True)
        next(stream)
        try:
            stream.close()
            said.append("closed")
        except RuntimeError as error:
            said.append(str(error))
    assert said[0] == said[1]
    assert held(telemetry, "invoke_agent")[END] == "closed"
    assert "!" not in draw(telemetry)


@STREAMS
def test_what_a_model_streams(server: ProviderServer, telemetry: Telemetry) -> None:
    wanted = [
        openai_wire.tool_call("get_weather", {"city": "Oslo"}, id="call_1"),
        openai_wire.tool_call("final_answer", {"answer": "Sunny."}, id="call_2"),
    ]
    replies = [
        Sse(
            openai_wire.chat_chunks(
                openai_wire.chat_message(None, tool_calls=[each]), include_usage=True
            )
        )
        for each in wanted
    ]
    parts.script(server, *replies)
    if parts.VERSION < (1, 19):
        pytest.skip("only code is streamed before 1.19")
    items = list(parts.agent(server, stream_outputs=True).run("And there?", stream=True))
    assert type(items[-1]).__name__ == "FinalAnswerStep"
    assert draw(telemetry, tokens) == tree(
        f"""
        invoke_agent 24+18
          chat {MODEL} 12+9
          execute_tool get_weather
          chat {MODEL} 12+9
        """
    )
    assert held(telemetry, "execute_tool")["gen_ai.tool.call.id"] == "call_1"


# --- interrupted and cancelled ------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(smolagents.CodeAgent, "interrupt"), reason="since 1.13")
@pytest.mark.parametrize("stream", [False, True])
def test_an_agent_is_interrupted(
    server: ProviderServer, telemetry: Telemetry, stream: bool
) -> None:
    @tool
    def stop() -> str:
        """Stop it."""
        who.interrupt()
        return "stopped"

    parts.script(server, parts.calls(("stop", {})))
    who = parts.agent(server, tools=[stop])
    with pytest.raises(smolagents.AgentError, match="interrupted"):
        result = who.run("Stop", stream=stream)
        list(result)
    assert draw(telemetry) == tree(
        f"""
        invoke_agent
          chat {MODEL}
          execute_tool stop
        """
    )
    assert held(telemetry, "invoke_agent")[END] == "cancelled"


def test_who_waits_for_an_agent_goes(server: ProviderServer, telemetry: Telemetry) -> None:
    """The thread goes on to its end; nobody has failed."""
    reached, go = asyncio.Event(), asyncio.Event()

    @tool
    def wait() -> str:
        """Wait."""
        loop.call_soon_threadsafe(reached.set)
        asyncio.run_coroutine_threadsafe(go.wait(), loop).result()
        return "waited"

    async def main() -> None:
        nonlocal loop
        loop = asyncio.get_running_loop()
        work = asyncio.to_thread(parts.agent(server, tools=[wait]).run, "And there?")
        task = asyncio.create_task(work)
        await reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        go.set()

    loop: Any = None
    parts.script(server, parts.calls(("wait", {})), parts.done())
    asyncio.run(main())
    assert draw(telemetry) == tree(ONE).replace("get_weather", "wait")


@pytest.mark.skipif(parts.VERSION < (1, 24), reason="since 1.24")
def test_code_that_takes_too_long(
    server: ProviderServer, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    from concurrent.futures import Future
    from concurrent.futures import TimeoutError as Late

    result = Future.result

    def late(future: Any, timeout: Any = None) -> Any:
        result(future)
        raise Late

    parts.script(server, parts.writes("get_weather('Oslo')"), parts.says("Late."))
    who = parts.coder(server, max_steps=1)
    monkeypatch.setattr(Future, "result", late)
    assert who.run("And there?") == "Late."
    assert draw(telemetry) == tree(
        f"""
        invoke_agent
          chat {MODEL}
          execute_tool python_interpreter !smolagents.local_python_executor.ExecutionTimeoutError
            execute_tool get_weather
          chat {MODEL}
        """
    )


# --- many ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["calls", "code"])
def test_ten_users_at_once(server: ProviderServer, telemetry: Telemetry, kind: str) -> None:
    def reply(request: Recorded) -> Reply:
        text = parts.asked(request)
        (city,) = (each for each in cities if f"And in {each}?" in text)
        if f"Sunny in {city}" in text:
            said = f"Sunny in {city}."
            return parts.done(said) if kind == "calls" else parts.writes(f"final_answer('{said}')")
        if kind == "calls":
            return parts.calls(("get_weather", {"city": city}))
        return parts.writes(f"print(get_weather('{city}'))")

    async def one(city: str) -> Any:
        make = parts.agent if kind == "calls" else parts.coder
        with otelier.session(conversation_id=city):
            return await asyncio.to_thread(make(server).run, f"And in {city}?")

    async def main() -> list[Any]:
        return await asyncio.gather(*map(one, cities))

    cities = [f"City{number:02}" for number in range(10)]
    server.route("/chat/completions", reply)
    assert asyncio.run(main()) == [f"Sunny in {city}." for city in cities]
    code = "execute_tool python_interpreter [{0}]"
    shapes = {
        "calls": (f"  chat {MODEL} [{{0}}]", "  execute_tool get_weather [{0}]"),
        "code": (
            f"  chat {MODEL} [{{0}}]",
            f"  {code}\n    execute_tool get_weather [{{0}}]",
        ),
    }
    first, second = shapes[kind]
    last = f"\n  {code}" if kind == "code" else ""
    shape = f"invoke_agent [{{0}}]\n{first}\n{second}\n{first}{last}"
    drawn = draw(telemetry, conversation)
    assert sorted(("\n" + drawn).split("\ninvoke_agent")[1:]) == sorted(
        shape.format(city).removeprefix("invoke_agent") for city in cities
    )


def test_an_agent_goes_on(server: ProviderServer, telemetry: Telemetry) -> None:
    parts.script(server, parts.done("First."), parts.done("Second."))
    who = parts.agent(server)
    with otelier.session(conversation_id="talk-1"):
        assert who.run("One?") == "First."
        assert who.run("Two?", reset=False) == "Second."
    assert draw(telemetry, conversation) == tree(
        f"""
        invoke_agent [talk-1]
          chat {MODEL} [talk-1]
        invoke_agent [talk-1]
          chat {MODEL} [talk-1]
        """
    )
    assert "First." in parts.asked(server.requests[-1])


# --- settings -----------------------------------------------------------------------------------


def test_without_content(server: ProviderServer) -> None:
    telemetry = Telemetry().start(capture="NO_CONTENT")
    parts.weather(server)
    assert parts.agent(server).run("What is it in Oslo?") == "Sunny."
    parts.script(server, parts.writes("final_answer(get_weather('Oslo'))"))
    assert parts.coder(server).run("What is it in Oslo?") == "Sunny in Oslo"
    parts.weather(server)
    list(parts.agent(server).run("What is it in Oslo?", stream=True))
    telemetry.stop()
    for span in telemetry.spans():
        for secret in ("Oslo", "Sunny", "expert"):
            assert secret not in json.dumps(dict(span.attributes or {})), span.name
    assert not guard.failures()


def test_an_answer_that_is_a_generator(server: ProviderServer, telemetry: Telemetry) -> None:
    given = (number for number in range(3))

    class Numbers(smolagents.Tool):  # type: ignore[misc]
        name, description, inputs, output_type = "numbers", "Some numbers.", {}, "any"

        def forward(self) -> Any:
            return given

    parts.script(server, parts.writes("final_answer(numbers())"))
    assert parts.coder(server, tools=[Numbers()]).run("Which?") is given
    assert draw(telemetry).startswith("invoke_agent\n") and list(given) == [0, 1, 2]


@pytest.mark.parametrize("capture", ["NO_CONTENT", "SPAN_ONLY"])
def test_what_a_model_is_told_of_a_failure(server: ProviderServer, capture: str) -> None:
    """The code that it wrote, and arguments: no error message of anybody's, but content."""
    telemetry = Telemetry().start(capture=capture, framework_steps="all")
    parts.script(
        server,
        parts.writes("missing('Oslo')"),
        parts.writes("final_answer(1)"),
        parts.calls(("get_snow", {"city": "Oslo"})),
        parts.done(),
    )
    assert parts.coder(server).run("What is it?") == 1
    assert parts.agent(server).run("What is it?") == "Sunny."
    telemetry.stop()
    failed = [span for span in telemetry.spans() if span.status.description]
    told = [span for span in telemetry.spans() if "error.type" in (span.attributes or {})]
    # The code's execution, its step, and the step of the tool that there is not.
    assert len(told) == 3
    assert all(span.status.status_code is StatusCode.ERROR for span in told)
    assert len(failed) == (0 if capture == "NO_CONTENT" else 3)
    assert not guard.failures()


def test_disabled(server: ProviderServer) -> None:
    telemetry = Telemetry().start(disabled=["smolagents"])
    parts.weather(server)
    assert parts.agent(server).run("And there?") == "Sunny."
    telemetry.stop()
    assert draw(telemetry) == f"chat {MODEL}\nchat {MODEL}"


def test_inner_steps(server: ProviderServer) -> None:
    telemetry = Telemetry().start(framework_steps="all")
    parts.weather(server)
    assert parts.agent(server).run("And there?") == "Sunny."
    parts.script(server, parts.writes("final_answer(get_weather('Oslo'))"))
    parts.coder(server).run("And there?")
    telemetry.stop()
    assert draw(telemetry) == tree(
        f"""
        invoke_agent
          step
            chat {MODEL}
            execute_tool get_weather
          step
            chat {MODEL}
        invoke_agent
          step
            chat {MODEL}
            execute_tool python_interpreter
              execute_tool get_weather
        """
    )


@pytest.mark.parametrize("name", ["agents", "calls", "tools", "code", "threads", "models"])
def test_a_version_without_a_seam(name: str) -> None:
    room = importlib.import_module(f"otelier.frameworks.smolagents.{name}")
    with pytest.raises(LookupError, match="other"):
        room.patch("smolagents", ModuleType("other"), Patches())


def test_taken_back_and_on_again(server: ProviderServer) -> None:
    parts.weather(server)
    before = _functions()
    for _ in range(2):
        telemetry = Telemetry().start()
        assert parts.agent(server).run("And there?") == "Sunny."
        telemetry.stop()
        assert draw(telemetry) == tree(ONE)
        assert _functions() == before
    parts.agent(server).run("And there?")
    assert len(model_calls(telemetry)) == 2


def _functions() -> list[Any]:
    from smolagents import agents, local_python_executor, tools

    kinds = [agents.MultiStepAgent, agents.ToolCallingAgent, agents.CodeAgent, tools.Tool]
    found = [value for kind in kinds for value in vars(kind).values() if callable(value)]
    return [*found, getattr(local_python_executor, "ThreadPoolExecutor", None)]


def test_results_are_the_same(server: ProviderServer, telemetry: Telemetry) -> None:
    """Also what a tool finds in context variables, which smolagents' threads may not have."""
    variable = contextvars.ContextVar("mine", default="nothing")

    @tool
    def mine() -> str:
        """What is mine."""
        return variable.get()

    def results() -> list[Any]:
        variable.set("something")
        found = []
        parts.script(server, parts.writes("final_answer(mine())"))
        who = parts.coder(server, tools=[mine])
        found.append(who.run("What is mine?"))
        parts.weather(server)
        who = parts.agent(server)
        found.append([type(item).__name__ for item in who.run("And there?", stream=True)])
        found.append(str(who.write_memory_to_messages()) if parts.NAMED else "")
        found.append(who.to_dict() if hasattr(who, "to_dict") else {})
        return found

    with_otelier = results()
    otelier.uninstrument()
    without = results()
    assert with_otelier == without
