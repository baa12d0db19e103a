"""A server that streams a model's answer: FastAPI on uvicorn, and a client that leaves."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import openai
import pytest
from opentelemetry.trace import StatusCode

import otelier
from otelier import semconv
from tests.servers import Gate, Hang, ProviderServer, Sse
from tests.servers.openai_wire import chat_chunks, chat_message
from tests.telemetry import Telemetry

fastapi = pytest.importorskip("fastapi")
uvicorn = pytest.importorskip("uvicorn")
responses = pytest.importorskip("starlette.responses")

CHAT: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}


@contextmanager
def served(app: Any) -> Iterator[int]:
    """The app on a free port, in a thread of its own; ends when all requests have."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(10)
        assert not thread.is_alive()


class Watched:
    """An app, and when it has been told that its client left."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.left = threading.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def told() -> Any:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.left.set()
            return message

        await self.app(scope, told, send)


def get(port: int, path: str, leave: bool) -> bytes:
    """Read all of it, or leave with the first piece of the body."""
    with socket.create_connection(("127.0.0.1", port), 10) as client:
        client.sendall(f"GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode())
        got = b""
        while piece := client.recv(65536):
            got += piece
            if leave and b"Hello" in got:
                break
    return got


def api(server: ProviderServer) -> Any:
    app = fastapi.FastAPI()
    client = openai.OpenAI(base_url=server.url + "/v1", api_key="k")

    def ask() -> Iterator[str]:
        for chunk in client.chat.completions.create(stream=True, **CHAT):
            if chunk.choices and chunk.choices[0].delta.content:
                yield chunk.choices[0].delta.content

    async def aask() -> AsyncIterator[str]:
        async with openai.AsyncOpenAI(base_url=server.url + "/v1", api_key="k") as aclient:
            async for chunk in await aclient.chat.completions.create(stream=True, **CHAT):
                if chunk.choices and chunk.choices[0].delta.content:
                    yield chunk.choices[0].delta.content

    declared = otelier.agent("declared")(aask)
    plain = otelier.agent("declared")(ask)

    @otelier.agent("returned")
    def answer() -> Any:
        return aask()

    @otelier.agent("returned")
    def plain_answer() -> Any:
        return ask()

    def endpoint(make: Any) -> Any:
        async def serve() -> Any:
            with otelier.session(session_id="s1"), otelier.workflow("request"):
                return responses.StreamingResponse(make(), media_type="text/plain")

        return serve

    makes = {"declared": declared, "returned": answer}
    makes |= {"plain-declared": plain, "plain-returned": plain_answer}
    for name, make in makes.items():
        app.get("/" + name)(endpoint(make))
    return app


@pytest.mark.parametrize("leave", [False, True], ids=["reads", "leaves"])
@pytest.mark.parametrize("path", ["declared", "returned", "plain-declared", "plain-returned"])
def test_a_streamed_answer(
    telemetry: Telemetry, server: ProviderServer, path: str, leave: bool
) -> None:
    gate = Gate(hold_after=3)
    message = chat_message("Hello there, how are you?")
    server.script(Sse(chat_chunks(message), gate=gate if leave else None))
    app = Watched(api(server))
    with served(app) as port:
        got = get(port, "/" + path, leave)
        assert b"Hello" in got
        if leave and path.startswith("plain"):
            # A thread that reads a model's answer is not cancelled: it sees who left at its next,
            # which must not come before the server has seen it, or all of the answer is read.
            assert app.left.wait(10)
            gate.open()
    gate.open()
    request = telemetry.span("invoke_workflow")
    agent, chat = telemetry.span("invoke_agent"), telemetry.span("chat")
    assert agent.parent is not None and agent.parent.span_id == request.context.span_id
    assert chat.parent is not None and chat.parent.span_id == agent.context.span_id
    for span in (request, agent, chat):
        assert span.status.status_code is StatusCode.UNSET
        assert semconv.ERROR_TYPE not in (span.attributes or {})
        assert (span.attributes or {})["session.id"] == "s1"
    ends = {(span.attributes or {}).get(semconv.STREAM_END) for span in (agent, chat)}
    if not leave:
        assert ends == {None}
    elif not path.startswith("plain"):
        assert ends == {"cancelled"}
    else:
        assert None not in ends
    points = [point for each in telemetry.metrics().values() for point in each]
    assert not any("error.type" in point.attributes for point in points)


def test_a_whole_answer_whose_client_has_left(telemetry: Telemetry, server: ProviderServer) -> None:
    """ASGI leaves it to the application to cancel what nobody waits for."""
    gate = Gate()
    server.script(Hang(gate))

    @otelier.agent("a")
    async def answer() -> Any:
        async with openai.AsyncOpenAI(base_url=server.url + "/v1", api_key="k") as client:
            return await client.chat.completions.create(**CHAT)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        work = asyncio.create_task(answer())
        while (await receive())["type"] != "http.disconnect":
            pass
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work

    with served(app) as port:
        with socket.create_connection(("127.0.0.1", port), 10) as client:
            client.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            assert gate.reached.wait(10)
    gate.open()
    for span in (telemetry.span("chat"), telemetry.span("invoke_agent")):
        assert span.status.status_code is StatusCode.UNSET
        assert (span.attributes or {})[semconv.STREAM_END] == "cancelled"
