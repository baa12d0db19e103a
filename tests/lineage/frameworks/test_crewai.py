"""CrewAI: crews, their agents and tools."""

from __future__ import annotations

import asyncio
import builtins
import json
import urllib.request
from typing import Any

import pytest

from tests.lineage.frameworks.crewai_offline import CREWAI

pytest.importorskip(CREWAI)

from crewai import Crew, Process
from crewai.tools import BaseTool, tool

import otelier
from otelier import guard
from tests.lineage.frameworks import crewai_parts as parts
from tests.lineage.frameworks.drawing import draw, model_calls, tokens, tree
from tests.servers import Json, ProviderServer, Recorded, Reply, Sse, openai_wire
from tests.telemetry import Telemetry

MODEL = parts.MODEL
NEW = pytest.mark.skipif(not parts.NATIVE, reason="since CrewAI 1.10")
NATIVE = pytest.mark.skipif(not parts.NATIVE, reason="tools are called in words before 1.10")
ASYNC = pytest.mark.skipif(not hasattr(Crew, "akickoff"), reason="since CrewAI 1.7")

ONE = f"""
    invoke_workflow weather
      invoke_agent Weather teller
        chat {MODEL}
        execute_tool get_weather
        chat {MODEL}
"""


def attributes(telemetry: Telemetry, name: str) -> dict[str, Any]:
    return dict(telemetry.span(name).attributes or {})


# --- crews --------------------------------------------------------------------------------------


def test_a_crew(server: ProviderServer, telemetry: Telemetry) -> None:
    parts.weather(server)
    result = parts.crew(server).kickoff(inputs={"topic": "weather"})
    assert result.raw == "Sunny."
    assert draw(telemetry, tokens) == tree(
        f"""
        invoke_workflow weather 24+18
          invoke_agent Weather teller 24+18
            chat {MODEL} 12+9
            execute_tool get_weather
            chat {MODEL} 12+9
        """
    )
    agent = attributes(telemetry, "invoke_agent")
    assert agent["gen_ai.agent.description"] == "Tell the weather"
    assert agent["gen_ai.agent.id"]
    # Before 1.0 through LiteLLM, whose names have the provider in them.
    assert agent.get("gen_ai.request.model") == (MODEL if parts.VERSION >= (1, 0) else None)
    assert "You know a tool." in agent["gen_ai.system_instructions"]
    assert "What is it in Oslo?" in agent["gen_ai.input.messages"]
    assert "Sunny." in agent["gen_ai.output.messages"]
    (offered,) = json.loads(agent["gen_ai.tool.definitions"])
    assert offered["name"] == "get_weather"
    assert offered["description"] == "The weather of a city."
    used = attributes(telemetry, "execute_tool")
    assert json.loads(used["gen_ai.tool.call.arguments"]) == {"city": "Oslo"}
    assert json.loads(used["gen_ai.tool.call.result"]) == {"result": "Sunny in Oslo"}
    assert used["gen_ai.tool.description"] == "The weather of a city."
    assert used["gen_ai.agent.name"] == "Weather teller"
    whole = attributes(telemetry, "invoke_workflow")
    assert "weather" in whole["gen_ai.input.messages"]
    assert "Sunny." in whole["gen_ai.output.messages"]
    metrics = telemetry.metrics()
    assert metrics["gen_ai.invoke_agent.duration"] and metrics["gen_ai.execute_tool.duration"]


@NATIVE
def test_what_only_the_loop_of_the_agent_knows(
    server: ProviderServer, telemetry: Telemetry
) -> None:
    parts.weather(server)
    parts.crew(server).kickoff()
    assert attributes(telemetry, "execute_tool")["gen_ai.tool.call.id"] == "call_1"
    (offered,) = json.loads(attributes(telemetry, "invoke_agent")["gen_ai.tool.definitions"])
    if parts.VERSION < (1, 15):
        return  # Only the model is told, in its request.
    assert offered["parameters"]["required"] == ["city"]


