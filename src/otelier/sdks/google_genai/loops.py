"""``google.genai``'s automatic function calling: an agent span around the loop of requests.

The loop runs in ``Models.generate_content{,_stream}``, since 3.0 also in ``Chat.send_message``; it
runs where the tools hold functions or MCP sessions, unless the user switched it off.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final
from weakref import WeakSet

from opentelemetry.context import Context
from opentelemetry.trace import get_current_span

from otelier import guard, semconv, statics, wire
from otelier.declared import Step
from otelier.handle import Handle, NoHandle
from otelier.hooks import calling, streams
from otelier.hooks.patching import Patches
from otelier.kinds import AGENT

_METHODS: Final = (
    "generate_content",
    "generate_content_stream",
    "send_message",
    "send_message_stream",
)
_CLASSES: Final = ("Models", "AsyncModels", "Chat", "AsyncChat")
# Loops of chats call the loops of models.
_spans: WeakSet[Any] = WeakSet()


class _Loop(Step):
    """One loop. Its agent has no name: nobody gave it one."""

    __slots__ = ()

    def start(
        self,
        default_name: str | None = None,
        parent: Context | None = None,
        function: Any = None,
        made: type[Handle] = Handle,
    ) -> Handle | NoHandle:
        handle = super().start(parent=parent)
        handle.mirror()
        if isinstance(handle, Handle):
            _spans.add(handle.span)
        return handle


def patch(library: str, module: Any, patches: Patches) -> str:
    """Patch the module of models or of chats; what was patched. Raises LookupError."""
    done = []
    for name in _CLASSES:
        owner = getattr(module, name, None)
        if owner is None or owner.__module__ != module.__name__:
            continue
        for method in _METHODS:
            if method in owner.__dict__:
                patches.wrap(owner, method, _around)
                done.append(f"{name}.{method}")
    if not done:
        raise LookupError(f"{module.__name__}.{{{','.join(_CLASSES)}}}")
    return f"{module.__name__}.{{{','.join(done)}}}"


def _around(wrapped: Callable[..., Any], owner: Any, args: Any, kwargs: Any) -> Any:
    run = wrapped
    try:
        loop = _loop(owner, args, kwargs)
        if loop is not None:
            # Step keeps a function of its kind; here one awaits a stream.
            awaits = wrapped.__name__.endswith("_stream") and inspect.iscoroutinefunction(wrapped)
            run = _streaming(wrapped, loop) if awaits else loop(wrapped)
    except Exception:
        guard.failed("google_genai_loops.around")
    return run(*args, **kwargs)


def _loop(owner: Any, args: Any, kwargs: Any) -> _Loop | None:
    if calling.running("google_genai") is None or get_current_span() in _spans:
        return None
    given = kwargs.get("config")
    if not hasattr(owner, "_api_client"):  # A chat has a model and a configuration.
        given = calling.argument(args, kwargs, 1, "config") or owner._config
    config = wire.fields(given)
    if not any(map(_runs, wire.items(config.get("tools")))):
        return None
    automatic = wire.fields(config.get("automatic_function_calling"))
    most = automatic.get("maximum_remote_calls")
    if automatic.get("disable") is True or (type(most) is int and most <= 0):
        return None
    model = wire.text(kwargs.get("model") or getattr(owner, "_model", None))
    attributes: semconv.Attributes = {} if model is None else {semconv.REQUEST_MODEL: model}
    return _Loop(AGENT, None, attributes, {"capture": False})


def _runs(tool: Any) -> bool:
    """Whether the SDK itself runs this tool: a function, or a session of an MCP server."""
    return callable(tool) or statics.on_class(type(tool), "call_tool") is not None


def _streaming(
    wrapped: Callable[..., Awaitable[Any]], loop: _Loop
) -> Callable[..., Awaitable[Any]]:
    async def run(*args: Any, **kwargs: Any) -> Any:
        inner = await wrapped(*args, **kwargs)

        async def stream() -> AsyncIterator[Any]:
            try:
                async for chunk in inner:
                    yield chunk
            finally:
                await streams.aclosed(inner)

        ours: Any = loop(stream)()
        ours.__name__, ours.__qualname__ = inner.__name__, inner.__qualname__
        return ours

    return run
