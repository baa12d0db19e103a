"""DSPy: agents, programs and their tools."""

from __future__ import annotations

import asyncio
import copy
import gc
import inspect
import json
import pickle
import threading
import urllib.request
from typing import Any

import pytest

from tests.lineage.frameworks.dspy_offline import DSPY

pytest.importorskip(DSPY)

import dspy

import otelier
from otelier import guard
from tests.lineage.frameworks import dspy_parts as parts
from tests.lineage.frameworks.drawing import conversation, draw, model_calls, tokens, tree
from tests.servers import Gate, ProviderServer, Recorded, Reply, openai_wire
from tests.servers.replies import Json
from tests.telemetry import Telemetry

MODEL, ONE = parts.MODEL, parts.ONE
ASYNC = pytest.mark.skipif(not parts.ASYNC, reason="later programs are asynchronous, too")
STREAMS = pytest.mark.skipif(parts.VERSION < (3, 0), reason="streams of one shape since 3.0")


def attributes(telemetry: Telemetry, name: str) -> dict[str, Any]:
    return dict(telemetry.span(name).attributes or {})


@pytest.fixture
def weather(server: ProviderServer) -> ProviderServer:
    parts.weather(server)
    return server


# --- agents -------------------------------------------------------------------------------------


def test_an_agent(weather: ProviderServer, telemetry: Telemetry) -> None:
    with dspy.context(lm=parts.lm(weather)):
        assert parts.agent()(question="What is it in Oslo?").answer == "Sunny."
    assert draw(telemetry, tokens) == tree(
        f"""
        invoke_agent 36+27
          chat {MODEL} 12+9
          execute_tool get_weather
          chat {MODEL} 12+9
          chat {MODEL} 12+9
        """
    )
    agent = attributes(telemetry, "invoke_agent")
    assert "What is it in Oslo?" in agent["gen_ai.input.messages"]
    (said,) = json.loads(agent["gen_ai.output.messages"])
    assert said["parts"] == [{"type": "text", "content": "Sunny."}]
    assert "produce the fields `answer`" in agent["gen_ai.system_instructions"]
    (offered,) = json.loads(agent["gen_ai.tool.definitions"])
    assert (offered["name"], offered["description"]) == ("get_weather", "The weather of a city.")
    used = attributes(telemetry, "execute_tool")
    assert json.loads(used["gen_ai.tool.call.arguments"]) == {"city": "Oslo"}
    assert json.loads(used["gen_ai.tool.call.result"]) == {"result": "Sunny in Oslo"}
    assert used["gen_ai.tool.description"] == "The weather of a city."
    metrics = telemetry.metrics()
    assert metrics["gen_ai.invoke_agent.duration"] and metrics["gen_ai.execute_tool.duration"]
    for call in model_calls(telemetry):
        told = dict(call.attributes or {})
        assert told["gen_ai.request.model"] == MODEL and told["gen_ai.provider.name"] == "openai"
        assert told["server.address"] == "127.0.0.1" and told["gen_ai.usage.cost"] > 0


class Teller(dspy.Signature):
    """You tell the weather."""

    question: str = dspy.InputField()
    answer: str = dspy.OutputField()
    sure: bool = dspy.OutputField()


class WeatherAgent(dspy.ReAct):
    """The program's own kind of agent."""


def test_what_the_program_calls_its_agent(server: ProviderServer, telemetry: Telemetry) -> None:
    def reply(request: Recorded) -> Reply:
        if parts.decides(request):
            done: dict[str, Any] = {"next_tool_name": "finish", "next_tool_args": {}}
            return parts.answers(request, next_thought="Hm.", **done)
        return parts.answers(request, reasoning="So.", answer="Sunny.", sure=True)

    server.route("/chat/completions", reply)
    with dspy.context(lm=parts.lm(server)):
        dspy.ReAct(Teller, tools=[parts.get_weather])(question="What is it?")
        WeatherAgent("question -> answer", tools=[parts.get_weather])(question="What is it?")
    assert draw(telemetry) == tree(
        f"""
        invoke_agent Teller
          chat {MODEL}
          chat {MODEL}
        invoke_agent WeatherAgent
          chat {MODEL}
          chat {MODEL}
        """
    )
    told = attributes(telemetry, "invoke_agent Teller")
    assert "You tell the weather." in told["gen_ai.system_instructions"]
    assert json.loads(told["otelier.result"]) == {"answer": "Sunny.", "sure": True}


