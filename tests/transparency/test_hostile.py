"""All that providers and proxies send and should not: the SDK's own answer, and one span each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.servers import (
    HOSTILE_BODIES,
    HOSTILE_CHAT,
    HOSTILE_EMBEDDINGS_BODIES,
    HOSTILE_MESSAGES,
    HOSTILE_MESSAGES_BODIES,
    HOSTILE_RAW_LINES,
    HOSTILE_RESPONSES,
    HOSTILE_RESPONSES_BODIES,
    Json,
    Reply,
    Sse,
)
from tests.transparency.app import App
from tests.transparency.calls import CHAT, CLAUDE, RESPONSE, STREAM, Call
from tests.transparency.runner import World

CHAT_CALL = Call("chat", "openai", "chat.completions.create", CHAT)
RESPONSE_CALL = Call("responses", "openai", "responses.create", RESPONSE)
MESSAGE_CALL = Call("messages", "anthropic", "messages.create", CLAUDE)
EMBEDDING_CALL = Call("embeddings", "openai", "embeddings.create", {"model": "m", "input": "a"})


@dataclass(frozen=True)
class Case:
    """One hostile answer to a call; ``helper`` is the SDK's own reader of such streams."""

    name: str
    call: Call
    reply: Callable[[], Reply]
    stream: bool = True
    helper: Call | None = None

    def __str__(self) -> str:
        return f"{self.call}-{self.name}".replace(" ", "-")


def _streams() -> Iterator[Case]:
    helper = Call("chat", "openai", "chat.completions.stream", CHAT)
    for name, events in HOSTILE_CHAT.items():
        yield Case(name, CHAT_CALL, lambda events=events: Sse(events), helper=helper)
    for name, lines in HOSTILE_RAW_LINES.items():
        yield Case(f"lines {name}", CHAT_CALL, lambda lines=lines: Sse(raw_lines=lines))
    for call, path, table in (
        (RESPONSE_CALL, "responses.stream", HOSTILE_RESPONSES),
        (MESSAGE_CALL, "messages.stream", HOSTILE_MESSAGES),
    ):
        helper = Call(call.name, call.client, path, call.arguments)
        for name, events in table.items():
            yield Case(
                name,
                call,
                lambda events=events: Sse(events, done=None, named=True),
                helper=helper,
            )


def _bodies() -> Iterator[Case]:
    for call, table in (
        (CHAT_CALL, HOSTILE_BODIES),
        (RESPONSE_CALL, HOSTILE_RESPONSES_BODIES),
        (MESSAGE_CALL, HOSTILE_MESSAGES_BODIES),
        (EMBEDDING_CALL, HOSTILE_EMBEDDINGS_BODIES),
    ):
        for name, body in table.items():
            yield Case(name, call, lambda body=body: Json(body), stream=False)


async def created(app: App, client: Any, case: Case) -> None:
    if not case.stream:
        app.note(await app.got(case.call.start(app, client)))
    else:
        stream = app.track(await app.got(case.call.start(app, client, **STREAM)))
        await app.attempt(app.drain(stream))
        app.note(stream.response)


async def raw(app: App, client: Any, case: Case) -> None:
    more = STREAM if case.stream else {}
    response = app.track(await app.got(case.call.start(app, client, "with_raw_response", **more)))
    result = await app.got(response.parse())
    if case.stream:
        await app.attempt(app.drain(result))
    else:
        app.note(result)
    app.note(response)


async def streaming(app: App, client: Any, case: Case) -> None:
    more = STREAM if case.stream else {}
    manager = case.call.start(app, client, "with_streaming_response", **more)
    response = app.track(await app.enter(manager))
    await app.attempt(app.drain(response.iter_lines()))
    await app.leave(manager)
    app.note(response)


async def helped(app: App, client: Any, case: Case) -> None:
    assert case.helper is not None
    manager = case.helper.start(app, client)
    stream = app.track(await app.enter(manager))
    await app.attempt(app.drain(stream))
    await app.leave(manager)


CASES = [*_streams(), *_bodies()]
VIEWS = {created: "", raw: "with_raw_response", streaming: "with_streaming_response", helped: ""}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_hostile(world: World, case: Case, asynchronous: bool) -> None:
    paths = [created, raw]
    if not asynchronous:
        paths += [streaming] if case.helper is None else [streaming, helped]
    if "10,000" in case.name:
        paths = [created]
    played = []

    async def scenario(app: App) -> None:
        client = app.client(case.call.client)
        for path in paths:
            call = case.helper if path is helped and case.helper else case.call
            if call.has(client, VIEWS[path]):
                app.script(case.reply())
                await app.attempt(path(app, client, case))
                played.append(path)
        app.note_connections()

    found = world.compare(scenario, asynchronous=asynchronous, spans=None)
    assert len(found) == len(played) / 2
