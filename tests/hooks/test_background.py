"""Answers that go on in the background: counted once, by whoever first sees them complete."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest

from otelier import background, semconv
from otelier.identity import Identity
from otelier.protocols import Reply
from otelier.protocols.routes import OPENAI
from otelier.usage import Usage
from tests.servers import Json, ProviderServer, Sse, openai_wire
from tests.telemetry import Telemetry

ASK: dict[str, Any] = {"model": "gpt-5", "input": "Hi", "background": True}
ID = openai_wire.RESPONSE_ID
DONE = openai_wire.response_object(background=True, model="gpt-5")
COST = (12 * 1.25 + 9 * 10) / 1e6


def _told(status: str, **more: Any) -> Json:
    return Json(openai_wire.response_object(status=status, background=True, model="gpt-5", **more))


def _events(response: dict[str, Any] = DONE, first: int = 0, last: int | None = None) -> Sse:
    events = openai_wire.response_events(response, queued=True)
    return Sse(events[first:last], done=None, named=True)


needs_responses = pytest.mark.skipif(
    not hasattr(openai.OpenAI(api_key="k"), "responses"), reason="this openai has no Responses"
)


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    background._begun.clear()
    yield
    background._begun.clear()


@pytest.fixture
def client(server: ProviderServer, telemetry: Telemetry) -> openai.OpenAI:
    return openai.OpenAI(api_key="k", base_url=f"{server.url}/v1", max_retries=0)


def counted(telemetry: Telemetry) -> list[tuple[str, int | None]]:
    """The spans by operation, with their input tokens; only those that count have a cost."""
    found = []
    for span in telemetry.spans():
        attributes = span.attributes or {}
        tokens = attributes.get(semconv.USAGE_INPUT)
        if tokens is None:
            assert semconv.COST not in attributes
        else:
            assert attributes[semconv.COST] == pytest.approx(COST)
            assert attributes[semconv.USAGE_OUTPUT] == 9
        found.append((span.name.partition(" ")[0], tokens))
    return found


def measured(telemetry: Telemetry) -> list[int]:
    """Tokens in the metrics: each operation's, input and output."""
    points = telemetry.metrics().get(semconv.TOKEN_USAGE.name, [])
    return sorted(point.sum for point in points)


