"""Models that no SDK's hook sees: a local one, or one of the program's own."""

from __future__ import annotations

import inspect
from typing import Any, Final

from otelier import statics, wire
from otelier.frameworks import models
from otelier.frameworks.agno import reading
from otelier.frameworks.models import Asking, Told
from otelier.hooks.calling import argument
from otelier.hooks.patching import Patches
from otelier.usage import Usage

_METHODS: Final = (
    "_process_model_response",
    "_aprocess_model_response",
    "process_response_stream",
    "aprocess_response_stream",
)
_PARAMETERS: Final = (
    ("temperature", "gen_ai.request.temperature"),
    ("top_p", "gen_ai.request.top_p"),
    ("max_tokens", "gen_ai.request.max_tokens"),
)
_ROLE_AND_TEXT: Final = ("role", "content", "tool_calls", "tool_call_id")


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap what asks a model once: whole, and as a stream."""
    owner = module.__dict__.get("Model")
    found = [name for name in _METHODS if owner is not None and name in owner.__dict__]
    if not found:
        raise LookupError("agno.models.base.Model._process_model_response")
    run, arun = models.around(_told)
    for name in found:
        asynchronous = inspect.iscoroutinefunction(owner.__dict__[name])
        patches.wrap(owner, name, arun if asynchronous else run)
    return f"Model.{found[0]}"


def _told(model: Any, args: Any, kwargs: Any, asking: Asking) -> Told:
    # Agno writes the answer into the message that it has made for it.
    answer = argument(args, kwargs, 1, "assistant_message")
    provider = reading.text(model, "provider")
    said = _message(answer)
    # Of a stream, earlier versions do so later.
    streamed = statics.member(argument(args, kwargs, 2, "stream_data"), "response_content")
    if type(streamed) is str and streamed:
        said["content"] = streamed
    return Told(
        provider=provider.lower() if provider is not None else None,
        model=reading.text(model, "id"),
        asked=[_message(each) for each in wire.items(argument(args, kwargs, 0, "messages"))],
        tools=argument(args, kwargs, 4, "tools"),
        parameters=models.parameters(model, _PARAMETERS),
        answer=said if len(said) > 1 else None,
        usage=_usage(statics.member(answer, "metrics")),
    )


def _message(message: Any) -> dict[str, Any]:
    held = {name: statics.member(message, name) for name in _ROLE_AND_TEXT}
    return {name: value for name, value in held.items() if value is not None}


def _usage(metrics: Any) -> Usage | None:
    """What the model has told. Agno counts from zero, which is what it says of an unknown, too."""
    count = {
        ours: statics.member(metrics, theirs) or None
        for ours, theirs in (
            ("input", "input_tokens"),
            ("output", "output_tokens"),
            ("cache_read", "cache_read_tokens"),
            ("cache_write", "cache_write_tokens"),
            ("reasoning", "reasoning_tokens"),
        )
    }
    return Usage(**count) if any(count.values()) else None
