"""What a client is told whose request was not taken: a status of HTTP and ``google.rpc.Status``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from google.protobuf import json_format  # type: ignore[import-untyped]
from google.protobuf.message import Message  # type: ignore[import-untyped]
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from starlette.responses import Response

PROTOBUF: Final = "application/x-protobuf"
JSON: Final = "application/json"
# A store that cannot be written, or too much at once: seconds until it is worth another attempt.
_LATER: Final = 2

# Numbers of google.rpc.Code.
_CODES: Final = {
    400: 3,  # INVALID_ARGUMENT
    401: 16,  # UNAUTHENTICATED
    403: 7,  # PERMISSION_DENIED
    404: 5,  # NOT_FOUND
    405: 12,  # UNIMPLEMENTED
    408: 4,  # DEADLINE_EXCEEDED
    413: 8,  # RESOURCE_EXHAUSTED
    415: 3,
    500: 13,  # INTERNAL
    503: 14,  # UNAVAILABLE
}


class RefusedError(Exception):
    """A request that is not taken; the message is a line for whoever reads the client's log."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def refusal(refused: RefusedError, kind: str = JSON) -> Response:
    """The answer to it, of the request's content type if that is protobuf, else in JSON."""
    status = Status(code=_CODES.get(refused.status, 2), message=refused.message)
    headers = {}
    if refused.status == 503:
        headers["Retry-After"] = str(_LATER)
    if refused.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return answer(status, kind, refused.status, headers)


def answer(
    message: Message, kind: str, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """A protobuf message as the body of a response, in protobuf or in JSON."""
    if kind == PROTOBUF:
        body = message.SerializeToString()
    else:
        kind = JSON
        body = json_format.MessageToJson(message, indent=None, ensure_ascii=False).encode()
    return Response(body, status, headers, kind)
