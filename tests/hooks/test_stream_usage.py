"""OTELIER_STREAM_USAGE: streams are asked for usage, and the program sees nothing of it."""

from __future__ import annotations

import asyncio
import copy
import gc
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import openai
import pytest
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

import otelier
from otelier import guard
from otelier.hooks import stream_usage
from tests.servers import Json, ProviderServer, Sse
from tests.servers.openai_wire import chat_chunks, chat_completion, chat_message, completion_chunks
from tests.telemetry import Telemetry

ASK: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}
PROMPT: dict[str, Any] = {"model": "gpt-3.5-turbo-instruct", "prompt": "Hi"}
ASKED = {"include_usage": True}
INPUT = "gen_ai.usage.input_tokens"


def answer(request: Any) -> Any:
    """As OpenAI does: the usage, and the null of all other chunks, only where it is asked for."""
    body = request.json()
    if not body.get("stream"):
        return Json(chat_completion(chat_message()))
    wanted = bool((body.get("stream_options") or {}).get("include_usage"))
    if request.route.endswith("/chat/completions"):
        return Sse(chat_chunks(include_usage=wanted))
    return Sse(completion_chunks(include_usage=wanted))


@pytest.fixture(autouse=True)
def answering(server: ProviderServer) -> None:
    server.route("/completions", answer)


@pytest.fixture
def on(server: ProviderServer) -> Iterator[Callable[..., Telemetry]]:
    """Starts otelier with the setting."""
    started: list[Telemetry] = []

    def start(sampler: Any = None, **options: Any) -> Telemetry:
        host = server.url.removeprefix("http://")
        given = {"stream_usage": True, "provider_hosts": f"{host}=openai", **options}
        started.append(Telemetry(sampler).start(**given))
        return started[-1]

    yield start
    for each in started:
        each.stop()
    # A stream that was left, or an error, is in a cycle, which the next test would freeze.
    gc.collect()


def client(server: ProviderServer, **options: Any) -> Any:
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key="k", max_retries=0, **options)


def aclient(server: ProviderServer) -> Any:
    return openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="k", max_retries=0)


def told(item: Any) -> Any:
    """All that a program can see of a chunk."""
    dump = getattr(item, "model_dump", None) or item.dict
    said = getattr(item, "model_fields_set", None)
    extra = getattr(item, "model_extra", None)
    return (
        *(type(item), repr(item), said if said is not None else item.__fields_set__, extra),
        *(dump(exclude_unset=True), dump(), sorted(vars(item))),
    )


def bodies(server: ProviderServer) -> list[Any]:
    found = [request.json() for request in server.requests]
    server.requests.clear()
    return found


def chats(server: ProviderServer, **more: Any) -> list[Any]:
    return [told(each) for each in client(server).chat.completions.create(**{**ASK, **more})]


def prompts(server: ProviderServer, **more: Any) -> list[Any]:
    return [told(each) for each in client(server).completions.create(**{**PROMPT, **more})]


def achats(server: ProviderServer, **more: Any) -> list[Any]:
    async def main() -> list[Any]:
        stream = await aclient(server).chat.completions.create(**{**ASK, **more})
        return [told(each) async for each in stream]

    return asyncio.run(main())


def stepped(server: ProviderServer, **more: Any) -> list[Any]:
    stream = client(server).chat.completions.create(**{**ASK, **more})
    found = []
    while True:
        try:
            found.append(told(next(stream)))
        except StopIteration:
            return found


def posted(server: ProviderServer, **more: Any) -> list[Any]:
    from openai.types.chat import ChatCompletionChunk

    stream = client(server).post(
        "/chat/completions",
        body={**ASK, **more},
        cast_to=ChatCompletionChunk,
        stream=True,
        stream_cls=openai.Stream[ChatCompletionChunk],
    )
    return [told(each) for each in stream]


def deployed(server: ProviderServer, **more: Any) -> list[Any]:
    azure = openai.AzureOpenAI(
        azure_endpoint=server.url, api_version="2024-10-21", api_key="k", max_retries=0
    )
    return [told(each) for each in azure.chat.completions.create(**{**ASK, **more})]


READ = {
    "chat": chats,
    "completions": prompts,
    "async": achats,
    "next": stepped,
    "post": posted,
    "azure": deployed,
}


@pytest.mark.parametrize("read", READ)
def test_the_program_sees_what_it_would_see_and_the_span_has_the_usage(
    read: str, server: ProviderServer, on: Any
) -> None:
    bare = READ[read](server, stream=True)
    without = bodies(server)
    telemetry = on()
    assert READ[read](server, stream=True) == bare
    assert bodies(server) == [{**body, "stream_options": ASKED} for body in without]
    attributes = telemetry.span().attributes or {}
    assert attributes[INPUT] == 12
    assert attributes["gen_ai.usage.output_tokens"] == 9
    assert "otelier.stream.end" not in attributes
    assert not guard.failures()