@ASYNC
def test_asynchronous(weather: ProviderServer, telemetry: Telemetry) -> None:
    async def main() -> Any:
        with dspy.context(lm=parts.lm(weather)), telemetry.tracer.start_as_current_span("request"):
            return await parts.agent().acall(question="What is it in Oslo?")

    assert asyncio.run(main()).answer == "Sunny."
    assert draw(telemetry) == "request\n" + parts.indented(ONE)


def test_in_a_thread_of_asyncify(weather: ProviderServer, telemetry: Telemetry) -> None:
    async def main() -> Any:
        with dspy.context(lm=parts.lm(weather)), telemetry.tracer.start_as_current_span("request"):
            return await dspy.asyncify(parts.agent())(question="What is it in Oslo?")

    assert asyncio.run(main()).answer == "Sunny."
    assert draw(telemetry) == "request\n" + parts.indented(ONE)


def test_an_agent_in_a_tool(server: ProviderServer, telemetry: Telemetry) -> None:
    def reply(request: Recorded) -> Reply:
        said = parts.asked(request)
        if not parts.decides(request):
            return parts.answers(request, reasoning="So.", answer="Sunny.")
        name, arguments = "finish", {}
        if "observation_0" not in said:
            outer = "ask_expert" in said
            name = "ask_expert" if outer else "get_weather"
            arguments = {"question": "Where?"} if outer else {"city": "Oslo"}
        thought: dict[str, Any] = {"next_tool_name": name, "next_tool_args": arguments}
        return parts.answers(request, next_thought="Hm.", **thought)

    def ask_expert(question: str) -> str:
        """Ask one who knows."""
        return str(parts.agent()(question=question).answer)

    server.route("/chat/completions", reply)
    with dspy.context(lm=parts.lm(server)):
        parts.agent(ask_expert)(question="What is it in Oslo?")
    assert draw(telemetry, tokens) == tree(
        f"""
        invoke_agent 72+54
          chat {MODEL} 12+9
          execute_tool ask_expert
            invoke_agent 36+27
              chat {MODEL} 12+9
              execute_tool get_weather
              chat {MODEL} 12+9
              chat {MODEL} 12+9
          chat {MODEL} 12+9
          chat {MODEL} 12+9
        """
    )


# --- programs -----------------------------------------------------------------------------------


class Answers(dspy.Module):
    """One predictor, and what the program does around it."""

    def __init__(self) -> None:
        super().__init__()
        self.answer = dspy.ChainOfThought("question -> answer")

    def forward(self, question: str) -> Any:
        return self.answer(question=question)

    async def aforward(self, question: str) -> Any:
        return await self.answer.acall(question=question)


class Nothing(dspy.Module):
    """A program that asks nobody."""

    def forward(self, question: str) -> Any:
        return question


class Support(dspy.Module):
    """A program of several: a module of its own, and an agent."""

    def __init__(self) -> None:
        super().__init__()
        self.rewrite = Answers()
        self.agent = parts.agent()

    def forward(self, question: str) -> Any:
        return self.agent(question=self.rewrite(question=question).answer)


def test_predictors_alone_are_no_step(weather: ProviderServer, telemetry: Telemetry) -> None:
    with dspy.context(lm=parts.lm(weather)):
        dspy.Predict("question -> answer")(question="What is it?")
        dspy.ChainOfThought("question -> answer")(question="What is it?")
    assert draw(telemetry) == f"chat {MODEL}\nchat {MODEL}"


def test_a_program(weather: ProviderServer, telemetry: Telemetry) -> None:
    with dspy.context(lm=parts.lm(weather)):
        assert Support()("What is it in Oslo?").answer == "Sunny."
    assert draw(telemetry, tokens) == tree(
        f"""
        invoke_workflow Support 48+36
          chat {MODEL} 12+9
          invoke_agent 36+27
            chat {MODEL} 12+9
            execute_tool get_weather
            chat {MODEL} 12+9
            chat {MODEL} 12+9
        """
    )
    told = attributes(telemetry, "invoke_workflow")
    assert "What is it in Oslo?" in told["gen_ai.input.messages"]
    assert "Sunny." in told["gen_ai.output.messages"]


