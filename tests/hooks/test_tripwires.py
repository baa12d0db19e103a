"""What a program gives an SDK is touched by the SDK alone: the same touches with and without us."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from otelier import guard
from tests.servers import Json, ProviderServer
from tests.servers.openai_wire import chat_completion, chat_message
from tests.telemetry import Telemetry
from tests.tripwires import (
    LoudDict,
    LoudFloat,
    LoudList,
    LoudNumber,
    LoudText,
    Mimic,
    Tripwire,
    touched,
)


def _messages() -> Any:
    first = LoudDict(role="user", content=LoudText("hi"))
    return LoudList([first, {"role": "user", "content": "a"}])


def _parts() -> Any:
    part = LoudDict(type="text", text=LoudText("hi"))
    return [{"role": LoudText("user"), "content": LoudList([part])}]


def _tools() -> Any:
    parameters = LoudDict(type="object", properties=LoudDict(a=LoudDict(type=LoudText("string"))))
    function = LoudDict(name=LoudText("f"), parameters=parameters)
    return [LoudDict(type="function", function=function)]


def openai(server: ProviderServer) -> list[Callable[[], Any]]:
    client = pytest.importorskip("openai").OpenAI(
        api_key="k", base_url=server.url + "/v1", max_retries=0
    )
    chat, ask = client.chat.completions.create, [{"role": "user", "content": "hi"}]
    return [
        lambda: chat(model="m", messages=_messages()),
        lambda: chat(model="m", messages=_parts(), tools=_tools()),
        lambda: chat(model=LoudText("m"), messages=ask, user=LoudText("u"), seed=LoudNumber(3)),
        lambda: chat(model="m", messages=ask, temperature=LoudFloat(0.5), stop=LoudList(["a"])),
        lambda: chat(model="m", messages=ask, extra_body=LoudDict(more=LoudDict(a=1))),
        lambda: chat(model="m", messages=ask, metadata=LoudDict(k=LoudText("v"))),
        # Refused by the SDK, after we have seen them.
        lambda: chat(model="m", messages=[{"role": "user", "content": Tripwire()}]),
        lambda: chat(model="m", messages=ask, tools=[Mimic()]),
        lambda: chat(model=Mimic(), messages=ask),
        lambda: client.embeddings.create(model="m", input=LoudList([LoudText("a")])),
        lambda: client.responses.create(model="m", input=_messages(), instructions=LoudText("i")),
    ]


def anthropic(server: ProviderServer) -> list[Callable[[], Any]]:
    client = pytest.importorskip("anthropic").Anthropic(
        api_key="k", base_url=server.url, max_retries=0
    )
    create, ask = client.messages.create, [{"role": "user", "content": "hi"}]
    tool = LoudDict(name=LoudText("f"), input_schema=LoudDict(type="object"))
    return [
        lambda: create(model="m", max_tokens=5, messages=_messages()),
        lambda: create(model="m", max_tokens=5, messages=_parts(), tools=[tool]),
        lambda: create(model="m", max_tokens=LoudNumber(5), messages=ask, system=LoudText("s")),
        lambda: create(model="m", max_tokens=5, messages=[{"role": "user", "content": Mimic()}]),
    ]


def bedrock(server: ProviderServer) -> list[Callable[[], Any]]:
    boto3 = pytest.importorskip("boto3")
    client = boto3.client(
        "bedrock-runtime",
        region_name="us-east-1",
        endpoint_url=server.url,
        aws_access_key_id="k",
        aws_secret_access_key="s",
    )
    text = [{"role": "user", "content": [{"text": LoudText("hi")}]}]
    return [
        lambda: client.converse(modelId="m", messages=text),
        *[
            lambda given=given: client.converse(modelId="m", messages=given)
            for given in (Mimic(), [Mimic()], [{"role": "user", "content": [Tripwire()]}],
                          [{"role": Mimic(), "content": [{"text": Mimic()}]}],
                          [{"role": "user", "content": [{"toolUse": Tripwire()}]}])
        ],
        lambda: client.converse(modelId=Mimic(), messages=text, system=[Mimic()]),
        lambda: client.converse(modelId="m", messages=text, toolConfig={"tools": [Tripwire()]}),
        lambda: client.invoke_model(modelId=Mimic(), body=Mimic()),
    ]  # fmt: skip


def ollama(server: ProviderServer) -> list[Callable[[], Any]]:
    client = pytest.importorskip("ollama").Client(host=server.url)
    return [
        lambda: client.chat(model="m", messages=[{"role": "user", "content": LoudText("hi")}]),
        lambda: client.chat(model="m", messages=[{"role": "user", "content": Mimic()}]),
        lambda: client.chat(model="m", messages=[Tripwire()]),
        lambda: client.chat(model=Mimic(), messages=[]),
        lambda: client.generate(model="m", prompt=LoudText("hi"), options=LoudDict(seed=1)),
    ]


def google_genai(server: ProviderServer) -> list[Callable[[], Any]]:
    genai = pytest.importorskip("google.genai")
    client = genai.Client(api_key="k", http_options={"base_url": server.url})
    create = client.models.generate_content
    return [
        lambda: create(model="m", contents=LoudText("hi")),
        lambda: create(model="m", contents=[Mimic()]),
        lambda: create(model="m", contents=[Tripwire()]),
        lambda: create(model="m", contents="hi", config={"tools": [Mimic()]}),
        lambda: create(model="m", contents="hi", config={"temperature": LoudFloat(0.5)}),
        lambda: create(model="m", contents="hi", config=Mimic()),
    ]


def cohere(server: ProviderServer) -> list[Callable[[], Any]]:
    client = pytest.importorskip("cohere").ClientV2(api_key="k", base_url=server.url)
    return [
        lambda: client.chat(model="m", messages=[{"role": "user", "content": LoudText("hi")}]),
        lambda: client.chat(model="m", messages=[{"role": "user", "content": Mimic()}]),
        lambda: client.chat(model="m", messages=[Tripwire()]),
        lambda: client.embed(model="m", texts=[LoudText("a")], input_type="search_query"),
    ]


def mistralai(server: ProviderServer) -> list[Callable[[], Any]]:
    pytest.importorskip("mistralai")
    from mistralai.client import Mistral

    client = Mistral(api_key="k", server_url=server.url)
    return [
        lambda: client.chat.complete(
            model="m", messages=[{"role": "user", "content": LoudText("hi")}]
        ),
        lambda: client.chat.complete(model="m", messages=[{"role": "user", "content": Mimic()}]),
        lambda: client.chat.complete(model="m", messages=[Tripwire()]),
    ]


def seen(call: Callable[[], Any]) -> list[str]:
    touched.clear()
    try:
        call()
    except Exception as error:
        # What the SDK raises is the same, too.
        touched.append(type(error).__name__)
    found = list(touched)
    touched.clear()
    return found


LIBRARIES = [openai, anthropic, bedrock, ollama, google_genai, cohere, mistralai]


@pytest.mark.parametrize("library", LIBRARIES)
def test_requests(
    server: ProviderServer, library: Callable[[ProviderServer], list[Callable[[], Any]]]
) -> None:
    server.route("/chat/completions", lambda _: Json(chat_completion(chat_message())))
    bare = [seen(call) for call in library(server)]
    # Some SDKs remember what they have learned of a type.
    assert [seen(call) for call in library(server)] == bare
    telemetry = Telemetry().start(capture="SPAN_AND_EVENT")
    try:
        assert [seen(call) for call in library(server)] == bare
    finally:
        telemetry.stop()
    assert not guard.failures() and telemetry.spans()
