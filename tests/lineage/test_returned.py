"""A step that gives back something that is not done yet lasts until that is."""

from __future__ import annotations

import asyncio
import gc
import inspect
import json
import sys
import types
import warnings
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import anthropic
import openai
import pytest
from opentelemetry import trace
from opentelemetry.trace import StatusCode

import otelier
from otelier import semconv
from tests.installed import openai_streams
from tests.servers import Gate, Json, ProviderServer, Sse, gemini_wire
from tests.servers.openai_wire import chat_chunks, chat_message
from tests.telemetry import Telemetry

CHAT: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}


def current() -> int:
    return trace.get_current_span().get_span_context().span_id


def words() -> Any:
    got = yield "a"
    yield got or "b"
    return "end"


async def awords() -> AsyncIterator[str]:
    await asyncio.sleep(0)
    yield "a"
    yield "b"


def end_of(span: Any) -> Any:
    return (span.attributes or {}).get(semconv.STREAM_END)


# --- generators --------------------------------------------------------------------------------


def test_a_generator_stays_one(telemetry: Telemetry) -> None:
    @otelier.agent("a")
    def answer() -> Any:
        return words()

    run = answer()
    assert inspect.isgenerator(run) and type(run) is types.GeneratorType
    assert (run.__name__, run.__qualname__) == ("words", "words")
    assert inspect.getgeneratorstate(run) == inspect.GEN_CREATED
    assert telemetry.spans() == []
    assert next(run) == "a"
    assert run.send("c") == "c"
    with pytest.raises(StopIteration) as stopped:
        next(run)
    assert stopped.value.value == "end"
    span = telemetry.span()
    assert span.status.status_code is StatusCode.UNSET and end_of(span) is None
    [said] = json.loads(str((span.attributes or {})[semconv.OUTPUT_MESSAGES]))
    assert said["parts"] == [{"type": "text", "content": "ac"}]


def test_it_is_current_while_it_runs(telemetry: Telemetry) -> None:
    inside = []

    def numbers() -> Iterator[int]:
        inside.append(current())
        yield 1
        inside.append(current())

    async def anumbers() -> AsyncIterator[int]:
        inside.append(current())
        await asyncio.sleep(0)
        yield 1
        inside.append(current())

    @otelier.step("s")
    def answer() -> Any:
        return numbers()

    @otelier.step("s")
    async def aanswer() -> Any:
        return anumbers()

    async def main() -> None:
        async for _ in await aanswer():
            assert current() == 0

    for _ in answer():
        assert current() == 0
    asyncio.run(main())
    ids = [span.context.span_id for span in telemetry.spans("s")]
    assert inside == [ids[0]] * 2 + [ids[1]] * 2


RETURNED: dict[str, Callable[[], Any]] = {
    "generator": words,
    "async generator": awords,
}


@pytest.mark.parametrize("what", RETURNED)
@pytest.mark.parametrize("by", ["function", "coroutine", "coroutine function", "both"])
def test_every_way_to_return_one(telemetry: Telemetry, what: str, by: str) -> None:
    make = RETURNED[what]

    async def later() -> Any:
        await asyncio.sleep(0)
        return make()

    def plain() -> Any:
        return make()

    def promise() -> Any:
        return later()

    async def twice() -> Any:
        return later()

    function = {
        "function": plain,
        "coroutine": promise,
        "coroutine function": later,
        "both": twice,
    }[by]
    decorated = otelier.workflow("w")(function)
    assert inspect.iscoroutinefunction(decorated) == inspect.iscoroutinefunction(function)

    async def main() -> list[Any]:
        found = decorated()
        while inspect.iscoroutine(found):
            found = await found
        assert telemetry.spans() == []
        if inspect.isasyncgen(found):
            return [item async for item in found]
        assert inspect.isgenerator(found)
        return list(found)

    assert asyncio.run(main()) == ["a", "b"]
    assert telemetry.span().status.status_code is StatusCode.UNSET


