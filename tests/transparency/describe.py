"""What an application can see of a value, as plain data that two runs can be compared by."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tests.servers import Recorded

_ADDRESS = re.compile(r"\b(?:0x)?(?=[0-9a-f]*[0-9])[0-9a-f]{12,}\b")  # also anyio's, without 0x
_UUID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
_SOCKET = re.compile(r"fd=\d+|\('127\.0\.0\.1', \d+\)")
# Of log lines: the second may be another.
_CLOCK = re.compile(r"\b\d\d:\d\d:\d\d\b")
_BOUNDARY = re.compile(rb"boundary=([^;\s]+)")
# Ours, and what wraps for us: frames of these are the only ones that may be added.
_OURS = ("/otelier/", "/wrapt/")
# gRPC raises where it waits for the end of a call, or where that has come already.
_RACING = ("/grpc/",)
_VARYING = frozenset(
    {"idempotency-key", "amz-sdk-invocation-id", "amz-sdk-request", "x-amzn-trace-id"}
)
# What LiteLLM makes anew for each object.
_LITELLMS = frozenset({"id", "created", "created_at", "_response_ms"})


def plain(text: str) -> str:
    """``text`` without addresses, descriptors, ports, times, and ids made for each request."""
    return _CLOCK.sub("…", _SOCKET.sub("…", _ADDRESS.sub("0x…", _UUID.sub("…", text))))


def describe(value: Any) -> Any:
    """Types (by identity) and values, all the way down; nothing of ``value`` is kept alive."""
    kind = type(value)
    if value is None or kind in (str, int, bool, bytes):
        return kind, value
    if kind is float:
        return kind, repr(value)
    if isinstance(value, BaseException):
        return describe_error(value)
    if kind in (list, tuple):
        return kind, [describe(item) for item in value]
    if isinstance(value, Mapping):
        return kind, [(describe(key), describe(item)) for key, item in value.items()]
    if isinstance(value, set | frozenset):
        return kind, sorted(map(repr, value))
    if hasattr(kind, "model_fields") or hasattr(kind, "__fields__"):
        return kind, _model(value)
    if hasattr(kind, "SerializeToString"):  # protobuf
        return kind, value.SerializeToString(deterministic=True)
    if isinstance(getattr(kind, "proto", None), property):  # xai_sdk's views of it
        return kind, describe(value.proto)
    if hasattr(kind, "iter_bytes") and hasattr(kind, "is_stream_consumed"):
        return kind, _response(value)
    if hasattr(value, "http_response"):
        return kind, _response(value.http_response), getattr(value, "retries_taken", None)
    if hasattr(kind, "__stream__"):
        return kind, sorted(value.__dict__.keys() - {"_iterator"})
    return kind, None


def _model(value: Any) -> Any:
    made_up = _LITELLMS if type(value).__module__.startswith("litellm.") else ()
    members = {
        name: "*" if name in made_up else describe(member)
        for name, member in value.__dict__.items()
    }
    extra = describe(getattr(value, "__pydantic_extra__", None))
    chosen = getattr(value, "__pydantic_fields_set__", None) or getattr(
        value, "__fields_set__", None
    )
    return members, extra, sorted(chosen or ()), getattr(value, "_request_id", None)


def _response(response: Any) -> Any:
    members = response.__dict__
    body = members.get("_content")
    seen = (
        response.status_code,
        list(response.headers.raw),
        response.is_closed,
        response.is_stream_consumed,
        body,
    )
    # What is put on a response while it is open is gone once it is closed.
    return (*seen, sorted(members)) if response.is_closed else seen


def describe_error(error: BaseException | None, depth: int = 0) -> Any:
    """An exception with its members, its causes, and the frames that it passed."""
    if error is None or depth > 5:
        return None
    members = {
        # Some hold their cause as a member, or themselves by it.
        name: describe_error(value, depth + 1)
        if isinstance(value, BaseException)
        else describe(value)
        for name, value in error.__dict__.items()
        if name not in ("request", "_request", "_deadline", "__notes__")
    }
    return (
        _known(type(error)),
        plain(str(error)),
        members,
        getattr(error, "__notes__", None),
        error.__suppress_context__,
        describe_error(error.__cause__, depth + 1),
        describe_error(error.__context__, depth + 1),
        _passed(error),
    )


def _known(kind: type) -> Any:
    """A class; of one that is made anew for each client (botocore's errors) its names."""
    if kind.__module__ == "botocore.errorfactory":
        return [f"{base.__module__}.{base.__qualname__}" for base in kind.__mro__]
    return kind


def _passed(error: BaseException) -> list[str]:
    found = frames(error)
    if type(error).__module__.startswith("aiohttp."):
        # aiohttp raises one and the same object again and again, and its traceback grows.
        error.__traceback__ = None
    return found


def frames(error: BaseException) -> list[str]:
    """The functions in an exception's traceback, but for ours."""
    found = []
    entry = error.__traceback__
    while entry is not None:
        code = entry.tb_frame.f_code
        if not any(part in code.co_filename for part in (*_OURS, *_RACING)):
            found.append(f"{code.co_filename}:{entry.tb_lineno} {code.co_name}")
        entry = entry.tb_next
    return found


def wire(request: Recorded) -> tuple[str, str, list[tuple[str, str]], bytes]:
    """A request as it was on the wire, but for what differs from call to call by itself."""
    headers = [
        (name, "*" if name.lower() in _VARYING else value) for name, value in request.headers
    ]
    body = request.body
    found = _BOUNDARY.search((request.header("content-type") or "").encode())
    if found:
        body = body.replace(found[1], b"*")
        headers = [(name, value.replace(found[1].decode(), "*")) for name, value in headers]
    return request.method, request.path, headers, body
