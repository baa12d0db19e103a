"""``cohere``: all calls pass ``HttpClient.request`` and ``HttpClient.stream``, of all clients.

Whole answers are read from the response of ``request``, which calls itself for its retries. Streams
are read by the SDK from the response that ``stream`` gives, within a ``with``: its bytes are looked
at on their way, and the objects that users get are the SDK's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from opentelemetry.context import create_key

from otelier import context as ctx
from otelier import guard, runtime
from otelier.call import Call, begin
from otelier.hooks import calling, raw
from otelier.hooks.patching import Patches
from otelier.identity import Identity
from otelier.protocols import Route
from otelier.protocols.cohere import chat as cohere
from otelier.protocols.cohere.v1 import ROUTES
from otelier.wire import Wire

# Set where a request is a part of a call that is seen as one.
PART: Final = create_key("otelier-cohere-part")
# What AWS is asked for: bedrock or sagemaker.
_AWS: Final[Mapping[Any, str]] = {"bedrock": "aws.bedrock", "sagemaker": "aws.sagemaker"}
_LINES: Final = "application/x-ndjson"
_EVENTS: Final = "text/event-stream"


def patch(library: str, module: Any, patches: Patches) -> str:
    """Patch the module of the HTTP clients; what was patched. Raises LookupError."""
    wrappers = {"request": calling.around(_open, _received), "stream": (_stream, _stream)}
    return wrap(module, ("HttpClient", "AsyncHttpClient"), wrappers, patches)


def wrap(
    module: Any,
    names: tuple[str, str],
    wrappers: Mapping[str, tuple[calling.Wrapper, calling.Wrapper]],
    patches: Patches,
) -> str:
    """Wrap methods of a class and of its asynchronous twin; what. Raises LookupError."""
    for method, both in wrappers.items():
        for name, wrapper in zip(names, both, strict=True):
            owner = getattr(module, name, None)
            if owner is None or method not in owner.__dict__:
                raise LookupError(f"{module.__name__}.{name}.{method}")
            patches.wrap(owner, method, wrapper)
    return f"{module.__name__}.{{,Async}}{names[0]}.{{{','.join(wrappers)}}}"


def _open(http: Any, args: Any, kwargs: Any) -> tuple[Call, Route] | None:
    run = calling.running("cohere")
    if run is None or kwargs.get("retries") or ctx.current().get(PART):
        return None
    path = str(calling.argument(args, kwargs, 0, "path"))
    found = ROUTES.find(str(kwargs.get("method")).lower(), path)
    if found is None:
        return None
    identity = identify(run, http, kwargs.get("base_url"))
    call = begin(found[0], body_of(kwargs.get("json"), kwargs.get("request_options")), identity)
    return None if call is None else (call, found[0])


def body_of(json: Any, options: Any = None) -> Wire:
    """The body without what was left out, for which the SDK has an ellipsis."""
    given = json if type(json) is dict else {}
    body = {name: value for name, value in given.items() if value is not ...}
    more = options.get("additional_body_parameters") if type(options) is dict else None
    return {**body, **more} if type(more) is dict else body


# --- who answers ------------------------------------------------------------------------------


def identify(run: runtime.Runtime, http: Any, base_url: Any) -> Identity:
    """Who answers an HTTP client of the SDK's."""
    cloud = _cloud(http.httpx_client)
    if cloud is not None:
        # The base URL is one that is never asked.
        return Identity(cloud, None, None, "")
    return calling.identify(run, http.get_base_url(base_url), fallback="cohere")


def _cloud(client: Any) -> str | None:
    """The cloud that a client's requests are rewritten for, by hooks in its HTTP client."""
    hooks = getattr(client, "event_hooks", None)
    for hook in hooks.get("request", ()) if type(hooks) is dict else ():
        module = getattr(hook, "__module__", None)
        if module == "cohere.oci_client":
            return "oci"
        if module == "cohere.aws_client":
            held = dict(zip(hook.__code__.co_freevars, hook.__closure__ or (), strict=False))
            return _AWS.get(held["service"].cell_contents) if "service" in held else None
    return None


def _answered(call: Call, response: Any) -> None:
    """Where a cloud's server is shows in what was sent."""
    run = runtime.current()
    cloud = call.identity.provider
    if run is not None and call.identity.address is None:
        call.answered_by(calling.identify(run, response.request.url, cloud))


# --- whole answers ----------------------------------------------------------------------------


def _received(call: Call, route: Route, response: Any) -> Any:
    _answered(call, response)
    call.status = response.status_code
    raw.received(response, call, route.large_body)
    return response


# --- streams ----------------------------------------------------------------------------------


def _stream(wrapped: Callable[..., Any], http: Any, args: Any, kwargs: Any) -> Any:
    inner = wrapped(*args, **kwargs)
    return inner if runtime.current() is None else _Stream(inner, http, args, kwargs)


class _Stream:
    """The context manager of a streamed response, which only the SDK sees."""

    __slots__ = ("_args", "_call", "_http", "_inner", "_kwargs", "_response")

    def __init__(self, inner: Any, http: Any, args: Any, kwargs: Any) -> None:
        self._inner = inner
        self._http = http
        self._args = args
        self._kwargs = kwargs
        self._call: Call | None = None
        self._response: Any = None

    def __enter__(self) -> Any:
        enter, _ = calling.around(self._opened, self._entered)
        return enter(lambda *_, **__: self._inner.__enter__(), self._http, self._args, self._kwargs)

    async def __aenter__(self) -> Any:
        _, enter = calling.around(self._opened, self._entered)
        return await enter(
            lambda *_, **__: self._inner.__aenter__(), self._http, self._args, self._kwargs
        )

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> Any:
        self._left(error)
        return self._inner.__exit__(kind, error, traceback)

    async def __aexit__(self, kind: Any, error: Any, traceback: Any) -> Any:
        self._left(error)
        return await self._inner.__aexit__(kind, error, traceback)

    def __del__(self) -> None:
        # A response that is read has its own watch.
        if self._call is not None and self._response is not None:
            self._call.abandoned()

    def _opened(self, http: Any, args: Any, kwargs: Any) -> tuple[Call, Route] | None:
        found = _open(http, args, kwargs)
        if found is not None:
            self._call = found[0]
        return found

    def _entered(self, call: Call, route: Route, response: Any) -> Any:
        _answered(call, response)
        if 200 <= response.status_code < 300:
            # The header tells how a cloud sent it, not what the SDK has made of it.
            events = route.reader is cohere.Reader
            raw.received(response, call, False, _EVENTS if events else _LINES)
        else:
            # The SDK reads it, and makes an exception of it.
            self._response = response
        return response

    def _left(self, error: BaseException | None) -> None:
        try:
            call, response = self._call, self._response
            if call is None or call.ended:
                return
            if response is not None:
                _refused(call, response, error)
            elif error is not None and type(error).__name__ == "SSEError":
                # The only exception that is neither the connection's nor the user's.
                call.fail(error)
        except Exception:
            guard.failed("cohere.left")


def _refused(call: Call, response: Any, error: BaseException | None) -> None:
    if response.status_code >= 400 and response.__dict__.get("_content") is not None:
        call.status = response.status_code
        raw.received(response, call, False)
    elif error is not None:
        call.fail(error)
    else:
        call.end("closed")