@pytest.mark.parametrize("how", ["close", "drop", "never", "error", "throw"])
@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
def test_generators_that_are_left(telemetry: Telemetry, how: str, asynchronous: bool) -> None:
    log: list[str] = []

    def inner() -> Iterator[int]:
        try:
            yield 1
            raise KeyError("x")
        finally:
            log.append("closed")

    async def ainner() -> AsyncIterator[int]:
        try:
            yield 1
            raise KeyError("x")
        finally:
            await asyncio.sleep(0)
            log.append("closed")

    @otelier.step("s")
    def numbers() -> Any:
        return ainner() if asynchronous else inner()

    def sync() -> None:
        run = numbers()
        if how == "never":
            return
        assert next(run) == 1
        if how == "close":
            run.close()
        elif how == "error":
            with pytest.raises(KeyError):
                next(run)
        elif how == "throw":
            with pytest.raises(ValueError):
                run.throw(ValueError("y"))

    async def main() -> None:
        run = numbers()
        if how == "never":
            return
        assert await anext(run) == 1
        if how == "close":
            await run.aclose()
        elif how == "error":
            with pytest.raises(KeyError):
                await anext(run)
        elif how == "throw":
            with pytest.raises(ValueError):
                await run.athrow(ValueError("y"))
        del run
        for _ in range(5):  # The loop closes what was dropped.
            await asyncio.sleep(0)

    if asynchronous:
        asyncio.run(main())
    else:
        sync()
    span = telemetry.span()
    failed = {"error": "KeyError", "throw": "ValueError"}.get(how)
    assert (span.attributes or {}).get("error.type") == failed
    assert (span.status.status_code is StatusCode.ERROR) == (failed is not None)
    ends = {"close": "closed", "drop": "closed", "never": "abandoned"}
    assert end_of(span) == ends.get(how)
    assert log == ([] if how == "never" else ["closed"])


def test_a_generator_that_has_begun(telemetry: Telemetry) -> None:
    """What is sent, thrown and closed reaches it where it stands."""
    log = []

    def co() -> Any:
        try:
            got = yield "first"
            while True:
                try:
                    got = yield got * 2
                except ValueError:
                    got = yield -1
        finally:
            log.append("closed")

    @otelier.step("s")
    def primed() -> Any:
        run = co()
        assert next(run) == "first"
        return run

    run = primed()
    assert inspect.getgeneratorstate(run) == inspect.GEN_SUSPENDED
    assert run.send(2) == 4
    assert run.throw(ValueError()) == -1
    run.close()
    assert log == ["closed"]
    run = primed()
    run.close()
    assert log == ["closed"] * 2
    assert [end_of(span) for span in telemetry.spans()] == ["closed"] * 2

    async def aco() -> Any:
        try:
            got = yield "first"
            yield got * 2
        finally:
            log.append("aclosed")

    @otelier.step("s")
    async def aprimed() -> Any:
        run = aco()
        assert await anext(run) == "first"
        return run

    async def main() -> None:
        run = await aprimed()
        assert await run.asend(3) == 6
        await run.aclose()
        await (await aprimed()).aclose()

    asyncio.run(main())
    assert log[2:] == ["aclosed"] * 2
    assert len(telemetry.spans()) == 4


def test_what_is_over_or_no_generator_of_python_s(telemetry: Telemetry) -> None:
    done = words()
    list(done)

    @types.coroutine
    def old() -> Any:
        yield
        return 5

    @otelier.step("over")
    def over() -> Any:
        return done

    @otelier.step("old")
    def promised() -> Any:
        return old()

    @otelier.step("iterator")
    def iterator() -> Any:
        return iter([1])

    assert over() is done
    assert list(iterator()) == [1]

    async def main() -> Any:
        return await promised()

    assert asyncio.run(main()) == 5
    assert [span.name for span in telemetry.spans()] == ["over", "iterator", "old"]


@types.coroutine
def _old_style() -> Any:
    yield
    return 5


def test_a_coroutine_of_the_old_kind(telemetry: Telemetry) -> None:
    decorated = otelier.step("old")(_old_style)

    async def main() -> Any:
        return await decorated()

    assert asyncio.run(main()) == 5
    assert telemetry.span().name == "old"


def test_nothing_is_held(telemetry: Telemetry) -> None:
    class Big:
        pass

    big = Big()
    alive = weakref.ref(big)

    def inner(held: Any) -> Iterator[Any]:
        yield 1
        yield held

    @otelier.step("s")
    def numbers(held: Any) -> Any:
        return inner(held)

    gc.disable()
    try:
        run = numbers(big)
        next(run)
        with pytest.raises(ValueError):
            run.throw(ValueError())
        del big, run
        assert alive() is None
        run = numbers(Big())
        del run
        assert len(telemetry.exporter.get_finished_spans()) == 2
    finally:
        gc.enable()


