"""A WebSocket server that plays OpenAI Realtime and Responses by a script, on a local socket."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

from websockets.sync.server import Server, ServerConnection, serve

Event = dict[str, Any]
# What the server sends, in order, when an event of the client's comes; None closes abruptly.
Answer = Callable[[Event], list[Event | None]]

USAGE = {
    "total_tokens": 450,
    "input_tokens": 300,
    "output_tokens": 150,
    "input_token_details": {
        "text_tokens": 100,
        "audio_tokens": 200,
        "image_tokens": 0,
        "cached_tokens": 150,
        "cached_tokens_details": {"text_tokens": 50, "audio_tokens": 100, "image_tokens": 0},
    },
    "output_token_details": {"text_tokens": 50, "audio_tokens": 100},
}


class RealtimeServer:
    """Answers each event by a script; keeps what it received, as the bytes on the wire."""

    def __init__(self, answer: Answer, hello: list[Event] | None = None) -> None:
        self.answer = answer
        self.hello = hello or []
        self.received: list[str] = []
        self.paths: list[str] = []
        self._server: Server | None = None

    def __enter__(self) -> RealtimeServer:
        self._server = serve(self._serve, "127.0.0.1", 0)
        self.host = f"127.0.0.1:{self._server.socket.getsockname()[1]}"
        self.url = f"ws://{self.host}/v1"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.shutdown()

    def _serve(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        self.paths.append(connection.request.path)
        for event in self.hello:
            connection.send(json.dumps(event))
        for message in connection:
            assert isinstance(message, str)
            self.received.append(message)
            for answer in self.answer(json.loads(message)):
                if answer is None:
                    connection.socket.close()
                    return
                connection.send(json.dumps(answer))


def session(**more: Any) -> Event:
    """The server's first event."""
    inner = {
        "object": "realtime.session",
        "type": "realtime",
        "id": "sess_1",
        "model": "gpt-realtime",
        "instructions": "Be brief.",
        "output_modalities": ["audio"],
        "tools": [{"type": "function", "name": "add", "parameters": {"type": "object"}}],
        **more,
    }
    return {"type": "session.created", "event_id": "e0", "session": inner}


def created(id: str = "resp_1", **more: Any) -> Event:
    """A response has begun."""
    inner = {
        "object": "realtime.response",
        "id": id,
        "status": "in_progress",
        "output": [],
        "conversation_id": "conv_1",
        **more,
    }
    return {"type": "response.created", "event_id": "e1", "response": inner}


def spoken(text: str) -> Event:
    """An item of speech."""
    return {
        "id": "item_a",
        "object": "realtime.item",
        "type": "message",
        "status": "completed",
        "role": "assistant",
        "content": [{"type": "output_audio", "transcript": text}],
    }


def called(name: str, arguments: str) -> Event:
    """An item that calls a function."""
    return {
        "id": "item_f",
        "object": "realtime.item",
        "type": "function_call",
        "status": "completed",
        "name": name,
        "call_id": "call_1",
        "arguments": arguments,
    }


def delta(text: str, id: str = "resp_1") -> Event:
    """A piece of the transcript."""
    return {
        "type": "response.output_audio_transcript.delta",
        "event_id": "e2",
        "response_id": id,
        "item_id": "item_a",
        "output_index": 0,
        "content_index": 0,
        "delta": text,
    }


def audio(id: str = "resp_1") -> Event:
    """A piece of sound."""
    return {**delta("QUJD", id), "type": "response.output_audio.delta"}


def done(*items: Event, id: str = "resp_1", status: str = "completed", **more: Any) -> Event:
    """A response has ended."""
    inner = {
        "object": "realtime.response",
        "id": id,
        "status": status,
        "output": list(items),
        "conversation_id": "conv_1",
        "usage": USAGE,
        **more,
    }
    return {"type": "response.done", "event_id": "e3", "response": inner}


def on(kind: str, *events: Event | None) -> Answer:
    """These events for one kind of the client's."""
    return lambda event: list(events) if event["type"] == kind else []


def until(connection: Any, kind: str) -> Iterator[Any]:
    """The connection's events, up to one of a kind."""
    while True:
        event = connection.recv()
        yield event
        if event.type == kind:
            return