@needs_responses
def test_polled(client: openai.OpenAI, server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(_told("queued"), _told("in_progress"), _told("completed"), _told("completed"))
    made = client.responses.create(**ASK)
    for _ in range(3):
        client.responses.retrieve(made.id)
    assert counted(telemetry) == [
        ("chat", None),
        ("fetch_response", None),
        ("fetch_response", 12),
        ("fetch_response", None),
    ]
    assert measured(telemetry) == [9, 12]
    (last,) = [span for span in telemetry.spans() if semconv.USAGE_INPUT in span.attributes]
    (point,) = telemetry.metrics()[semconv.OPERATION_COST.name]
    assert point.value == last.attributes[semconv.COST]
    assert last.attributes[semconv.RESPONSE_FINISH_REASONS] == ("stop",)
    assert last.attributes[semconv.RESPONSE_STATUS] == "completed"
    assert last.attributes[semconv.RESPONSE_MODEL] == "gpt-5"
    assert last.attributes[semconv.REQUEST_MODEL] == "gpt-5"
    told = [semconv.BACKGROUND in span.attributes for span in telemetry.spans()]
    assert told == [True, False, False, False]
    assert not background._begun


@needs_responses
def test_polled_asynchronously(server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(_told("queued"), _told("completed"), _told("completed"))

    async def main() -> None:
        client = openai.AsyncOpenAI(api_key="k", base_url=f"{server.url}/v1")
        async with client:
            made = await client.responses.create(**ASK)
            await asyncio.gather(*(client.responses.retrieve(made.id) for _ in range(2)))

    asyncio.run(main())
    assert sorted(counted(telemetry), key=str) == [
        ("chat", None),
        ("fetch_response", 12),
        ("fetch_response", None),
    ]


@needs_responses
def test_raw(client: openai.OpenAI, server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(_told("queued"), _told("completed"), _told("completed"))
    client.responses.with_raw_response.create(**ASK)
    client.responses.with_raw_response.retrieve(ID)
    with client.responses.with_streaming_response.retrieve(ID) as response:
        response.read()
    assert [tokens for _, tokens in counted(telemetry)] == [None, 12, None]


@needs_responses
def test_raw_streaming_reads_first(
    client: openai.OpenAI, server: ProviderServer, telemetry: Telemetry
) -> None:
    server.script(_told("queued"), _told("completed"), _told("completed"))
    with client.responses.with_streaming_response.create(**ASK) as response:
        response.read()
    with client.responses.with_streaming_response.retrieve(ID) as response:
        response.read()
    client.responses.retrieve(ID)
    assert [tokens for _, tokens in counted(telemetry)] == [None, 12, None]


@needs_responses
def test_streams(client: openai.OpenAI, server: ProviderServer, telemetry: Telemetry) -> None:
    """Left, resumed and left again, resumed to the end, and looked at once more."""
    server.script(_events(last=4), _events(first=4, last=6), _events(first=6), _told("completed"))
    with client.responses.create(**ASK, stream=True) as stream:
        next(stream)
    with client.responses.retrieve(ID, stream=True, starting_after=3) as stream:
        next(stream)
    for _ in client.responses.retrieve(ID, stream=True, starting_after=5):
        pass
    client.responses.retrieve(ID)
    assert [tokens for _, tokens in counted(telemetry)] == [None, None, 12, None]


@needs_responses
def test_helper_of_streams(
    client: openai.OpenAI, server: ProviderServer, telemetry: Telemetry
) -> None:
    server.script(_told("queued"), _events(), _told("completed"))
    client.responses.create(**ASK)
    try:
        helper = client.responses.stream(response_id=ID)
    except TypeError:
        pytest.skip("this openai streams no response that is there")
    with helper as stream:
        stream.until_done()
    client.responses.retrieve(ID)
    assert [tokens for _, tokens in counted(telemetry)] == [None, 12, None]


@needs_responses
def test_stream_that_was_read_to_its_end_counted_already(
    client: openai.OpenAI, server: ProviderServer, telemetry: Telemetry
) -> None:
    server.script(_events(), _told("completed"))
    for _ in client.responses.create(**ASK, stream=True):
        pass
    client.responses.retrieve(ID)
    assert counted(telemetry) == [("chat", 12), ("fetch_response", None)]


@needs_responses
def test_stream_that_was_lost(
    client: openai.OpenAI, server: ProviderServer, telemetry: Telemetry
) -> None:
    events = openai_wire.response_events(DONE, queued=True)
    server.script(Sse(events, done=None, named=True, drop_after=4), _told("completed"))
    with pytest.raises((openai.APIError, httpx.HTTPError, OSError)):
        for _ in client.responses.create(**ASK, stream=True):
            pass
    client.responses.retrieve(ID)
    assert [tokens for _, tokens in counted(telemetry)] == [None, 12]


@needs_responses
def test_not_in_the_background(
    client: openai.OpenAI, server: ProviderServer, telemetry: Telemetry
) -> None:
    """What this process did not begin, counted already, or left before its end."""
    server.script(_told("completed"), Json(DONE), _told("completed"), _events(last=4))
    client.responses.retrieve(ID)
    client.responses.create(**ASK)
    client.responses.retrieve(ID)
    with client.responses.create(model="gpt-5", input="Hi", stream=True) as stream:
        next(stream)
    server.script(_told("completed"))
    client.responses.retrieve(ID)
    assert [tokens for _, tokens in counted(telemetry)] == [None, 12, None, None, None]


@needs_responses
@pytest.mark.parametrize("status", ["cancelled", "failed", "incomplete"])
def test_other_ends(
    client: openai.OpenAI, server: ProviderServer, telemetry: Telemetry, status: str
) -> None:
    used = {"usage": openai_wire.response_usage()}
    ended = {**openai_wire.response_object(status=status, model="gpt-5"), **used}
    server.script(_told("queued"), Json({**ended, "usage": None}), Json(ended), Json(ended))
    client.responses.create(**ASK)
    if not hasattr(client.responses, "cancel"):
        pytest.skip("this openai cancels no responses")
    client.responses.cancel(ID)  # Nothing is told of what it used.
    client.responses.retrieve(ID)
    client.responses.retrieve(ID)
    assert [tokens for _, tokens in counted(telemetry)] == [None, None, 12, None]
    operations = [operation for operation, _ in counted(telemetry)]
    assert operations == ["chat", "cancel_response", "fetch_response", "fetch_response"]


@needs_responses
def test_cancelled_with_its_usage(
    client: openai.OpenAI, server: ProviderServer, telemetry: Telemetry
) -> None:
    ended = openai_wire.response_object(status="cancelled", model="gpt-5")
    used = openai_wire.response_usage()
    server.script(_told("in_progress"), Json({**ended, "usage": used}), Json(ended))
    if not hasattr(client.responses, "cancel"):
        pytest.skip("this openai cancels no responses")
    client.responses.create(**ASK)
    client.responses.cancel(ID)
    client.responses.retrieve(ID)
    assert [tokens for _, tokens in counted(telemetry)] == [None, 12, None]


@needs_responses
def test_usage_of_an_answer_that_is_not_there_yet(
    client: openai.OpenAI, server: ProviderServer, telemetry: Telemetry
) -> None:
    waiting = openai_wire.response_object(status="in_progress", model="gpt-5")
    partial = Json({**waiting, "usage": openai_wire.response_usage(3, 1)})
    server.script(partial, partial, _told("completed"))
    client.responses.create(**ASK)
    client.responses.retrieve(ID)
    client.responses.retrieve(ID)
    assert [tokens for _, tokens in counted(telemetry)] == [None, None, 12]


@needs_responses
def test_azure(server: ProviderServer, telemetry: Telemetry) -> None:
    client = openai.AzureOpenAI(api_key="k", azure_endpoint=server.url, api_version="v")
    server.script(_told("queued"), _told("completed"), _told("completed"))
    client.responses.create(**ASK)
    client.responses.retrieve(ID)
    client.responses.retrieve(ID)
    tokens = [span.attributes.get(semconv.USAGE_INPUT) for span in telemetry.spans()]
    assert tokens == [None, 12, None]


@needs_responses
@pytest.mark.parametrize("window", ["2h", "8h", "soonest"])
def test_discounted_windows_have_no_price(
    client: openai.OpenAI, server: ProviderServer, telemetry: Telemetry, window: str
) -> None:
    server.script(_told("queued"), _told("completed"))
    options = {"background_options": {"completion_window": window}}
    client.responses.create(**ASK, extra_body=options)
    client.responses.retrieve(ID)
    _, fetched = telemetry.spans()
    assert fetched.attributes[semconv.USAGE_INPUT] == 12
    assert (semconv.COST in fetched.attributes) == (window == "soonest")


@needs_responses
def test_tools_that_have_no_price(
    client: openai.OpenAI, server: ProviderServer, telemetry: Telemetry
) -> None:
    code = {"type": "code_interpreter_call", "id": "ci_1", "code": "1", "status": "completed"}
    done = openai_wire.response_object(code, openai_wire.message_item(), model="gpt-5")
    server.script(_told("queued"), Json(done))
    client.responses.create(**ASK)
    client.responses.retrieve(ID)
    _, fetched = telemetry.spans()
    assert fetched.attributes[semconv.USAGE_INPUT] == 12
    assert semconv.COST not in fetched.attributes


@needs_responses
def test_two_servers_may_give_the_same_id(
    client: openai.OpenAI, server: ProviderServer, telemetry: Telemetry
) -> None:
    with ProviderServer() as other:
        elsewhere = openai.OpenAI(api_key="k", base_url=f"{other.url}/v1")
        server.script(_told("queued"), _told("completed"))
        other.script(_told("completed"))
        client.responses.create(**ASK)
        elsewhere.responses.retrieve(ID)
        client.responses.retrieve(ID)
    assert [tokens for _, tokens in counted(telemetry)] == [None, None, 12]


@needs_responses
def test_latest_metrics(server: ProviderServer) -> None:
    telemetry = Telemetry().start(generation=semconv.LATEST)
    client = openai.OpenAI(api_key="k", base_url=f"{server.url}/v1")
    server.script(_told("queued"), _told("completed"))
    client.responses.create(**ASK)
    client.responses.retrieve(ID)
    metrics = telemetry.metrics()
    (used,) = metrics[semconv.USED_INPUT.name]
    assert used.value == 12
    # What generated them is no fetch.
    assert used.attributes[semconv.OPERATION_NAME] == "chat"
    assert used.attributes[semconv.REQUEST_MODEL] == "gpt-5"
    assert [point.sum for point in metrics[semconv.INFERENCE_OUTPUT.name]] == [9]
    telemetry.stop()


# --- the book of what was begun ---------------------------------------------------------------

HERE = Identity("openai", "127.0.0.1", 1, "http://127.0.0.1:1")
CREATE, FETCH = OPENAI["post", "/responses"], OPENAI["get", "/responses/{id}"]


def _begin(id: str) -> None:
    reply = Reply(attributes={semconv.RESPONSE_ID: id}, waiting=True)
    assert background.account(CREATE, {}, {}, HERE, reply, False) is None


def _fetch(id: str) -> bool:
    reply = Reply(usage=Usage(1, 1), ended=True)
    asked: semconv.Attributes = {semconv.RESPONSE_ID: id}
    return background.account(FETCH, asked, {}, HERE, reply, False) is not None


def test_it_is_bounded() -> None:
    for number in range(background.MOST + 50):
        _begin(str(number))
    assert len(background._begun) == background.MOST
    assert not _fetch("0")
    assert _fetch(str(background.MOST + 49))


def test_threads_count_once() -> None:
    ids = [str(number) for number in range(300)]
    for id in ids:
        _begin(id)
    found: list[bool] = []

    def poll() -> None:
        found.extend(_fetch(id) for id in ids)

    threads = [threading.Thread(target=poll) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found.count(True) == len(ids)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_child_counts_nothing_of_its_parents() -> None:
    _begin("a")
    child = os.fork()
    if child == 0:
        os._exit(1 if _fetch("a") else 0)
    assert os.waitpid(child, 0)[1] == 0
    assert _fetch("a")


def test_odd_ids() -> None:
    for id in (None, 7, ["a"], {"a": 1}):
        reply = Reply(attributes={semconv.RESPONSE_ID: id}, waiting=True)  # type: ignore[dict-item]
        assert background.account(CREATE, {}, {}, HERE, reply, False) is None
    assert not background._begun