def test_a_coroutine_that_is_dropped_says_its_own_name(telemetry: Telemetry) -> None:
    async def later() -> None:
        pass

    @otelier.step
    def promise() -> Any:
        return later()

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = promise()
        assert found.__name__ == "later"
        del found
        gc.collect()
    assert all("later" in str(each.message) for each in caught)


@pytest.mark.parametrize("how", ["dropped", "closed", "thrown"])
def test_a_coroutine_that_is_never_awaited(telemetry: Telemetry, how: str) -> None:
    async def answer() -> int:
        return 1

    def given() -> Any:
        return answer()

    def complaints(function: Callable[[], Any]) -> int:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            promised = function()
            if how == "closed":
                promised.close()
            elif how == "thrown":
                with pytest.raises(ValueError, match="no"):
                    promised.throw(ValueError("no"))
            del promised
            found = len(caught)
            # What complains is kept by its complaint.
            caught.clear()
            gc.collect()
            return found + len(caught)

    assert complaints(otelier.step(given)) == complaints(given)
    assert (telemetry.span().attributes or {})[semconv.STREAM_END] == "abandoned"


def test_without_otelier_it_is_the_same_object() -> None:
    otelier.uninstrument()
    run = words()

    @otelier.step
    def answer() -> Any:
        return run

    assert answer() is run


# --- generator functions: where they were called ------------------------------------------------


def test_a_generator_function_belongs_to_where_it_was_called(telemetry: Telemetry) -> None:
    @otelier.step("numbers")
    def numbers() -> Iterator[int]:
        yield 1

    @otelier.step("anumbers")
    async def anumbers() -> AsyncIterator[int]:
        yield 1

    assert inspect.isgeneratorfunction(numbers) and inspect.isasyncgenfunction(anumbers)

    async def read(run: Any) -> list[int]:
        return [item async for item in run]

    with otelier.agent("a") as agent, otelier.session(session_id="here", user_id="me"):
        run, arun = numbers(), anumbers()
        unread = numbers()
    with telemetry.tracer.start_as_current_span("elsewhere"), otelier.session(user_id="you"):
        assert list(run) == [1]
        assert asyncio.run(read(arun)) == [1]
    del unread
    for name in ("numbers", "anumbers"):
        span = telemetry.span(name)
        assert span.parent is not None
        assert span.parent.span_id == agent.span.get_span_context().span_id
        assert (span.attributes or {})["session.id"] == "here"
        assert (span.attributes or {})["user.id"] == "me"


def test_steps_around_one_generator_function(telemetry: Telemetry) -> None:
    @otelier.agent("outer")
    @otelier.step("inner")
    def numbers() -> Iterator[int]:
        yield 1

    @otelier.agent("outer")
    @otelier.step("inner")
    async def anumbers() -> AsyncIterator[int]:
        yield 1

    async def main() -> None:
        assert [item async for item in anumbers()] == [1]

    assert list(numbers()) == [1]
    asyncio.run(main())
    inner, outer, ainner, aouter = telemetry.spans()
    assert inner.parent is not None and inner.parent.span_id == outer.context.span_id
    assert ainner.parent is not None and ainner.parent.span_id == aouter.context.span_id


def test_arguments_are_checked_at_the_call(telemetry: Telemetry) -> None:
    @otelier.step
    def numbers(n: int) -> Iterator[int]:
        yield n

    plain: Any = numbers
    with pytest.raises(TypeError):
        plain()
    assert inspect.signature(numbers).parameters.keys() == {"n"}
    assert telemetry.spans() == []


def test_a_traced_program_sees_a_generator_function(telemetry: Telemetry) -> None:
    """Debuggers and coverage look at the marks of code, too."""
    seen = []

    @otelier.step
    def numbers() -> Iterator[int]:
        yield 1

    def look(frame: Any, event: str, _: Any) -> Any:
        seen.append(event)
        return look

    before = sys.gettrace()
    sys.settrace(look)
    try:
        assert list(numbers()) == [1]
    finally:
        sys.settrace(before)
    assert seen and telemetry.span().name == "numbers"