def test_a_crew_without_a_name(server: ProviderServer, telemetry: Telemetry) -> None:
    parts.weather(server)
    who = parts.agent(server, " Weather teller\n")
    Crew(agents=[who], tasks=[parts.task(who)]).kickoff()
    assert draw(telemetry) == tree(ONE).replace(" weather\n", "\n", 1)


@pytest.mark.parametrize("way", ["kickoff_async", pytest.param("akickoff", marks=ASYNC)])
def test_asynchronous(server: ProviderServer, telemetry: Telemetry, way: str) -> None:
    parts.weather(server)

    async def main() -> Any:
        with telemetry.tracer.start_as_current_span("request"):
            return await getattr(parts.crew(server), way)()

    assert asyncio.run(main()).raw == "Sunny."
    assert draw(telemetry) == "request\n" + "\n".join(
        "  " + line for line in tree(ONE).splitlines()
    )


def test_several_agents(server: ProviderServer, telemetry: Telemetry) -> None:
    def reply(request: Recorded) -> Reply:
        if "Critic" in parts.asked(request):
            return parts.says("Good.")
        done = parts.has_answered(request)
        return parts.says() if done else parts.calls("get_weather", {"city": "Oslo"})

    server.route("/chat/completions", reply)
    teller, critic = parts.agent(server), parts.agent(server, "Critic", tools=[])
    tasks = [parts.task(teller), parts.task(critic, "Is that good?")]
    assert Crew(name="pair", agents=[teller, critic], tasks=tasks).kickoff().raw == "Good."
    assert draw(telemetry, tokens) == tree(
        f"""
        invoke_workflow pair 36+27
          invoke_agent Weather teller 24+18
            chat {MODEL} 12+9
            execute_tool get_weather
            chat {MODEL} 12+9
          invoke_agent Critic 12+9
            chat {MODEL} 12+9
        """
    )
    # What the first one found is what the second one is given.
    told = [span for span in telemetry.spans("invoke_agent") if span.name.endswith("Critic")]
    assert "Sunny." in str((told[0].attributes or {})["gen_ai.input.messages"])


def test_for_each(server: ProviderServer, telemetry: Telemetry) -> None:
    parts.weather(server)
    results = parts.crew(server).kickoff_for_each(inputs=[{"n": 1}, {"n": 2}, {"n": 3}])
    assert [result.raw for result in results] == ["Sunny."] * 3
    assert draw(telemetry) == "\n".join([tree(ONE)] * 3)


def test_for_each_at_once(server: ProviderServer, telemetry: Telemetry) -> None:
    parts.weather(server)
    inputs = [{"n": number} for number in range(20)]
    results = asyncio.run(parts.crew(server).kickoff_for_each_async(inputs=inputs))
    assert len(results) == 20
    assert draw(telemetry) == "\n".join([tree(ONE)] * 20)


def test_tasks_in_threads(server: ProviderServer, telemetry: Telemetry) -> None:
    roles = ("First", "Second", "Last")

    def reply(request: Recorded) -> Reply:
        # What one has asked the cache would answer the next one.
        (role,) = (each for each in roles if f"You are {each}" in parts.asked(request))
        done = parts.has_answered(request)
        return parts.says() if done else parts.calls("get_weather", {"city": role})

    server.route("/chat/completions", reply)
    who = [parts.agent(server, role) for role in roles]
    tasks = [parts.task(each, async_execution=each is not who[2]) for each in who]
    Crew(name="threads", agents=who, tasks=tasks).kickoff()
    assert draw(telemetry, ordered=False) == tree(
        "    invoke_workflow threads\n"
        + "".join(
            f"      invoke_agent {role}\n        chat {MODEL}\n        chat {MODEL}\n"
            "        execute_tool get_weather\n"
            for role in ("First", "Last", "Second")
        )
    )


