"""``otelier.capture``: less content for a part of a program, wherever that part's spans go."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

import pytest

pytest.importorskip("openai")

import openai

import otelier
from tests.installed import anthropic_runners, openai_helpers, openai_responses
from tests.servers import Json, ProviderServer, Sse
from tests.telemetry import Telemetry

SECRET = "the patient has measles"
ASK: dict[str, Any] = {
    "model": "gpt-4o-mini",
    "messages": [{"role": "user", "content": SECRET}],
}


@pytest.fixture
def client(server: ProviderServer) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key="k", max_retries=0)


@pytest.fixture(params=["SPAN_ONLY", "EVENT_ONLY", "SPAN_AND_EVENT"])
def everywhere(server: ProviderServer, request: pytest.FixtureRequest) -> Iterator[Telemetry]:
    running = Telemetry().start(capture=request.param, emit_event=True)
    yield running
    running.stop()


def all_told(telemetry: Telemetry) -> str:
    """All that left: spans with their events and statuses, log records."""
    spans = [span.to_json() for span in telemetry.exporter.get_finished_spans()]
    logs = [
        str((record.log_record.attributes, record.log_record.body))
        for record in telemetry.log_exporter.get_finished_logs()
    ]
    return "\n".join([*spans, *logs])


def stream_left(client: openai.OpenAI) -> Any:
    with otelier.capture("NO_CONTENT"):
        return client.chat.completions.create(stream=True, **ASK)


@openai_responses
def test_nothing_of_it_leaves_in_any_mode(
    everywhere: Telemetry, client: openai.OpenAI, server: ProviderServer
) -> None:
    server.route("/embeddings", Json({"error": {"message": f"no {SECRET}"}}, status=400))

    @otelier.tool
    def look(name: str) -> str:
        return SECRET

    with otelier.agent("around") as agent:
        with otelier.capture("NO_CONTENT"):
            client.chat.completions.create(**ASK)
            client.responses.create(model="gpt-4o-mini", input=SECRET)
            look(SECRET)
            with otelier.retrieval("notes", query=SECRET) as found:
                found.set_documents([SECRET])
            otelier.record_evaluation("tone", score=1, explanation=SECRET)
        stream = stream_left(client)
        # Read where it is no longer in force.
        list(stream)
    assert agent.ended
    told = all_told(everywhere)
    assert SECRET not in told
    assert "measles" not in told
    assert "gen_ai.usage.input_tokens" in told


async def _calls(client: openai.AsyncOpenAI) -> None:
    async def one(private: bool) -> None:
        async with otelier.capture("NO_CONTENT" if private else "SPAN_ONLY"):
            await asyncio.sleep(0)
            await client.chat.completions.create(
                model="gpt-4o-mini",
                messages=[{"role": "user", "content": SECRET if private else "public"}],
            )

    await asyncio.gather(*(one(number % 2 == 0) for number in range(8)))


def test_tasks_do_not_mix(telemetry: Telemetry, server: ProviderServer) -> None:
    asyncio.run(_calls(openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="k")))
    told = all_told(telemetry)
    assert SECRET not in told
    assert told.count("public") == 4


def test_threads_that_inherit_the_context(telemetry: Telemetry, client: openai.OpenAI) -> None:
    with ThreadPoolExecutor(1) as pool, otelier.capture(False):
        context = copy_context()
        pool.submit(context.run, client.chat.completions.create, **ASK).result()
    assert SECRET not in all_told(telemetry)


def test_it_never_loosens(telemetry: Telemetry, client: openai.OpenAI) -> None:
    with otelier.capture("NO_CONTENT"), otelier.capture("SPAN_AND_EVENT"):
        client.chat.completions.create(**ASK)
    assert SECRET not in all_told(telemetry)
    with otelier.capture("SPAN_ONLY"):
        client.chat.completions.create(**ASK)
    assert SECRET in all_told(telemetry)


def test_events_alone_keep_it_from_the_spans_of_agents_around(
    server: ProviderServer, client: openai.OpenAI
) -> None:
    telemetry = Telemetry().start(capture="SPAN_AND_EVENT")

    @otelier.agent("around")
    def answer() -> Any:
        with otelier.capture("EVENT_ONLY"):
            return client.chat.completions.create(stream=True, **ASK)

    server.script(Sse([json.dumps(chunk) for chunk in _chunks()]))
    list(answer())
    telemetry.stop()
    assert "measles" not in "".join(
        span.to_json() for span in telemetry.exporter.get_finished_spans()
    )
    assert "measles" in all_told(telemetry)


def _chunks() -> Iterator[dict[str, Any]]:
    base = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o-mini"}
    for delta, reason in (({"role": "assistant", "content": SECRET}, None), ({}, "stop")):
        yield {**base, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}


@pytest.mark.parametrize("wrong", ["NO_CONTNET", "", 3, None, object()])
def test_what_is_no_mode_is_told_at_once(wrong: Any) -> None:
    with pytest.raises(ValueError, match="NO_CONTENT"):
        otelier.capture(wrong)


def test_without_otelier_it_is_of_no_effect() -> None:
    with otelier.capture("NO_CONTENT"):
        pass


def _held(entered: Any) -> Iterator[None]:
    with entered:
        yield


@pytest.mark.parametrize(
    "what",
    [
        lambda telemetry: otelier.step("s"),
        lambda telemetry: otelier.session(user_id="u"),
        lambda telemetry: otelier.capture("SPAN_ONLY"),
        lambda telemetry: telemetry.tracer.start_as_current_span("theirs"),
    ],
    ids=["step", "session", "capture", "span"],
)
@pytest.mark.parametrize("decorated", [False, True])
def test_what_ends_inside_does_not_end_it(
    telemetry: Telemetry, client: openai.OpenAI, what: Any, decorated: bool
) -> None:
    """A generator puts the context back to what it was before the scope was entered."""

    def run() -> None:
        pieces = _held(what(telemetry))
        next(pieces)

        def inside() -> None:
            list(pieces)
            client.chat.completions.create(**ASK)

        if decorated:
            otelier.capture("NO_CONTENT")(inside)()
        else:
            with otelier.capture("NO_CONTENT"):
                inside()

    copy_context().run(run)
    assert SECRET not in all_told(telemetry)
    client.chat.completions.create(**ASK)
    assert SECRET in all_told(telemetry)


def test_what_was_made_outside_and_runs_inside(
    telemetry: Telemetry, server: ProviderServer
) -> None:
    """A runner's requests, and a declared generator's, belong to where these were made."""
    client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="k", max_retries=0)

    @otelier.agent("outside")
    def pieces() -> Iterator[str]:
        client.chat.completions.create(**ASK)
        yield SECRET

    made = pieces()
    with otelier.capture("NO_CONTENT"):
        list(made)
    assert SECRET not in all_told(telemetry)


@anthropic_runners
def test_a_runner_that_was_made_outside(telemetry: Telemetry, server: ProviderServer) -> None:
    anthropic = pytest.importorskip("anthropic")
    client = anthropic.Anthropic(base_url=server.url, api_key="k", max_retries=0)
    runner = client.beta.messages.tool_runner(
        model="claude-sonnet-4-5", max_tokens=9, messages=ASK["messages"], tools=[]
    )
    with otelier.capture("NO_CONTENT"):
        for _ in runner:
            pass
    assert "chat claude-sonnet-4-5" in [span.name for span in telemetry.spans()]
    assert SECRET not in all_told(telemetry)


def test_a_generator_that_is_decorated_holds_it_while_its_code_runs(
    telemetry: Telemetry, client: openai.OpenAI
) -> None:
    @otelier.capture("NO_CONTENT")
    def private() -> Iterator[int]:
        client.chat.completions.create(**ASK)
        yield 1

    for _ in private():
        assert SECRET not in all_told(telemetry)
        client.chat.completions.create(**ASK)
        assert SECRET in all_told(telemetry)


def _as_coroutine(client: openai.OpenAI) -> Any:
    async def later() -> None:
        client.chat.completions.create(**ASK)

    return later()


def _as_generator(client: openai.OpenAI) -> Any:
    def pieces() -> Iterator[int]:
        client.chat.completions.create(**ASK)
        yield 1

    return pieces()


def _as_manager(client: openai.OpenAI) -> Any:
    return client.chat.completions.stream(**ASK)


def _read(made: Any) -> None:
    if hasattr(made, "send") and not hasattr(made, "__next__"):
        asyncio.run(made)
    elif hasattr(made, "__next__"):
        list(made)
    else:
        with made as stream:
            list(stream)


@pytest.mark.parametrize(
    "make", [_as_coroutine, _as_generator, pytest.param(_as_manager, marks=openai_helpers)]
)
def test_a_decorated_function_that_gives_back_what_runs_later(
    telemetry: Telemetry, client: openai.OpenAI, make: Any
) -> None:
    made = otelier.capture("NO_CONTENT")(make)(client)
    _read(made)
    assert telemetry.spans()
    assert SECRET not in all_told(telemetry)


@openai_responses
def test_an_answer_that_is_begun_inside_and_fetched_outside(
    telemetry: Telemetry, client: openai.OpenAI, server: ProviderServer
) -> None:
    answer = {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "model": "gpt-4o-mini",
        "background": True,
        "output": [],
        "status": "queued",
    }
    said = {"type": "output_text", "text": SECRET, "annotations": []}
    message = {
        "id": "m",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [said],
    }
    usage = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
    server.script(
        Json(answer),
        Json({**answer, "status": "in_progress", "output": [message]}),
        Json({**answer, "status": "completed", "output": [message], "usage": usage}),
    )
    with otelier.capture("NO_CONTENT"):
        client.responses.create(model="gpt-4o-mini", input=SECRET, background=True)
    for _ in range(2):
        client.responses.retrieve("resp_1")
    assert len(telemetry.spans()) == 3
    assert SECRET not in all_told(telemetry)


def test_pools_take_it_along_where_threads_do(server: ProviderServer) -> None:
    telemetry = Telemetry().start(threads=True)
    client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="k")
    with ThreadPoolExecutor(1) as pool, otelier.capture("NO_CONTENT"):
        pool.submit(client.chat.completions.create, **ASK).result()
    telemetry.stop()
    assert telemetry.spans()
    assert SECRET not in all_told(telemetry)