# --- streams of SDKs ----------------------------------------------------------------------------


def client(server: ProviderServer) -> openai.OpenAI:
    return openai.OpenAI(base_url=server.url + "/v1", api_key="k", max_retries=0)


def texts(span: Any, name: str) -> list[str]:
    found = json.loads(str((span.attributes or {}).get(name, "[]")))
    return [part.get("content") for each in found for part in each["parts"]]


@openai_streams
def test_an_sdk_s_stream_is_the_step_s_end(telemetry: Telemetry, server: ProviderServer) -> None:
    made = []

    @otelier.agent("a")
    def answer(question: str) -> Any:
        usage = {"include_usage": True}
        asked: Any = {**CHAT, "stream": True, "stream_options": usage}
        made.append(client(server).chat.completions.create(**asked))
        return made[0]

    stream = answer("why?")
    assert stream is made[0] and isinstance(stream, openai.Stream)
    assert telemetry.spans() == []
    with telemetry.tracer.start_as_current_span("mine") as mine:
        for _ in stream:
            assert current() == mine.get_span_context().span_id
    agent, chat = telemetry.span("invoke_agent"), telemetry.span("chat")
    assert chat.parent is not None and chat.parent.span_id == agent.context.span_id
    assert agent.end_time == chat.end_time
    found = agent.attributes or {}
    assert (
        found["gen_ai.usage.input_tokens"] == (chat.attributes or {})["gen_ai.usage.input_tokens"]
    )
    assert found["otelier.cost.total"] == (chat.attributes or {})[semconv.COST]
    assert semconv.UNCOUNTED_CALLS not in found
    assert texts(agent, semconv.INPUT_MESSAGES) == ["why?"]
    assert texts(agent, semconv.OUTPUT_MESSAGES) == texts(chat, semconv.OUTPUT_MESSAGES) != []
    assert found["gen_ai.response.finish_reasons"] == ("stop",)
    assert agent.status.status_code is StatusCode.UNSET


@pytest.mark.parametrize("kind", ["tuple", "dict", "nested", "raw", "helper", "private"])
@openai_streams
def test_ways_in_which_a_stream_is_given_back(
    telemetry: Telemetry, server: ProviderServer, kind: str
) -> None:
    @otelier.agent("inner", capture=kind != "private")
    def answer() -> Any:
        if kind == "helper":
            claude = anthropic.Anthropic(base_url=server.url, api_key="k")
            asked: Any = {**CHAT, "model": "claude-sonnet-4-5", "max_tokens": 9}
            return claude.messages.stream(**asked).__enter__()
        ask = client(server).chat.completions
        if kind == "raw":
            return ask.with_raw_response.create(stream=True, **CHAT).parse()
        stream = ask.create(stream=True, **CHAT)
        return {"tuple": (stream, 1), "dict": {"stream": stream}}.get(kind, stream)

    @otelier.workflow("outer")
    def through() -> Any:
        return answer()

    found = through() if kind == "nested" else answer()
    assert telemetry.spans() == []
    found = found[0] if kind == "tuple" else found["stream"] if kind == "dict" else found
    list(found)
    del found
    chat, agent = telemetry.span("chat"), telemetry.span("invoke_agent")
    assert agent.end_time == chat.end_time
    said = texts(agent, semconv.OUTPUT_MESSAGES)
    assert said == ([] if kind == "private" else texts(chat, semconv.OUTPUT_MESSAGES))
    if kind == "nested":
        outer = telemetry.span("invoke_workflow")
        assert outer.end_time == chat.end_time
        assert texts(outer, semconv.OUTPUT_MESSAGES) == said