def test_a_manager_delegates(server: ProviderServer, telemetry: Telemetry) -> None:
    def reply(request: Recorded) -> Reply:
        text = parts.asked(request)
        if parts.has_answered(request):
            return parts.says()
        if "You are Crew Manager" in text:
            name = "delegate_work_to_coworker" if parts.NATIVE else "Delegate work to coworker"
            work = {"task": "Ask the tool", "context": "Oslo", "coworker": "Weather teller"}
            return parts.calls(name, work)
        return parts.calls("get_weather", {"city": "Oslo"})

    server.route("/chat/completions", reply)
    who = parts.agent(server)
    crew = Crew(
        name="led",
        agents=[who],
        tasks=[parts.task(None)],
        process=Process.hierarchical,
        manager_llm=parts.llm(server),
    )
    assert crew.kickoff().raw == "Sunny."
    manager = telemetry.spans("invoke_agent")[-1].name
    assert manager.startswith("invoke_agent Crew Manager")
    assert draw(telemetry, tokens) == tree(
        f"""
        invoke_workflow led 48+36
          {manager} 48+36
            chat {MODEL} 12+9
            execute_tool Delegate work to coworker
              invoke_agent Weather teller 24+18
                chat {MODEL} 12+9
                execute_tool get_weather
                chat {MODEL} 12+9
            chat {MODEL} 12+9
        """
    )


# --- streams, and who leaves --------------------------------------------------------------------


def _streaming(server: ProviderServer) -> None:
    def reply(request: Recorded) -> Reply:
        if parts.has_answered(request):
            message = openai_wire.chat_message("Sunny. " * 9)
        else:
            call = openai_wire.tool_call("get_weather", {"city": "Oslo"}, id="call_1")
            message = openai_wire.chat_message(tool_calls=[call])
        return Sse(openai_wire.chat_chunks(message, include_usage=True))

    server.route("/chat/completions", reply)


@NEW
def test_a_stream(server: ProviderServer, telemetry: Telemetry) -> None:
    _streaming(server)
    with telemetry.tracer.start_as_current_span("request"):
        stream = parts.crew(server, stream=True).kickoff()
        assert "Sunny." in "".join(chunk.content for chunk in stream)
    assert draw(telemetry) == tree(
        "    request\n" + "".join("  " + line + "\n" for line in ONE.strip("\n").splitlines())
    )


@pytest.mark.skipif(parts.VERSION < (1, 15), reason="streams are closed since CrewAI 1.15")
def test_a_stream_that_is_left_early(server: ProviderServer, telemetry: Telemetry) -> None:
    _streaming(server)
    stream = parts.crew(server, stream=True).kickoff()
    for _ in stream:
        break
    # CrewAI goes on to the end with what nobody reads.
    stream.close()
    assert draw(telemetry) == tree(ONE)


@ASYNC
@NEW
def test_an_asynchronous_stream(server: ProviderServer, telemetry: Telemetry) -> None:
    _streaming(server)

    async def main() -> str:
        stream = await parts.crew(server, stream=True).akickoff()
        return "".join([chunk.content async for chunk in stream])

    assert "Sunny." in asyncio.run(main())
    assert draw(telemetry) == tree(ONE)


@ASYNC
def test_a_cancelled_run(server: ProviderServer, telemetry: Telemetry) -> None:
    begun = asyncio.Event()

    class Waits(BaseTool):
        name: str = "get_weather"
        description: str = "Waits."

        def _run(self, city: str) -> str:
            loop.call_soon_threadsafe(begun.set)
            return "late"

    parts.weather(server)
    loop: Any = None

    async def main() -> None:
        nonlocal loop
        loop = asyncio.get_running_loop()
        who = parts.agent(server, tools=[Waits()])
        running = asyncio.create_task(
            Crew(name="weather", agents=[who], tasks=[parts.task(who)]).akickoff()
        )
        await begun.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(main())
    drawn = draw(telemetry, ordered=False)
    assert drawn.startswith("invoke_workflow weather\n  invoke_agent Weather teller\n")
    assert "!" not in drawn
    assert attributes(telemetry, "invoke_workflow")["otelier.stream.end"] == "cancelled"