def test_off_is_the_default(server: ProviderServer, telemetry: Telemetry) -> None:
    bare = chats(server, stream=True)
    assert "stream_options" not in bodies(server)[0]
    assert len(bare) == 5 and INPUT not in (telemetry.span().attributes or {})


HELD = {"stream_options": {"include_usage": False}}
KEPT: dict[str, dict[str, Any]] = {
    "not a stream": {},
    "asked by the program": {"stream": True, "stream_options": ASKED},
    "declined by the program": {"stream": True, **HELD},
    "declined beside": {"stream": True, "extra_body": HELD},
    "on your data": {"stream": True, "extra_body": {"data_sources": []}},
}


@pytest.mark.parametrize("case", KEPT)
def test_what_the_program_says_stands(case: str, server: ProviderServer, on: Any) -> None:
    more = KEPT[case]
    if "stream_options" in more:
        pytest.importorskip("openai", "1.26")

    def run() -> Any:
        result = client(server).chat.completions.create(**{**ASK, **more})
        return [told(each) for each in (result if more else [result])]

    bare, without = run(), bodies(server)
    on()
    assert run() == bare
    assert bodies(server) == without


def test_nothing_of_the_programs_is_changed(server: ProviderServer, on: Any) -> None:
    on()
    options = {"chunk_size": 3}
    extra = {"stream_options": options}
    before = copy.deepcopy(extra)
    assert len(chats(server, stream=True, extra_body=extra)) == 5
    assert bodies(server)[0]["stream_options"] == {"chunk_size": 3, **ASKED}
    body = {**ASK, "stream": True, "stream_options": options}
    posted(server, **body)
    assert bodies(server)[0]["stream_options"] == {"chunk_size": 3, **ASKED}
    assert extra == before and options == {"chunk_size": 3}


@pytest.mark.parametrize("view", ["with_raw_response", "with_streaming_response"])
def test_raw_responses_are_not_asked(view: str, server: ProviderServer, on: Any) -> None:
    def run() -> Any:
        viewed = getattr(client(server).chat.completions, view, None)
        if viewed is None:
            pytest.skip(f"this version has no {view}")
        made = viewed.create(**ASK, stream=True)
        if view == "with_raw_response":
            return [told(each) for each in made.parse()]
        with made as response:
            return list(response.iter_lines())

    bare, without = run(), bodies(server)
    on()
    assert run() == bare
    assert bodies(server) == without


def test_a_response_in_the_place_of_a_type_is_not_asked(server: ProviderServer, on: Any) -> None:
    on()
    base = __import__("openai._base_client", fromlist=["x"])
    response = (getattr(base, "httpx2", None) or base.httpx).Response
    client(server).post(
        "/chat/completions", body={**ASK, "stream": True}, cast_to=response, stream=True
    )
    assert "stream_options" not in bodies(server)[0]


def test_the_helper_sees_no_usage_either(server: ProviderServer, on: Any) -> None:
    def run() -> Any:
        helper = getattr(client(server).chat.completions, "stream", None)
        if helper is None:
            pytest.skip("this version has no helper")
        with helper(**ASK) as stream:
            events = [(event.type, repr(event)) for event in stream]
            return events, repr(stream.get_final_completion())

    bare = run()
    bodies(server)
    telemetry = on()
    assert run() == bare
    assert bodies(server)[0]["stream_options"] == ASKED
    assert (telemetry.span().attributes or {})[INPUT] == 12


def test_the_async_helper_sees_no_usage_either(server: ProviderServer, on: Any) -> None:
    async def main() -> Any:
        helper = getattr(aclient(server).chat.completions, "stream", None)
        if helper is None:
            pytest.skip("this version has no helper")
        async with helper(**ASK) as stream:
            events = [(event.type, repr(event)) async for event in stream]
            return events, repr(await stream.get_final_completion())

    bare = asyncio.run(main())
    telemetry = on()
    assert asyncio.run(main()) == bare
    assert (telemetry.span().attributes or {})[INPUT] == 12


@pytest.mark.parametrize("provider", ["mistral_ai", "openrouter", "groq"])
def test_hosts_that_send_it_unasked_are_not_asked(
    provider: str, server: ProviderServer, on: Any
) -> None:
    on(provider_hosts=f"{server.url.removeprefix('http://')}={provider}")
    chats(server, stream=True)
    assert "stream_options" not in bodies(server)[0]