@openai_streams
@pytest.mark.parametrize("how", ["close", "drop", "never", "error", "cancel"])
def test_streams_that_are_left(telemetry: Telemetry, server: ProviderServer, how: str) -> None:
    gate = Gate(hold_after=2)
    if how == "error":
        server.script(Sse(chat_chunks(chat_message()), drop_after=2))
    elif how == "cancel":
        server.script(Sse(chat_chunks(chat_message()), gate=gate))

    @otelier.agent("a")
    def answer() -> Any:
        return client(server).chat.completions.create(stream=True, **CHAT)

    @otelier.agent("a")
    async def aanswer() -> Any:
        made = openai.AsyncOpenAI(base_url=server.url + "/v1", api_key="k")
        return await made.chat.completions.create(stream=True, **CHAT)

    async def main() -> None:
        read = asyncio.Event()

        async def work() -> None:
            async for _ in await aanswer():
                read.set()

        task = asyncio.create_task(work())
        await read.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        gate.open()

    if how == "cancel":
        asyncio.run(main())
    elif how == "error":
        with pytest.raises(Exception):  # noqa: B017 - whatever the SDK raises
            list(answer())
    else:
        stream = answer()
        if how != "never":
            next(iter(stream))
        if how == "close":
            stream.close()
        del stream
    agent, chat = telemetry.span("invoke_agent"), telemetry.span("chat")
    assert agent.end_time == chat.end_time
    assert end_of(agent) == end_of(chat)
    ends = {"close": "closed", "cancel": "cancelled", "never": "abandoned", "error": None}
    if how in ends:
        assert end_of(agent) == ends[how]
    kind = (agent.attributes or {}).get("error.type")
    assert kind == (chat.attributes or {}).get("error.type")
    assert (kind is not None) == (how == "error") == (agent.status.status_code is StatusCode.ERROR)
    if how in ("close", "drop", "cancel"):
        assert (agent.attributes or {})[semconv.UNCOUNTED_CALLS] == 1


def test_a_stream_that_waits_in_an_object_of_the_program_s(
    telemetry: Telemetry, server: ProviderServer
) -> None:
    """What is no iterable is not looked into; the step ends as it always did."""

    class Holder:
        def __init__(self, stream: Any) -> None:
            self.stream = stream

        def __getattr__(self, name: str) -> Any:
            raise AssertionError(name)

    @otelier.step("s")
    def answer() -> Any:
        return Holder(client(server).chat.completions.create(stream=True, **CHAT))

    held = answer()
    assert telemetry.span().name == "s"
    list(held.stream)


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
def test_google_s_generators(
    telemetry: Telemetry, server: ProviderServer, asynchronous: bool
) -> None:
    genai = pytest.importorskip("google.genai")
    server.script(gemini_wire.stream())
    made = genai.Client(api_key="k", http_options={"base_url": server.url})
    asked = {"model": gemini_wire.MODEL, "contents": "Hi"}

    @otelier.agent("a")
    def answer() -> Any:
        return made.models.generate_content_stream(**asked)

    @otelier.agent("a")
    async def aanswer() -> Any:
        return await made.aio.models.generate_content_stream(**asked)

    async def main() -> None:
        stream = await aanswer()
        assert inspect.isasyncgen(stream)
        async for _ in stream:
            pass

    if asynchronous:
        asyncio.run(main())
    else:
        stream = answer()
        assert inspect.isgenerator(stream) and stream.__name__ == "generate_content_stream"
        list(stream)
    agent, chat = telemetry.span("invoke_agent"), telemetry.span("generate_content")
    assert chat.parent is not None and chat.parent.span_id == agent.context.span_id
    assert agent.end_time >= chat.end_time  # type: ignore[operator]
    assert texts(agent, semconv.OUTPUT_MESSAGES) == texts(chat, semconv.OUTPUT_MESSAGES) != []