# --- tools --------------------------------------------------------------------------------------


@NATIVE
def test_tools_side_by_side(server: ProviderServer, telemetry: Telemetry) -> None:
    def reply(request: Recorded) -> Reply:
        if parts.has_answered(request):
            return parts.says()
        both = [
            openai_wire.tool_call("get_weather", {"city": city}, id=f"call_{city}")
            for city in ("Oslo", "Rome", "Bonn")
        ]
        return Json(openai_wire.chat_completion(openai_wire.chat_message(tool_calls=both)))

    server.route("/chat/completions", reply)
    parts.crew(server).kickoff()
    assert draw(telemetry, ordered=False) == tree(
        f"""
        invoke_workflow weather
          invoke_agent Weather teller
            chat {MODEL}
            chat {MODEL}
            execute_tool get_weather
            execute_tool get_weather
            execute_tool get_weather
        """
    )
    found = [dict(span.attributes or {}) for span in telemetry.spans("execute_tool")]
    assert {
        (each["gen_ai.tool.call.id"], each["gen_ai.tool.call.arguments"]) for each in found
    } == {(f"call_{city}", f'{{"city":"{city}"}}') for city in ("Oslo", "Rome", "Bonn")}


def test_a_tool_that_fails(server: ProviderServer, telemetry: Telemetry) -> None:
    times: list[str] = []

    @tool("get_weather")
    def failing(city: str) -> str:
        """Fails."""
        times.append(city)
        raise ConnectionError("no line")

    parts.weather(server)
    who = parts.agent(server, tools=[failing])
    assert Crew(name="weather", agents=[who], tasks=[parts.task(who)]).kickoff().raw == "Sunny."
    # In words, CrewAI tries again by itself.
    executed = "    execute_tool get_weather !ConnectionError\n" * len(times)
    assert draw(telemetry) == tree(
        f"invoke_workflow weather\n  invoke_agent Weather teller\n    chat {MODEL}\n"
        f"{executed}    chat {MODEL}"
    )
    assert (telemetry.spans("execute_tool")[0].status.description) == "no line"


@NEW
def test_a_tool_that_says_that_it_has_failed(server: ProviderServer, telemetry: Telemetry) -> None:
    failure = pytest.importorskip("crewai.tools.tool_failure").ToolFailure

    class Refuses(BaseTool):
        name: str = "get_weather"
        description: str = "Refuses."

        def _run(self, city: str) -> Any:
            return failure(message="no such city")

    parts.weather(server)
    who = parts.agent(server, tools=[Refuses()])
    Crew(name="weather", agents=[who], tasks=[parts.task(who)]).kickoff()
    assert "execute_tool get_weather !tool_reported" in draw(telemetry)
    assert telemetry.span("execute_tool").status.description == "no such city"


def test_what_a_cache_answers_is_not_executed(server: ProviderServer, telemetry: Telemetry) -> None:
    replies = [parts.calls("get_weather", {"city": "Oslo"}), parts.says()]
    server.script(*replies, *replies)
    who = parts.agent(server)
    again = parts.task(who, "And again, what is it in Oslo?")
    Crew(name="weather", agents=[who], tasks=[parts.task(who), again], cache=True).kickoff()
    assert draw(telemetry) == tree(
        f"""
        invoke_workflow weather
          invoke_agent Weather teller
            chat {MODEL}
            execute_tool get_weather
            chat {MODEL}
          invoke_agent Weather teller
            chat {MODEL}
            chat {MODEL}
        """
    )


