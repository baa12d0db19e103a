"""xAI over gRPC: a real server in front of :class:`ProviderServer`, and the messages it sends.

The server hands each call's bytes to a ``ProviderServer``, which notes them and says what to
answer as it does over HTTP: ``Raw`` is a message, ``Chunked`` are the messages of a stream, a
``Json`` with a status of 400 or more is a refusal, ``Drop`` the end of the connection.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import grpc
import pytest

from .http import ProviderServer
from .replies import (
    HOLD_SECONDS,
    Chunked,
    Drop,
    Gate,
    Hang,
    Json,
    Raw,
    Recorded,
    Reply,
    encode_json,
)

_STATUS = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    404: grpc.StatusCode.NOT_FOUND,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    503: grpc.StatusCode.UNAVAILABLE,
}


class XaiServer(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Plays xAI on this machine; ``address`` is what a client takes as ``api_host``."""

    def __init__(self, owner: ProviderServer) -> None:
        self._owner = owner
        self._server = grpc.server(ThreadPoolExecutor(max_workers=8))
        self._server.add_generic_rpc_handlers((self,))
        # What the SDK uses for hosts that begin with "localhost:".
        port = self._server.add_secure_port("localhost:0", grpc.local_server_credentials())
        self.address = f"localhost:{port}"

    def start(self) -> XaiServer:
        """Accept calls."""
        self._server.start()
        return self

    def close(self) -> None:
        """End all calls."""
        self._server.stop(None).wait()

    def service(self, details: Any) -> Any:
        """The handler of a method, which gets and gives bytes."""
        if details.method.endswith("Chunk"):
            return grpc.unary_stream_rpc_method_handler(partial(self._stream, details.method))
        return grpc.unary_unary_rpc_method_handler(partial(self._answer, details.method))

    def _take(self, method: str, request: bytes, context: Any) -> Reply:
        headers = sorted((str(key), str(value)) for key, value in context.invocation_metadata())
        reply = self._owner.take(Recorded("POST", method, headers, request))
        if isinstance(reply, Hang):
            self._hold(reply.gate, context)
            reply = reply.then or Drop()
        if isinstance(reply, Json) and reply.status >= 400:
            context.set_trailing_metadata(
                [(name, value) for name, value in reply.headers.items() if value is not None]
            )
            context.abort(_STATUS[reply.status], reply.body["error"]["message"])
        if isinstance(reply, Drop):
            self._cut(context)
        return reply

    def _answer(self, method: str, request: bytes, context: Any) -> bytes:
        reply = self._take(method, request, context)
        return reply.body if isinstance(reply, Raw) else encode_json(getattr(reply, "body", None))

    def _stream(self, method: str, request: bytes, context: Any) -> Iterator[bytes]:
        reply = self._take(method, request, context)
        if not isinstance(reply, Chunked):
            yield encode_json(getattr(reply, "body", None))
            return
        for number, part in enumerate([*reply.parts, b""]):
            if reply.gate is not None and reply.gate.hold_after == number:
                self._hold(reply.gate, context)
            if reply.drop_after == number:
                self._cut(context)
            if number < len(reply.parts):
                yield part

    def _cut(self, context: Any) -> None:
        context.abort(grpc.StatusCode.UNAVAILABLE, "Socket closed")

    def _hold(self, gate: Gate, context: Any) -> None:
        since = self._owner.now()
        gate.reached.set()
        end = time.monotonic() + HOLD_SECONDS
        while not gate.opened.wait(0.005) and time.monotonic() < end:
            if not context.is_active():
                self._owner.note_abort(since)
                context.abort(grpc.StatusCode.CANCELLED, "gone")


# --- messages ---------------------------------------------------------------------------------

USAGE: dict[str, Any] = {
    "prompt_tokens": 40,
    "prompt_text_tokens": 30,
    "prompt_image_tokens": 10,
    "cached_prompt_text_tokens": 20,
    "completion_tokens": 8,
    "reasoning_tokens": 5,
    "total_tokens": 53,
}