MANAGERS: dict[str, Callable[[Any, Any], Any]] = {
    "messages": lambda _, claude: claude.messages.stream(**CLAUDE),
    "chat": lambda gpt, _: gpt.chat.completions.stream(**CHAT),
    "response": lambda gpt, _: gpt.chat.completions.with_streaming_response.create(
        stream=True, **CHAT
    ),
}
CLAUDE: dict[str, Any] = {**CHAT, "model": "claude-opus-4-6", "max_tokens": 9}


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("kind", MANAGERS)
@pytest.mark.parametrize("how", ["read", "never", "refused"])
@openai_streams
def test_a_helper_that_asks_when_it_is_entered(
    telemetry: Telemetry, server: ProviderServer, kind: str, asynchronous: bool, how: str
) -> None:
    if how == "refused":
        server.script(Json({"error": {"message": "no"}}, status=400))
    prefix = "Async" if asynchronous else ""
    gpt = getattr(openai, prefix + "OpenAI")(base_url=server.url + "/v1", api_key="k")
    claude = getattr(anthropic, prefix + "Anthropic")(base_url=server.url, api_key="k")
    if not hasattr(gpt.chat.completions, "stream") and kind == "chat":
        pytest.skip("this openai has no such helper")

    @otelier.agent("a")
    def answer() -> Any:
        return MANAGERS[kind](gpt, claude)

    def read() -> None:
        with answer() as stream:
            assert current() == 0
            for _ in stream.iter_lines() if kind == "response" else stream:
                assert current() == 0

    async def aread() -> None:
        async with answer() as stream:
            assert current() == 0
            async for _ in stream.iter_lines() if kind == "response" else stream:
                assert current() == 0

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if how == "never":
            answer()
            gc.collect()
        elif how == "refused":
            with pytest.raises((openai.BadRequestError, anthropic.BadRequestError)):
                asyncio.run(aread()) if asynchronous else read()
        else:
            asyncio.run(aread()) if asynchronous else read()
    lost = ["never awaited" in str(each.message) for each in caught]
    assert sum(lost) == (how == "never" and asynchronous)
    caught.clear()  # They hold what they tell of.
    agent = telemetry.span("invoke_agent")
    if how == "never":
        assert end_of(agent) == "abandoned"
        return
    chat = telemetry.span("chat")
    assert chat.parent is not None and chat.parent.span_id == agent.context.span_id
    assert (agent.status.status_code is StatusCode.ERROR) == (how == "refused")
    if how == "read":
        assert agent.end_time == chat.end_time
        assert texts(agent, semconv.OUTPUT_MESSAGES) == texts(chat, semconv.OUTPUT_MESSAGES) != []


def test_a_whole_answer_ends_at_once(telemetry: Telemetry, server: ProviderServer) -> None:
    open_one = client(server).chat.completions.create(stream=True, **CHAT)
    server.script(Json(chat_message()))

    @otelier.agent("a")
    def answer() -> Any:
        return client(server).chat.completions.create(**CHAT)

    answer()
    assert telemetry.span("invoke_agent").name == "invoke_agent a"
    list(open_one)


@pytest.mark.skipif(sys.version_info < (3, 13), reason="close() tells nothing before Python 3.13")
def test_what_a_closed_generator_tells(telemetry: Telemetry) -> None:
    def careful() -> Any:
        try:
            yield 1
        except GeneratorExit:
            return "told"

    run = otelier.step("s")(lambda: careful())()
    next(run)
    assert run.close() == "told"
    assert end_of(telemetry.span()) == "closed"


# --- what is not the step's alone -------------------------------------------------------------


def counted() -> Iterator[int]:
    yield from range(4)


async def acounted() -> AsyncIterator[int]:
    for number in range(4):
        yield number


def test_a_generator_that_somebody_else_has_goes_on(telemetry: Telemetry) -> None:
    @otelier.workflow
    def skip(items: Iterator[int]) -> Iterator[int]:
        next(items)
        return items

    items = counted()
    skip(items)
    assert list(items) == [1, 2, 3]
    assert telemetry.span("invoke_workflow skip").status.status_code is StatusCode.UNSET

    @otelier.workflow
    async def askip(items: Any) -> Any:
        await anext(items)
        return items

    async def main() -> None:
        items = acounted()
        await askip(items)
        assert [item async for item in items] == [1, 2, 3]

    asyncio.run(main())


def test_a_generator_that_is_the_step_s_alone_is_closed_with_it(telemetry: Telemetry) -> None:
    def fails_at_its_end() -> Iterator[int]:
        try:
            yield 1
        finally:
            raise LookupError("at its end")

    @otelier.workflow
    def made() -> Iterator[int]:
        return fails_at_its_end()

    ours: Any = made()
    next(ours)
    with pytest.raises(LookupError, match="at its end"):
        ours.close()
    assert telemetry.span("invoke_workflow made").status.status_code is StatusCode.ERROR


def test_wrong_arguments_of_a_step_around_a_step_are_told_at_the_call(
    telemetry: Telemetry,
) -> None:
    @otelier.workflow("outer")
    @otelier.agent("inner")
    def pieces(number: int) -> Iterator[int]:
        yield number

    wrong: Any = pieces
    with pytest.raises(TypeError, match="wrong"):
        wrong(wrong=1)
    with otelier.step("after"):
        pass
    assert telemetry.span("after").parent is None
    assert list(pieces(3)) == [3]