def test_a_result_that_is_the_answer(server: ProviderServer, telemetry: Telemetry) -> None:
    class Final(BaseTool):
        name: str = "get_weather"
        description: str = "The weather of a city."
        result_as_answer: bool = True

        def _run(self, city: str) -> str:
            return f"Sunny in {city}"

    parts.weather(server)
    who = parts.agent(server, tools=[Final()])
    result = Crew(name="weather", agents=[who], tasks=[parts.task(who)]).kickoff()
    assert result.raw == "Sunny in Oslo"
    assert draw(telemetry) == tree(
        f"""
        invoke_workflow weather
          invoke_agent Weather teller
            chat {MODEL}
            execute_tool get_weather
        """
    )
    assert "Sunny in Oslo" in attributes(telemetry, "invoke_agent")["gen_ai.output.messages"]


def test_what_a_tool_does_is_inside(server: ProviderServer, telemetry: Telemetry) -> None:
    @tool("get_weather")
    @otelier.tool
    def busy(city: str) -> str:
        """Asks others."""
        with telemetry.tracer.start_as_current_span("look up"):
            urllib.request.urlopen(f"{server.url}/v1/models").read()
        return str(parts.llm(server).call(f"Where is {city}?"))

    def reply(request: Recorded) -> Reply:
        if "Where is" in parts.asked(request):
            return Json(openai_wire.chat_completion(openai_wire.chat_message("North")))
        if parts.has_answered(request):
            return parts.says()
        return parts.calls("get_weather", {"city": "Oslo"})

    server.route("/chat/completions", reply)
    who = parts.agent(server, tools=[busy])
    Crew(name="weather", agents=[who], tasks=[parts.task(who)]).kickoff()
    assert draw(telemetry) == tree(
        f"""
        invoke_workflow weather
          invoke_agent Weather teller
            chat {MODEL}
            execute_tool get_weather
              look up
              chat {MODEL}
            chat {MODEL}
        """
    )


@NEW
def test_an_asynchronous_tool(server: ProviderServer, telemetry: Telemetry) -> None:
    @tool("get_weather")
    async def waiting(city: str) -> str:
        """Waits."""
        await asyncio.sleep(0)
        with telemetry.tracer.start_as_current_span("look up"):
            return "Sunny"

    parts.weather(server)
    who = parts.agent(server, tools=[waiting])
    Crew(name="weather", agents=[who], tasks=[parts.task(who)]).kickoff()
    assert draw(telemetry) == tree(ONE).replace(
        "execute_tool get_weather", "execute_tool get_weather\n      look up"
    )


def test_a_tool_by_itself(telemetry: Telemetry) -> None:
    assert parts.get_weather.run(city="Oslo") == "Sunny in Oslo"
    assert parts.get_weather.run("Rome") == "Sunny in Rome"
    assert draw(telemetry) == "execute_tool get_weather\nexecute_tool get_weather"
    told = [dict(span.attributes or {}) for span in telemetry.spans()]
    assert json.loads(told[1]["gen_ai.tool.call.arguments"]) == {"city": "Rome"}


# --- agents -------------------------------------------------------------------------------------

ALONE = f"""
    invoke_agent Weather teller
      chat {MODEL}
      execute_tool get_weather
      chat {MODEL}
"""


def test_an_agent_alone(server: ProviderServer, telemetry: Telemetry) -> None:
    parts.weather(server)
    assert parts.agent(server).kickoff("What is it in Oslo?").raw == "Sunny."
    assert draw(telemetry) == tree(ALONE)
    told = attributes(telemetry, "invoke_agent")
    assert "What is it in Oslo?" in told["gen_ai.input.messages"]
    assert "Sunny." in told["gen_ai.output.messages"]


