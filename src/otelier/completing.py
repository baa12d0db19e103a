"""What spans of others lack, or say wrongly, and what is known better.

Frameworks with telemetry of their own keep their spans: the tree is the framework's. What the
conventions want and the framework does not write is added, by the model call that goes out beneath
a span (:func:`lacking`) or at the span's end (:func:`complete`), before any exporter sees it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from otelier import identity, semconv, unicode, wire
from otelier.protocols import finish
from otelier.semconv import Attributes

SYSTEM: Final = "gen_ai.system"
# What frameworks write where they mean themselves, and not who answers.
OWN_NAMES: Final = frozenset(
    {
        "agent_framework",
        "autogen",
        "gcp.vertex.agent",
        "microsoft.agent_framework",
        "pydantic-ai",
        "strands-agents",
        "unknown",
    }
)
# How ids of answers begin, where a request names the answer before it (OpenAI): no conversation.
_ANSWERS: Final = "resp_"


def lacking(present: Mapping[str, Any], told: Mapping[str, Any]) -> Attributes:
    """What of ``told``, which a call of ours knows, a span with these attributes has not, or wrong.

    A framework's own name is no provider, and a URL no address.
    """
    return {
        name: value
        for name, value in told.items()
        if name not in present or (name in _MAY_BE_WRONG and _wrong(name, present[name]))
    }


_MAY_BE_WRONG: Final = frozenset({semconv.PROVIDER_NAME, semconv.SERVER_ADDRESS})


def _wrong(name: str, value: Any) -> bool:
    if name == semconv.SERVER_ADDRESS:
        return isinstance(value, str) and "://" in value
    return value in OWN_NAMES


def named(span: Any, attributes: Mapping[str, Any]) -> str | None:
    """The name that ``span`` should have, if it is that of the operation alone."""
    operation, model = (
        attributes.get(semconv.OPERATION_NAME),
        attributes.get(semconv.REQUEST_MODEL),
    )
    bare = operation in semconv.PRICED and getattr(span, "name", None) == operation
    return f"{operation} {model}" if bare and isinstance(model, str) and model else None


def complete(attributes: dict[str, Any]) -> tuple[Attributes, list[str]]:
    """What is to be written on a native span that ends, and which names are to go.

    ``attributes`` is brought up to date.
    """
    found: Attributes = {}
    gone: list[str] = []
    address = attributes.get(semconv.SERVER_ADDRESS)
    if isinstance(address, str) and "://" in address:
        gone += _address(address, attributes, found)
    reasons = attributes.get(semconv.RESPONSE_FINISH_REASONS)
    if isinstance(reasons, str):
        listed = _list(reasons)
        if listed:
            found[semconv.RESPONSE_FINISH_REASONS] = listed
        else:
            gone.append(semconv.RESPONSE_FINISH_REASONS)
    if attributes.get(semconv.REQUEST_CHOICE_COUNT) == 1:
        # The conventions want it only where it is not one.
        gone.append(semconv.REQUEST_CHOICE_COUNT)
    conversation = attributes.get(semconv.CONVERSATION_ID)
    if is_answer(conversation):
        gone.append(semconv.CONVERSATION_ID)
    kind = attributes.get(semconv.TOOL_TYPE)
    if isinstance(kind, str) and kind.endswith("Tool"):
        found[semconv.TOOL_TYPE] = "function"  # The class of the framework's.
    attributes.update(found)
    for name in gone:
        attributes.pop(name, None)
    return found, gone


def is_answer(conversation: Any) -> bool:
    """Whether what is told as a conversation's id is an answer's."""
    return isinstance(conversation, str) and conversation.startswith(_ANSWERS)


def _address(url: str, attributes: Mapping[str, Any], found: Attributes) -> list[str]:
    """The host and the port of what a framework wrote as an address: no path, no password."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
        port = parts.port or identity.PORTS.get(parts.scheme)
    except ValueError:
        host = port = None
    if not host:
        return [semconv.SERVER_ADDRESS]
    found[semconv.SERVER_ADDRESS] = unicode.clean(host)
    if port and semconv.SERVER_PORT not in attributes:
        found[semconv.SERVER_PORT] = port
    return []


def _list(text: str) -> list[str]:
    try:
        told = wire.loads(text)
    except ValueError:
        told = [text] if text.isidentifier() else []
    words = [finish.reason(each) for each in told] if isinstance(told, list) else []
    return [each for each in words if each]
