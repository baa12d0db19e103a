"""What an exception tells a span: its class, HTTP status, the provider's code and ids."""

from __future__ import annotations

from typing import Any

from otelier import guard, identity, semconv, wire
from otelier.semconv import Attributes


def kind(error: BaseException) -> str:
    """Fully qualified class name; built-in exceptions without their module."""
    found = type(error)
    if found.__module__ in ("builtins", None):
        return found.__qualname__
    return f"{found.__module__}.{found.__qualname__}"


def put(error: BaseException | None, attributes: Attributes) -> None:
    """What an SDK's exception tells beside its class: HTTP status, the provider's code, ids."""
    if error is None:
        return
    members = getattr(error, "__dict__", {})
    status, code = members.get("status_code"), members.get("code")
    if type(code) is int:
        # google-genai: HTTP's status, and the provider's code by the name of status.
        status, code = status or code, members.get("status")
    if status is None:
        # aiohttp's own exception; those that hold httpx's or requests' response.
        held = getattr(members.get("response"), "status_code", None)
        status = members.get("status") if held is None else held
    if type(status) is int:
        attributes[semconv.HTTP_STATUS] = status
    code = code or members.get("type") or _code(members.get("body"))
    code = code or _code(_body(members.get("response")))
    if isinstance(code, str) and code:
        attributes[semconv.PROVIDER_ERROR_CODE] = code[:128]
    response = members.get("response")
    headers = getattr(response, "headers", None)
    if headers is not None:
        identity.put_headers(headers, attributes)
    if type(response) is dict:
        _put_answer(response, attributes)
    if callable(getattr(error, "trailing_metadata", None)):
        _put_rpc(error, attributes)


def _put_rpc(error: Any, attributes: Attributes) -> None:
    """A failed call of gRPC's: the name of its status, and ids among its metadata."""
    try:
        # The call is over: nothing of this waits.
        name = getattr(error.code(), "name", None)
        if isinstance(name, str):
            attributes[semconv.PROVIDER_ERROR_CODE] = name[:128]
        for metadata in (error.trailing_metadata(), error.initial_metadata()):
            if metadata:
                identity.put_headers(dict(metadata), attributes)
    except Exception:
        guard.failed("errors.rpc")


def _put_answer(response: Any, attributes: Attributes) -> None:
    """An answer that the SDK (botocore) has parsed: ``Error`` and ``ResponseMetadata``."""
    code = wire.text(wire.fields(response.get("Error")).get("Code"))
    if code:
        attributes[semconv.PROVIDER_ERROR_CODE] = code[:128]
    told = wire.fields(response.get("ResponseMetadata"))
    status = told.get("HTTPStatusCode")
    if type(status) is int:
        attributes[semconv.HTTP_STATUS] = status
    if told.get("HTTPHeaders") is not None:
        identity.put_headers(told["HTTPHeaders"], attributes)


def _body(response: Any) -> Any:
    """The body of an HTTP error that the SDK has read; None where it is none, or large."""
    content = getattr(response, "__dict__", {}).get("_content")
    if type(content) is not bytes or len(content) > 65_536:
        return None
    try:
        return wire.loads(content)
    except ValueError:
        return None


def _code(body: Any) -> Any:
    """The provider's code in an error's body, for SDKs whose exceptions do not have it."""
    inner = body.get("error", body) if type(body) is dict else None
    if type(inner) is dict:
        return inner.get("code") or inner.get("type")
    # text-generation-inference: {"error": "a text", "error_type": "validation"}.
    return body.get("error_type") if type(body) is dict else None