@pytest.mark.parametrize("way", ["kickoff_async", "akickoff"])
def test_an_agent_alone_asynchronously(
    server: ProviderServer, telemetry: Telemetry, way: str
) -> None:
    parts.weather(server)
    who = parts.agent(server)
    if not hasattr(who, way):
        pytest.skip(f"has no {way}")
    messages = [{"role": "user", "content": "What is it in Oslo?"}]
    assert asyncio.run(getattr(who, way)(messages)).raw == "Sunny."
    assert draw(telemetry) == tree(ALONE)


@NEW
def test_an_agent_alone_where_a_loop_runs(server: ProviderServer, telemetry: Telemetry) -> None:
    parts.weather(server)

    async def main() -> Any:
        given: Any = parts.agent(server).kickoff("What is it in Oslo?")
        with telemetry.tracer.start_as_current_span("awaited here"):
            return await given

    assert asyncio.run(main()).raw == "Sunny."
    assert draw(telemetry).startswith("awaited here\n  invoke_agent Weather teller\n    chat")
    assert len(telemetry.spans("invoke_agent")) == 1


@pytest.mark.skipif(parts.VERSION < (1, 0), reason="errors of litellm are not tried again")
def test_an_agent_that_tries_again_is_one_run(server: ProviderServer, telemetry: Telemetry) -> None:
    refused = Json(openai_wire.error_body("never"), status=400)
    server.script(refused, parts.calls("get_weather", {"city": "Oslo"}), parts.says())
    result = parts.crew(server).kickoff()
    assert result.raw == "Sunny."
    assert draw(telemetry) == tree(ONE).replace(
        f"    chat {MODEL}", f"    chat {MODEL} !openai.BadRequestError\n    chat {MODEL}", 1
    )


def test_an_error_that_reaches_the_program(server: ProviderServer, telemetry: Telemetry) -> None:
    server.route("/chat/completions", Json(openai_wire.error_body("never"), status=400))
    who = parts.agent(server, max_retry_limit=0)
    crew = Crew(name="weather", agents=[who], tasks=[parts.task(who)])
    with pytest.raises(Exception) as raised:
        crew.kickoff()
    kind = type(raised.value)
    name = kind.__qualname__
    drawn = draw(telemetry)
    assert drawn.startswith("invoke_workflow weather !") and name in drawn
    assert "  invoke_agent Weather teller !" in drawn
    assert "execute_tool" not in drawn


def test_a_guardrail_that_sends_it_back(server: ProviderServer, telemetry: Telemetry) -> None:
    verdicts = iter([(False, "Say it again"), (True, "fine")])
    parts.weather(server)
    who = parts.agent(server, tools=[])
    server.script(parts.says(), parts.says())
    work = parts.task(who, guardrail=lambda output: next(verdicts))
    Crew(name="weather", agents=[who], tasks=[work]).kickoff()
    assert draw(telemetry) == tree(
        f"""
        invoke_workflow weather
          invoke_agent Weather teller
            chat {MODEL}
          invoke_agent Weather teller
            chat {MODEL}
        """
    )