@ASYNC
def test_ten_users_at_once(weather: ProviderServer, telemetry: Telemetry) -> None:
    async def one(number: int) -> None:
        with otelier.session(conversation_id=f"c{number}"):
            await Answers().acall(question=f"{number}?")
            await parts.agent().acall(question=f"{number}?")

    async def main() -> None:
        with dspy.context(lm=parts.lm(weather)):
            await asyncio.gather(*(one(number) for number in range(10)))

    asyncio.run(main())
    drawn = draw(telemetry, conversation, ordered=False)
    for number in range(10):
        said = f" [c{number}]\n"
        assert f"invoke_workflow Answers{said}  chat {MODEL}{said}"[:-1] in drawn
        tools = f"  chat {MODEL}{said}" * 3 + f"  execute_tool get_weather{said}"
        assert f"invoke_agent{said}{tools}"[:-1] in drawn
    assert len(telemetry.spans()) == 70


@pytest.mark.skipif(not hasattr(dspy, "Refine"), reason="since DSPy 2.6.4")
def test_several_tries_of_a_module(weather: ProviderServer, telemetry: Telemetry) -> None:
    best = dspy.BestOfN(
        module=dspy.Predict("question -> answer"), N=3, reward_fn=lambda *_: 0.5, threshold=1.0
    )
    with dspy.context(lm=parts.lm(weather, temperature=1.0)):
        assert best(question="What is it?").answer == "Sunny."
    assert draw(telemetry) == tree(
        f"""
        invoke_workflow
          chat {MODEL}
          chat {MODEL}
          chat {MODEL}
        """
    )