def raw(kind: str, **fields: Any) -> Raw:
    """A message of the chat protocol's, by its name."""
    return Raw(_message(kind, **fields).SerializeToString())


def _message(kind: str, **fields: Any) -> Any:
    from xai_sdk import proto

    for module in (proto.chat_pb2, proto.deferred_pb2, proto.image_pb2):
        found = getattr(module, kind, None)
        if found is not None:
            return found(**fields)
    return pytest.skip(f"this version has no {kind}")


def usage_fields() -> Any:
    """What this version's usage counts."""
    from xai_sdk.proto import usage_pb2

    return usage_pb2.SamplingUsage.DESCRIPTOR.fields_by_name


def _head(usage: dict[str, Any]) -> dict[str, Any]:
    known = usage_fields()
    counted = {**USAGE, "cost_in_usd_ticks": 1_234_000, **usage}
    return {
        "id": "resp_1",
        "model": "grok-4",
        "system_fingerprint": "fp_1",
        "created": {"seconds": 1_795_000_000},
        "usage": {name: value for name, value in counted.items() if name in known},
    }


def _outputs(kind: str, outputs: list[dict[str, Any]]) -> dict[str, Any]:
    # In the first versions an output was called a choice.
    known = _message(kind).DESCRIPTOR.fields_by_name
    return {"outputs" if "outputs" in known else "choices": outputs}


def output(content: str = "", index: int = 0, **more: Any) -> dict[str, Any]:
    """One output of an answer; ``more`` is of its message, but for ``finish_reason``."""
    reason = more.pop("finish_reason", "REASON_STOP")
    message = {"role": "ROLE_ASSISTANT", "content": content, **more}
    return {"index": index, "finish_reason": reason, "message": message}


def completion(*outputs: dict[str, Any], usage: dict[str, Any] | None = None, **more: Any) -> Any:
    """A ``GetChatCompletionResponse``."""
    kind = "GetChatCompletionResponse"
    held = list(outputs) or [output("Hello there")]
    return _message(kind, **_head(usage or {}), **_outputs(kind, held), **more)


def answer(*outputs: dict[str, Any], **more: Any) -> Raw:
    """An answer that is not streamed."""
    return Raw(completion(*outputs, **more).SerializeToString())


def stream(*pieces: dict[str, Any], usage: dict[str, Any] | None = None, **more: Any) -> Chunked:
    """A stream of chunks with one output each, as :func:`output` makes them.

    ``more`` is of the last chunk. Only the last one counts tokens and says why it ends.
    """
    kind = "GetChatCompletionChunk"
    held = list(pieces) or [output("Hello"), output(" there")]
    parts = []
    for number, piece in enumerate(held):
        last = number == len(held) - 1
        head = _head(usage or {})
        if not last:
            del head["usage"]
        delta = {
            "index": piece["index"],
            "delta": piece["message"],
            "finish_reason": piece["finish_reason"] if last else "REASON_INVALID",
        }
        rest = more if last else {}
        parts.append(_message(kind, **head, **_outputs(kind, [delta]), **rest).SerializeToString())
    return Chunked(parts)


def deferred(*waiting: str, **more: Any) -> Callable[[Recorded], Reply]:
    """Answers a deferred completion: first its id, then ``waiting`` statuses, then the answer."""
    statuses = [*waiting, "DONE"]

    def reply(request: Recorded) -> Reply:
        if request.path.endswith("/StartDeferredCompletion"):
            return raw("StartDeferredResponse", request_id="deferred_1")
        status = statuses.pop(0)
        fields = {"response": completion(**more)} if status == "DONE" else {}
        return raw("GetDeferredCompletionResponse", status=status, **fields)

    return reply


def image(**made: Any) -> Raw:
    """The answer of an image's generation."""
    held = made or {"url": "https://imgen.x.ai/1.jpg"}
    return raw("ImageResponse", model="grok-2-image", images=[held])