def test_other_protocols_are_not_asked(server: ProviderServer, on: Any) -> None:
    responses = getattr(client(server), "responses", None)
    if responses is None:
        pytest.skip("this version has no responses")
    on()
    list(responses.create(model="gpt-4o", input="Hi", stream=True))
    assert "stream_options" not in bodies(server)[0]


def test_nobody_looks(server: ProviderServer, on: Any) -> None:
    on(ALWAYS_OFF, meter_provider=__import__("opentelemetry").metrics.NoOpMeterProvider())
    assert len(chats(server, stream=True)) == 5
    assert "stream_options" not in bodies(server)[0]


def test_suppressed(server: ProviderServer, on: Any) -> None:
    from opentelemetry.instrumentation.utils import suppress_instrumentation

    on()
    with suppress_instrumentation():
        chats(server, stream=True)
    assert "stream_options" not in bodies(server)[0]


def test_if_ours_breaks_the_request_is_as_it_was(
    server: ProviderServer, on: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = chats(server, stream=True)
    without = bodies(server)

    def broken(*_: Any) -> Any:
        raise RuntimeError

    monkeypatch.setattr(stream_usage, "options_asking", broken)
    on()
    assert chats(server, stream=True) == bare
    assert bodies(server) == without
    assert guard.failures() == {"stream_usage.ask": 1}


def test_if_looking_breaks_the_chunks_come_as_they_are(
    server: ProviderServer, on: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise RuntimeError

    on()
    monkeypatch.setattr(stream_usage, "answers", broken)
    assert len(chats(server, stream=True)) == 6
    assert guard.failures() == {"stream_usage.item": 6}


def test_left_early(server: ProviderServer, on: Any) -> None:
    telemetry = on()
    stream = client(server).chat.completions.create(**ASK, stream=True)
    for _ in stream:
        break
    stream.response.close()
    attributes = telemetry.span().attributes or {}
    assert attributes["otelier.stream.end"] == "closed" and INPUT not in attributes


def test_it_can_be_pickled_as_little_as_without(server: ProviderServer, on: Any) -> None:
    with pytest.raises(TypeError) as theirs:
        pickle.dumps(client(server).chat.completions.create(**ASK, stream=True)._iterator)
    on()
    with pytest.raises(TypeError) as ours:
        pickle.dumps(client(server).chat.completions.create(**ASK, stream=True)._iterator)
    assert str(ours.value) == str(theirs.value)


def test_chunks_of_the_hosts_own_are_kept(server: ProviderServer, on: Any) -> None:
    """Azure's first chunk has no choices either; and a usage beside choices is the host's own."""
    first = {"id": "", "object": "", "created": 0, "model": "", "choices": []}
    filters = {**first, "prompt_filter_results": [{"prompt_index": 0}]}
    chunks = [filters, *chat_chunks(include_usage=True)]
    chunks[-2]["usage"] = chunks[-1]["usage"]
    on()
    server.route("/chat/completions", Sse(chunks))
    found = list(client(server).chat.completions.create(**ASK, stream=True))
    assert len(found) == len(chunks) - 1
    assert found[0].prompt_filter_results
    assert found[-1].usage is not None


def test_chunks_without_a_type(server: ProviderServer, on: Any) -> None:
    def run() -> Any:
        return list(
            client(server).post(
                "/chat/completions",
                body={**ASK, "stream": True},
                cast_to=object,
                stream=True,
                stream_cls=openai.Stream[object],
            )
        )

    bare = run()
    on()
    assert run() == bare and type(bare[0]) is dict
    assert not guard.failures()


def test_uninstrumented_it_ends(server: ProviderServer, on: Any) -> None:
    on()
    otelier.uninstrument()
    chats(server, stream=True)
    assert "stream_options" not in bodies(server)[0]


# --- huggingface_hub --------------------------------------------------------------------------


def hub(server: ProviderServer, asynchronous: bool) -> list[Any]:
    library = pytest.importorskip("huggingface_hub")
    given = {"messages": ASK["messages"], "model": "m", "stream": True}
    if not asynchronous:
        inference = library.InferenceClient(base_url=server.url, api_key="hf_local")
        return list(map(repr, inference.chat_completion(**given)))

    async def main() -> list[Any]:
        inference = library.AsyncInferenceClient(base_url=server.url, api_key="hf_local")
        return [repr(each) async for each in await inference.chat_completion(**given)]

    return asyncio.run(main())


@pytest.mark.parametrize("asynchronous", [False, True])
def test_huggingface(asynchronous: bool, server: ProviderServer, on: Any) -> None:
    bare, without = hub(server, asynchronous), bodies(server)
    telemetry = on()
    assert hub(server, asynchronous) == bare
    assert bodies(server) == [{**body, "stream_options": ASKED} for body in without]
    assert (telemetry.span().attributes or {})[INPUT] == 12
    assert not guard.failures()
