"""Asking for the usage of a stream in the chat completions dialect, and knowing what answers it.

Wire format: OpenAI API reference, "Create chat completion", ``stream_options.include_usage``: one
more chunk before ``[DONE]``, with no choices and with the usage; all other chunks have a ``usage``
of null.
"""

from __future__ import annotations

from typing import Any, Final

from otelier import wire
from otelier.protocols import Route
from otelier.protocols.openai import chat
from otelier.wire import Wire

# They send the usage unasked: OpenRouter's "Usage Accounting" (the option has no effect), Groq in
# ``x_groq``, Mistral in the last chunk; Mistral's API refuses the field.
_UNASKED: Final = frozenset({"groq", "mistral_ai", "openrouter"})
# Azure OpenAI "On Your Data" takes no stream options.
_REFUSING: Final = "data_sources"


def speaks(route: Route, exactly: bool = False) -> bool:
    """Whether an endpoint's answers are chat completions; ``exactly``: OpenAI's own, no dialect."""
    reader = route.reader
    if exactly:
        return reader is chat.Reader
    return isinstance(reader, type) and issubclass(reader, chat.Reader)


def asking(body: Wire, provider: str) -> dict[str, Any] | None:
    """The ``stream_options`` of a request that asks for usage; None where it is not to be asked.

    What the program says of ``include_usage`` itself stands.
    """
    if body.get("stream") is not True or _REFUSING in body or provider in _UNASKED:
        return None
    options = body.get("stream_options")
    if options is None:
        return {"include_usage": True}
    if type(options) is not dict or "include_usage" in options:
        return None
    return {**options, "include_usage": True}


def answers(chunk: Any) -> bool:
    """Whether a chunk, as data or as an SDK's model of it, was sent for the usage alone."""
    found = wire.fields(chunk)
    choices = found.get("choices")
    return type(choices) is list and not choices and found.get("usage") is not None
