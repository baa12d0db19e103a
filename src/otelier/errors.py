"""What an exception tells a span: its class, HTTP status, the provider's code and ids."""

from __future__ import annotations

from typing import Any

from otelier import identity, semconv, wire
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
    status = members.get("status_code")
    if type(status) is int:
        attributes[semconv.HTTP_STATUS] = status
    code = members.get("code") or members.get("type") or _code(members.get("body"))
    code = code or _code(_body(members.get("response")))
    if isinstance(code, str) and code:
        attributes[semconv.PROVIDER_ERROR_CODE] = code[:128]
    response = members.get("response")
    headers = getattr(response, "headers", None)
    if headers is not None:
        identity.put_headers(headers, attributes)


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
    return (inner.get("code") or inner.get("type")) if type(inner) is dict else None