def test_a_human_is_asked(
    server: ProviderServer, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = iter(["Shorter, please", ""])
    monkeypatch.setattr(builtins, "input", lambda *_: next(said))
    server.script(*(parts.says() for _ in range(4)))
    who = parts.agent(server, tools=[])
    Crew(name="weather", agents=[who], tasks=[parts.task(who, human_input=True)]).kickoff()
    drawn = draw(telemetry)
    assert drawn.startswith("invoke_workflow weather\n  invoke_agent Weather teller\n    chat")
    assert len(telemetry.spans("invoke_agent")) == 1
    assert len(model_calls(telemetry)) == len(server.requests) >= 2


# --- who sees what ------------------------------------------------------------------------------


@ASYNC
def test_ten_users_at_once(server: ProviderServer, telemetry: Telemetry) -> None:
    parts.weather(server)

    async def user(number: int) -> None:
        with otelier.session(conversation_id=f"user-{number}"):
            await parts.crew(server, name=f"crew {number}").akickoff()

    async def main() -> None:
        await asyncio.gather(*map(user, range(10)))

    asyncio.run(main())
    roots = draw(telemetry, ordered=False).split("invoke_workflow crew ")[1:]
    assert len(roots) == 10
    for root in roots:
        assert sorted(line.strip() for line in root.splitlines()[1:]) == [
            f"chat {MODEL}",
            f"chat {MODEL}",
            "execute_tool get_weather",
            "invoke_agent Weather teller",
        ]
    of_trace: dict[int, set[Any]] = {}
    for span in telemetry.spans():
        told = (span.attributes or {}).get("gen_ai.conversation.id")
        of_trace.setdefault(span.context.trace_id, set()).add(told)
    assert sorted(map(str, of_trace.values())) == sorted(str({f"user-{n}"}) for n in range(10))


def test_no_content(server: ProviderServer) -> None:
    parts.weather(server)
    telemetry = Telemetry().start(capture="NO_CONTENT")
    who = parts.agent(server, "{secret} teller")
    work = parts.task(who, "What is it in {secret}?")
    Crew(name="weather", agents=[who], tasks=[work]).kickoff(inputs={"secret": "Oslo"})
    telemetry.stop()
    assert not guard.failures()
    shown = "".join(span.to_json() for span in telemetry.spans())
    for word in ("Oslo", "Sunny", "You know a tool"):
        assert word not in shown
    assert telemetry.span("invoke_agent").name == "invoke_agent {secret} teller"


def test_left_alone(server: ProviderServer) -> None:
    parts.weather(server)
    telemetry = Telemetry().start(disabled=["crewai"])
    assert parts.crew(server).kickoff().raw == "Sunny."
    telemetry.stop()
    assert draw(telemetry) == f"chat {MODEL}\nchat {MODEL}"


def test_taken_back_and_again(server: ProviderServer) -> None:
    parts.weather(server)
    for _ in range(2):
        telemetry = Telemetry().start()
        parts.crew(server).kickoff()
        telemetry.stop()
        assert draw(telemetry) == tree(ONE)
        assert parts.crew(server).kickoff().raw == "Sunny."
        assert draw(telemetry) == tree(ONE)
    assert not hasattr(Crew.__dict__["kickoff"], "_self_wrapper")
    assert not hasattr(BaseTool.__dict__["run"], "_self_wrapper")
    assert not guard.failures()


def test_the_same_with_and_without(server: ProviderServer) -> None:
    def run() -> Any:
        parts.weather(server)
        result = parts.crew(server).kickoff()
        seen = [request.json() for request in server.requests]
        server.clear()
        return result.raw, result.token_usage.model_dump(), seen

    bare = run()
    telemetry = Telemetry().start()
    assert run() == bare
    telemetry.stop()


def test_inner_steps(server: ProviderServer) -> None:
    parts.weather(server)
    telemetry = Telemetry().start(framework_steps=True)
    who = parts.agent(server)
    Crew(name="weather", agents=[who], tasks=[parts.task(who, name="tell")]).kickoff()
    telemetry.stop()
    assert draw(telemetry) == tree(
        f"""
        invoke_workflow weather
          tell
            invoke_agent Weather teller
              chat {MODEL}
              execute_tool get_weather
              chat {MODEL}
        """
    )


def test_nothing_is_left(server: ProviderServer, telemetry: Telemetry) -> None:
    from otelier import under_way
    from otelier.frameworks.crewai import executors, tasks

    parts.weather(server)
    parts.crew(server).kickoff()
    server.route("/chat/completions", Json(openai_wire.error_body("never"), status=400))
    who = parts.agent(server, max_retry_limit=0)
    with pytest.raises(Exception, match="never"):
        Crew(agents=[who], tasks=[parts.task(who)]).kickoff()
    assert not executors._loops and not tasks._handed
    assert executors.calling.taken() is None
    assert not [held for held in under_way._open if held() is not None]
