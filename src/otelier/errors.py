"""What an exception tells a span: its class, HTTP status, the provider's code and ids."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from otelier import guard, identity, semconv, statics, truncation, unicode, values, wire
from otelier.semconv import Attributes
from otelier.value_readers import more

_MAX_CHAIN: Final = 5
_MAX_CODE: Final = 128
_cause: Final = BaseException.__dict__["__cause__"].__get__
_context: Final = BaseException.__dict__["__context__"].__get__
_quiet: Final = BaseException.__dict__["__suppress_context__"].__get__
_traceback: Final = BaseException.__dict__["__traceback__"].__get__
# Who makes the responses that SDKs' exceptions hold.
_CLIENTS: Final = frozenset({"httpx", "httpx2", "requests", "aiohttp", "huggingface_hub"})
_RPC: Final = frozenset({"grpc"})


def kind(error: BaseException) -> str:
    """Fully qualified class name; built-in exceptions without their module."""
    module, name = statics.identity(type(error))
    return unicode.clean(name if module in ("builtins", "") else f"{module}.{name}")


def message(error: BaseException | str) -> str:
    """What an exception that was raised says: as Python itself tells it in a traceback.

    Its own ``__str__`` is asked, for that is what its author made for it; objects that were passed
    to an exception without one are not. A text is told as it is.
    """
    raised: Any = error
    if not issubclass(type(error), BaseException):
        return values.words(error)
    if statics.builtin(type(error), "__str__") is None:
        try:
            return str(error)
        except Exception:  # A user's exception may fail to print.
            pass
    return values.message(raised)


def trace(
    error: BaseException, frames: int, size: int, say: Callable[[BaseException], str] = message
) -> str:
    """The traceback as Python prints it, with what led to it; the last ``size`` characters.

    Not by ``traceback.format_exception``: in search of suggestions that asks objects for ``dir``.
    ``say`` makes the messages, which are of any length and content.
    """
    from traceback import format_tb

    parts: list[str] = []
    seen: set[int] = set()
    found: BaseException | None = error
    link = ""
    while found is not None and id(found) not in seen and len(seen) < _MAX_CHAIN:
        seen.add(id(found))
        said = say(found)
        lines = "".join(format_tb(_traceback(found), limit=-frames))
        told = f"{kind(found)}{': ' if said else ''}{said}\n{link}"
        parts.append("Traceback (most recent call last):\n" + lines + told)
        link = "\nThe above exception was the direct cause of the following exception:\n\n"
        led = _cause(found)
        if led is None and not _quiet(found):
            link = "\nDuring handling of the above exception, another exception occurred:\n\n"
            led = _context(found)
        found = led
    whole = "".join(reversed(parts))
    if len(whole) <= size:
        return whole
    start = whole.find("\n", len(whole) - size) + 1
    return f"{more(start, 'characters before')}\n{whole[start:]}"


def put(error: BaseException | None, attributes: Attributes) -> None:
    """What an SDK's exception tells beside its class: HTTP status, the provider's code, ids."""
    if error is None:
        return
    members = statics.storage(error)
    status, code = members.get("status_code"), members.get("code")
    if type(code) is int:
        # google-genai: HTTP's status, and the provider's code by the name of status.
        status, code = status or code, members.get("status")
    response = _response(members.get("response"))
    if status is None:
        # aiohttp's own exception; those that hold httpx's or requests' response.
        held = getattr(response, "status_code", None)
        status = members.get("status") if held is None else held
    if type(status) is int:
        attributes[semconv.HTTP_STATUS] = status
    code = wire.text(code) or wire.text(members.get("type")) or _code(members.get("body"))
    code = wire.text(code) or _code(_body(response))
    if wire.text(code):
        attributes[semconv.PROVIDER_ERROR_CODE] = truncation.shortened(code, _MAX_CODE)
    headers = getattr(response, "headers", None)
    if headers is not None:
        identity.put_headers(headers, attributes)
    if type(members.get("response")) is dict:
        _put_answer(members["response"], attributes)
    if statics.made_by(type(error), _RPC) and hasattr(error, "trailing_metadata"):
        _put_rpc(error, attributes)


def _response(value: Any) -> Any:
    """A response that an HTTP client made; None for what a program put in its place."""
    return value if statics.made_by(type(value), _CLIENTS) else None


def _put_rpc(error: Any, attributes: Attributes) -> None:
    """A failed call of gRPC's: the name of its status, and ids among its metadata."""
    try:
        # The call is over: nothing of this waits.
        name = getattr(error.code(), "name", None)
        if isinstance(name, str):
            attributes[semconv.PROVIDER_ERROR_CODE] = truncation.shortened(name, _MAX_CODE)
        for metadata in (error.trailing_metadata(), error.initial_metadata()):
            if metadata:
                identity.put_headers(dict(metadata), attributes)
    except Exception:
        guard.failed("errors.rpc")


def _put_answer(response: Any, attributes: Attributes) -> None:
    """An answer that the SDK (botocore) has parsed: ``Error`` and ``ResponseMetadata``."""
    code = wire.text(wire.fields(response.get("Error")).get("Code"))
    if code:
        attributes[semconv.PROVIDER_ERROR_CODE] = truncation.shortened(code, _MAX_CODE)
    told = wire.fields(response.get("ResponseMetadata"))
    status = told.get("HTTPStatusCode")
    if type(status) is int:
        attributes[semconv.HTTP_STATUS] = status
    if told.get("HTTPHeaders") is not None:
        identity.put_headers(told["HTTPHeaders"], attributes)


def _body(response: Any) -> Any:
    """The body of an HTTP error that the SDK has read; None where it is none, or large."""
    content = statics.storage(response).get("_content")
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
