"""Other instrumentations of the same SDKs: what they are, and how they are switched on.

Runs in an environment that has one of them; imports none until it is asked for.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import Any, Final

_CONTENT: Final = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"


@dataclass(frozen=True)
class Peer:
    """An instrumentation: what is installed, and its own switches of content."""

    title: str
    packages: tuple[str, ...]
    content: Mapping[str, str] = field(default_factory=dict)
    no_content: Mapping[str, str] = field(default_factory=dict)


PEERS: Final = {
    "official": Peer(
        "official",
        (
            "opentelemetry-instrumentation-genai-openai",
            "opentelemetry-instrumentation-genai-anthropic",
        ),
        {_CONTENT: "SPAN_ONLY"},
        {_CONTENT: "NO_CONTENT"},
    ),
    "openllmetry": Peer(
        "OpenLLMetry",
        ("opentelemetry-instrumentation-openai", "opentelemetry-instrumentation-anthropic"),
        {"TRACELOOP_TRACE_CONTENT": "true"},
        {"TRACELOOP_TRACE_CONTENT": "false"},
    ),
    "openinference": Peer(
        "OpenInference",
        ("openinference-instrumentation-openai", "openinference-instrumentation-anthropic"),
        {},
        {"OPENINFERENCE_HIDE_INPUTS": "true", "OPENINFERENCE_HIDE_OUTPUTS": "true"},
    ),
}


def switch_on(
    name: str, tracer_provider: Any, meter_provider: Any, content: bool
) -> Callable[[], None]:
    """Let a peer instrument both SDKs; gives back what undoes all of it."""
    peer = PEERS[name]
    instrumentors = [
        point.load()()
        for point in entry_points(group="opentelemetry_instrumentor")
        if point.dist is not None and point.dist.name in peer.packages
    ]
    if len(instrumentors) != len(peer.packages):
        raise RuntimeError(f"{name} is not installed")
    wanted = peer.content if content else peer.no_content
    before = {variable: os.environ.get(variable) for variable in wanted}
    os.environ.update(wanted)
    # A span that is full warns of every attribute more: the terminal's work, not theirs.
    logging.getLogger("opentelemetry").setLevel(logging.ERROR)
    plain = _members()
    for each in instrumentors:
        each.instrument(
            tracer_provider=tracer_provider, meter_provider=meter_provider, skip_dep_check=True
        )

    def undo() -> None:
        for each in instrumentors:
            each.uninstrument()
        # Not all of them take off what they put on.
        for (owner, member), value in plain.items():
            if vars(owner)[member] is not value:
                setattr(owner, member, value)
        for variable, value in before.items():
            if value is None:
                os.environ.pop(variable)
            else:
                os.environ[variable] = value

    return undo


def _members() -> dict[tuple[Any, str], Any]:
    """What the SDKs' classes have that a peer may replace."""
    import anthropic
    import openai
    from anthropic.resources import messages
    from openai.resources import responses
    from openai.resources.chat import completions

    classes = (
        *(openai.OpenAI, openai.AsyncOpenAI, anthropic.Anthropic, anthropic.AsyncAnthropic),
        *(completions.Completions, completions.AsyncCompletions),
        *(responses.Responses, responses.AsyncResponses),
        *(messages.Messages, messages.AsyncMessages),
    )
    return {
        (owner, name): value
        for owner in classes
        for name, value in vars(owner).items()
        if callable(value)
    }