def test_inner_steps(
    weather: ProviderServer, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTELIER_FRAMEWORK_STEPS", "all")
    telemetry.stop()
    telemetry.start()
    with dspy.context(lm=parts.lm(weather)):
        Support()(question="What is it in Oslo?")
    inner = "      Predict\n  " if parts.ASYNC else ""
    assert draw(telemetry).startswith(
        f"invoke_workflow Support\n  Answers\n    ChainOfThought\n{inner}      chat {MODEL}\n"
        "  invoke_agent\n"
    )


# --- tools --------------------------------------------------------------------------------------


def test_a_tool_that_fails(weather: ProviderServer, telemetry: Telemetry) -> None:
    def get_weather(city: str) -> str:
        """Fails."""
        raise ConnectionError("no line")

    with dspy.context(lm=parts.lm(weather)):
        assert parts.agent(get_weather)(question="What is it in Oslo?").answer == "Sunny."
    assert draw(telemetry) == ONE.replace("get_weather", "get_weather !ConnectionError")
    assert telemetry.span("execute_tool").status.description == "no line"
    # DSPy tells the model the first lines of the traceback.
    seen = [request.body for request in weather.requests]
    assert not any(b"otelier/" in body for body in seen)
    telemetry.stop()
    with dspy.context(lm=parts.lm(weather)):
        parts.agent(get_weather)(question="What is it in Oslo?")
    assert [request.body for request in weather.requests[3:]] == seen
    telemetry.start()


def test_a_tool_that_fails_in_several_ways_at_once(
    weather: ProviderServer, telemetry: Telemetry
) -> None:
    @otelier.step
    async def one(city: str) -> None:
        raise ConnectionError(city)

    async def all_of_them() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(one("Oslo"))

    def get_weather(city: str) -> str:
        """Fails."""
        asyncio.run(all_of_them())
        return "late"

    def asked() -> list[bytes]:
        weather.requests.clear()
        with dspy.context(lm=parts.lm(weather)):
            parts.agent(get_weather)(question="What is it in Oslo?")
        return [request.body for request in weather.requests]

    seen = asked()
    assert not any(b"otelier/" in body for body in seen)
    assert "execute_tool get_weather !" in draw(telemetry)


def test_a_program_that_fails(telemetry: Telemetry) -> None:
    class Fails(dspy.Module):
        def forward(self, question: str) -> Any:
            raise KeyError(question)

    with pytest.raises(KeyError):
        Fails()(question="What is it?")
    assert draw(telemetry) == "invoke_workflow Fails !KeyError"


def test_what_a_tool_does_is_inside(weather: ProviderServer, telemetry: Telemetry) -> None:
    @otelier.tool
    def get_weather(city: str) -> str:
        """Asks others."""
        with telemetry.tracer.start_as_current_span("look up"):
            urllib.request.urlopen(f"{weather.url}/v1/models").read()
        return str(Answers()(question="Where is it?").answer)

    with dspy.context(lm=parts.lm(weather)):
        parts.agent(get_weather)(question="What is it in Oslo?")
    assert draw(telemetry) == tree(
        f"""
        invoke_agent
          chat {MODEL}
          execute_tool get_weather
            look up
            invoke_workflow Answers
              chat {MODEL}
          chat {MODEL}
          chat {MODEL}
        """
    )


@ASYNC
def test_an_asynchronous_tool(weather: ProviderServer, telemetry: Telemetry) -> None:
    async def get_weather(city: str) -> str:
        """Waits."""
        await asyncio.sleep(0)
        with telemetry.tracer.start_as_current_span("look up"):
            return "Sunny"

    async def main() -> None:
        with dspy.context(lm=parts.lm(weather)):
            await parts.agent(get_weather).acall(question="What is it in Oslo?")

    asyncio.run(main())
    assert draw(telemetry) == ONE.replace("get_weather", "get_weather\n    look up")


@pytest.mark.skipif(not hasattr(dspy, "Tool"), reason="since DSPy 2.6")
def test_a_tool_by_itself(telemetry: Telemetry) -> None:
    assert dspy.Tool(parts.get_weather)(city="Oslo") == "Sunny in Oslo"
    assert draw(telemetry) == "execute_tool get_weather"


@pytest.mark.skipif(not hasattr(dspy, "ReActV2"), reason="since DSPy 3.3")
def test_calls_that_have_ids(server: ProviderServer, telemetry: Telemetry) -> None:
    def reply(request: Recorded) -> Reply:
        calls = [
            openai_wire.tool_call("get_weather", {"city": city}, id=f"call_{city}")
            for city in ("Oslo", "Rome")
        ]
        if "call_Oslo" in parts.asked(request):
            calls = [openai_wire.tool_call("submit", {"answer": "Sunny."}, id="call_end")]
        return Json(openai_wire.chat_completion(openai_wire.chat_message(tool_calls=calls)))

    server.route("/chat/completions", reply)
    adapter = dspy.ChatAdapter(use_native_function_calling=True)
    with dspy.context(lm=parts.lm(server), adapter=adapter):
        agent = dspy.ReActV2("question -> answer", tools=[parts.get_weather])
        assert agent(question="What is it?").answer == "Sunny."
    assert draw(telemetry) == tree(
        f"""
        invoke_agent
          chat {MODEL}
          execute_tool get_weather
          execute_tool get_weather
          chat {MODEL}
        """
    )
    told = [dict(span.attributes or {}) for span in telemetry.spans("execute_tool")]
    assert [each["gen_ai.tool.call.id"] for each in told] == ["call_Oslo", "call_Rome"]


@pytest.mark.skipif(parts.VERSION < (3, 1), reason="since DSPy 3.1")
def test_calls_that_the_program_executes(telemetry: Telemetry) -> None:
    def fails(city: str) -> str:
        raise ConnectionError("no line")

    calls = dspy.ToolCalls.from_dict_list(
        [
            {"name": "get_weather", "args": {"city": "Oslo"}},
            {"name": "fails", "args": {"city": "Oslo"}},
        ]
    ).tool_calls
    tool = dspy.Tool(parts.get_weather)
    assert calls[0].execute([tool]) == "Sunny in Oslo"
    assert calls[0].execute({"get_weather": tool}) == "Sunny in Oslo"
    assert calls[0].execute({"get_weather": parts.get_weather}) == "Sunny in Oslo"
    with pytest.raises(RuntimeError):
        calls[1].execute({"fails": fails})
    assert draw(telemetry) == (
        "execute_tool get_weather\n" * 3 + "execute_tool fails !ConnectionError"
    )
    telemetry.clear()
    # Looked for where it is called from.
    get_weather = parts.get_weather
    assert calls[0].execute() == get_weather(city="Oslo")
    del get_weather
    with pytest.raises(ValueError, match="Tool function 'get_weather' not found"):
        calls[0].execute()
    assert draw(telemetry) == "execute_tool get_weather\nexecute_tool get_weather !ValueError"


@pytest.mark.skipif(not hasattr(dspy, "LocalInterpreter"), reason="since DSPy 3.4")
def test_an_agent_that_writes_code(server: ProviderServer, telemetry: Telemetry) -> None:
    def reply(request: Recorded) -> Reply:
        if not any("## code" in str(each) for each in request.json()["messages"]):
            return parts.answers(request, answer="Yes")
        code = "print(get_weather(city='Oslo'))\nprint(llm_query_batched(['Is it?', 'Is it?']))"
        if "Sunny in" in parts.asked(request):
            code = "SUBMIT(answer='Sunny.')"
        return parts.answers(request, reasoning="So.", code=code)

    server.route("/chat/completions", reply)
    agent = dspy.RLM(
        "question -> answer",
        tools=[parts.get_weather],
        interpreter_factory=dspy.LocalInterpreter,
    )
    with dspy.context(lm=parts.lm(server)):
        assert agent(question="What is it?").answer == "Sunny."
    assert draw(telemetry) == tree(
        f"""
        invoke_agent
          chat {MODEL}
          execute_tool get_weather
          chat {MODEL}
          chat {MODEL}
          chat {MODEL}
        """
    )
    (offered,) = json.loads(attributes(telemetry, "invoke_agent")["gen_ai.tool.definitions"])
    assert offered["name"] == "get_weather"


@pytest.mark.skipif(not hasattr(dspy, "LocalInterpreter"), reason="since DSPy 3.4")
@pytest.mark.parametrize("kind", ["CodeAct", "ProgramOfThought"])
def test_older_agents_that_write_code(
    server: ProviderServer, telemetry: Telemetry, kind: str
) -> None:
    def reply(request: Recorded) -> Reply:
        written: dict[str, Any] = {"finished": True} if kind == "CodeAct" else {"reasoning": "So."}
        if "`generated_code`" in str(request.json()["messages"][0]):
            code = "```python\nprint('Sunny')\n```"
            return parts.answers(request, generated_code=code, **written)
        return parts.answers(request, reasoning="So.", answer="Sunny.")

    server.route("/chat/completions", reply)
    tools = {"tools": [parts.get_weather]} if kind == "CodeAct" else {}
    interpreter = {"interpreter_factory": dspy.LocalInterpreter}
    agent = getattr(dspy, kind)("question -> answer", **tools, **interpreter)
    with dspy.context(lm=parts.lm(server)):
        assert agent(question="What is it?").answer == "Sunny."
    assert draw(telemetry) == f"invoke_agent\n  chat {MODEL}\n  chat {MODEL}"


# --- threads ------------------------------------------------------------------------------------


def test_in_parallel(weather: ProviderServer, telemetry: Telemetry) -> None:
    class Many(dspy.Module):
        def forward(self, questions: list[str]) -> Any:
            pairs = [(dspy.Predict("question -> answer"), {"question": q}) for q in questions]
            return dspy.Parallel(num_threads=4, disable_progress_bar=True)(pairs)

    with dspy.context(lm=parts.lm(weather)), telemetry.tracer.start_as_current_span("request"):
        found = Many()(questions=[f"{number}?" for number in range(8)])
    assert [each.answer for each in found] == ["Sunny."] * 8
    assert draw(telemetry) == "request\n  invoke_workflow Many" + f"\n    chat {MODEL}" * 8


def test_a_batch(weather: ProviderServer, telemetry: Telemetry) -> None:
    questions = [dspy.Example(question=f"{n}?").with_inputs("question") for n in range(4)]
    with dspy.context(lm=parts.lm(weather)), telemetry.tracer.start_as_current_span("request"):
        parts.agent().batch(questions, num_threads=4, disable_progress_bar=True)
    lines = parts.indented("\n".join(sorted(ONE.splitlines()[1:])))
    assert draw(telemetry, ordered=False) == "request" + f"\n  invoke_agent\n{lines}" * 4


def test_an_evaluation(weather: ProviderServer, telemetry: Telemetry) -> None:
    examples = [
        dspy.Example(question=f"{n}?", answer="Sunny.").with_inputs("question") for n in range(3)
    ]
    judge = dspy.Predict("question, found -> answer")

    def metric(example: Any, found: Any, trace: Any = None) -> bool:
        said = judge(question=example.question, found=found.answer)
        return bool(said.answer == example.answer)

    evaluate = dspy.Evaluate(devset=examples, metric=metric, num_threads=2, display_progress=False)
    with dspy.context(lm=parts.lm(weather)):
        evaluate(Answers())
    # Each example's calls are what they are without it.
    one = f"invoke_workflow Answers\n  chat {MODEL}\n"
    assert draw(telemetry, ordered=False) == (f"chat {MODEL}\n" * 3 + one * 3).rstrip()


def test_an_optimizer(weather: ProviderServer, telemetry: Telemetry) -> None:
    examples = [
        dspy.Example(question=f"{n}?", answer="Sunny.").with_inputs("question") for n in range(2)
    ]
    optimizer = dspy.BootstrapFewShot(
        metric=lambda example, found, trace=None: found.answer == example.answer
    )
    with dspy.context(lm=parts.lm(weather)):
        optimizer.compile(Answers(), trainset=examples)
    assert draw(telemetry) == "\n".join([f"invoke_workflow Answers\n  chat {MODEL}"] * 2)


# --- streams, and who leaves --------------------------------------------------------------------


@STREAMS
@pytest.mark.parametrize("native", [False, True])
def test_a_stream(weather: ProviderServer, telemetry: Telemetry, native: bool) -> None:
    async def main() -> list[Any]:
        streamed = dspy.streamify(parts.agent(), is_async_program=native)
        with dspy.context(lm=parts.lm(weather)), telemetry.tracer.start_as_current_span("request"):
            return [piece async for piece in streamed(question="What is it in Oslo?")]

    if native and not parts.ASYNC:
        pytest.skip("not asynchronous")
    pieces = asyncio.run(main())
    assert len(pieces) > 10 and pieces[-1].answer == "Sunny."
    assert draw(telemetry) == "request\n" + parts.indented(ONE)
    for call in model_calls(telemetry):
        assert (call.attributes or {})["gen_ai.request.stream"] is True


@STREAMS
def test_a_synchronous_stream(weather: ProviderServer, telemetry: Telemetry) -> None:
    streamed = dspy.streamify(parts.agent(), async_streaming=False)
    with dspy.context(lm=parts.lm(weather)), telemetry.tracer.start_as_current_span("request"):
        pieces = list(streamed(question="What is it in Oslo?"))
    assert pieces[-1].answer == "Sunny."
    assert draw(telemetry) == "request\n" + parts.indented(ONE)


@STREAMS
@pytest.mark.parametrize("native", [False, True])
def test_a_stream_that_is_left_early(
    server: ProviderServer, telemetry: Telemetry, native: bool
) -> None:
    gate = Gate(hold_after=3)
    parts.weather(server, gate)
    ended = threading.Event()

    async def reader() -> None:
        streamed = dspy.streamify(Ends(), is_async_program=native)
        with dspy.context(lm=parts.lm(server)):
            async for _ in streamed(question="What is it in Oslo?"):
                break

    async def main() -> None:
        # Whatever becomes of the reader: DSPy closes its stream from another task.
        await asyncio.wait([asyncio.create_task(reader())])
        gc.collect()
        await asyncio.sleep(0)
        gate.open()
        await asyncio.to_thread(ended.wait, 30)

    class Ends(WeatherAgent):
        def __init__(self) -> None:
            super().__init__("question -> answer", tools=[parts.get_weather])

        def forward(self, **given: Any) -> Any:
            try:
                return super().forward(**given)
            finally:
                ended.set()

        async def aforward(self, **given: Any) -> Any:
            try:
                return await super().aforward(**given)
            finally:
                ended.set()

    asyncio.run(main())
    drawn = draw(telemetry)
    assert drawn.startswith("invoke_agent") and "!" not in drawn, drawn
    how = "cancelled" if native else "closed"
    ends = [(span.attributes or {}).get("otelier.stream.end") for span in telemetry.spans()]
    assert not parts.NATIVE or set(ends) == {how}


@ASYNC
def test_a_cancelled_run(weather: ProviderServer, telemetry: Telemetry) -> None:
    begun: asyncio.Event

    async def get_weather(city: str) -> str:
        """Waits."""
        begun.set()
        await asyncio.Event().wait()
        return "late"

    async def main() -> None:
        nonlocal begun
        begun = asyncio.Event()
        with dspy.context(lm=parts.lm(weather)):
            running = asyncio.create_task(parts.agent(get_weather).acall(question="What is it?"))
            await begun.wait()
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running

    asyncio.run(main())
    assert draw(telemetry) == tree(
        f"""
        invoke_agent
          chat {MODEL}
          execute_tool get_weather
        """
    )
    assert attributes(telemetry, "invoke_agent")["otelier.stream.end"] == "cancelled"


# --- settings -----------------------------------------------------------------------------------


def test_without_content(
    weather: ProviderServer, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "NO_CONTENT")
    telemetry.stop()
    telemetry.start()
    with dspy.context(lm=parts.lm(weather)):
        Support()(question="What is it in Oslo?")
    told = str([dict(span.attributes or {}) for span in telemetry.spans()])
    for word in ("Oslo", "Sunny", "produce the fields", "next_thought"):
        assert word not in told
    assert len(telemetry.spans()) == 7


def test_disabled(
    weather: ProviderServer, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTELIER_DISABLED", "dspy")
    telemetry.stop()
    telemetry.start()
    with dspy.context(lm=parts.lm(weather)):
        Support()(question="What is it in Oslo?")
    assert draw(telemetry) == "\n".join([f"chat {MODEL}"] * 4)


def test_taken_back_and_instrumented_again(weather: ProviderServer, telemetry: Telemetry) -> None:
    with dspy.context(lm=parts.lm(weather)):
        wrapped = dspy.Module.__dict__["__call__"]
        telemetry.stop()
        assert dspy.Module.__dict__["__call__"] is not wrapped
        without = Support()(question="What is it in Oslo?")
        assert not telemetry.spans()
        telemetry.start()
        telemetry.stop()
        telemetry.start()
        found = Support()(question="What is it in Oslo?")
    assert found.toDict() == without.toDict()
    assert len(telemetry.spans()) == 7


def test_others_around_what_was_taken_back(
    weather: ProviderServer, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = dspy.Module.__dict__["__call__"]
    before = ours.__wrapped__

    def theirs(self: Any, *args: Any, **kwargs: Any) -> Any:
        return ours(self, *args, **kwargs)

    dspy.Module.__call__ = theirs
    try:
        telemetry.stop()
        telemetry.start()
        with dspy.context(lm=parts.lm(weather)):
            Answers()(question="What is it?")
    finally:
        telemetry.stop()
        dspy.Module.__call__ = before
        telemetry.start()
    assert draw(telemetry) == f"invoke_workflow Answers\n  chat {MODEL}"


def test_programs_are_copied_and_pickled(weather: ProviderServer, telemetry: Telemetry) -> None:
    class Held(dspy.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = Answers()
            self.calls = self.inner.__call__

        def forward(self, question: str) -> Any:
            return self.calls(question=question)

    copied = copy.deepcopy(Held())
    assert copied.calls.__self__ is copied.inner
    assert isinstance(pickle.loads(pickle.dumps(Nothing().__call__)).__self__, Nothing)
    assert inspect.iscoroutinefunction(getattr(dspy.Module, "acall", None)) is parts.ASYNC
    with dspy.context(lm=parts.lm(weather)):
        assert copied.deepcopy()(question="What is it?").answer == "Sunny."
    assert draw(telemetry) == f"invoke_workflow Held\n  chat {MODEL}"


def test_what_fails_is_the_programs(server: ProviderServer, telemetry: Telemetry) -> None:
    def error() -> tuple[type, str]:
        refused = Json(openai_wire.error_body("no", code="bad"), status=400)
        server.script(*[refused] * 4)
        with dspy.context(lm=parts.lm(server)), pytest.raises(Exception) as caught:
            dspy.Predict("question -> answer")(question="What is it?")
        server.clear()
        return type(caught.value), str(caught.value)

    seen = error()
    assert "chat gpt-4o-mini !" in draw(telemetry)
    telemetry.stop()
    assert error() == seen
    telemetry.start()


def test_nothing_is_left_open(weather: ProviderServer, telemetry: Telemetry) -> None:
    from otelier.frameworks.dspy import searches

    with dspy.context(lm=parts.lm(weather)):
        Support()(question="What is it in Oslo?")
    assert len(telemetry.spans()) == 7
    assert not searches._running
    assert not guard.failures()
