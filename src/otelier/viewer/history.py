"""Which messages of a conversation have been shown: a call repeats all that was said before."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any, Final

from otelier import semconv, wire
from otelier.viewer.facts import Attributes, objects, structure, text
from otelier.viewer.messages import Earlier

_CONVERSATIONS: Final = 1_000
_START: Final = 0


class History:
    """Remembers what was shown, by conversation; of the last 1,000 conversations."""

    def __init__(self) -> None:
        self._shown: OrderedDict[str, set[int]] = OrderedDict()

    def earlier(self, trace_id: str, attributes: Attributes) -> Earlier:
        """What of a span's content was shown before; from now on all of it was.

        The last message is never among it: that is what the call answers.
        """
        if attributes.get(semconv.INPUT_MESSAGES) is None:
            return Earlier()
        shown = self._of(text(attributes, semconv.CONVERSATION_ID) or trace_id)
        same = []
        for name in (semconv.SYSTEM_INSTRUCTIONS, semconv.TOOL_DEFINITIONS):
            if (value := attributes.get(name)) is not None:
                digest = hash((name, _key(value)))
                if digest in shown:
                    same.append(name)
                shown.add(digest)
        messages = structure(attributes, semconv.INPUT_MESSAGES)
        if not isinstance(messages, list | tuple):
            return Earlier(0, tuple(same))
        chain, folded, known = _START, 0, True
        for index, message in enumerate(messages):
            for part in identities(message):
                chain = hash((chain, part))
                known = known and chain in shown
                shown.add(chain)
            if known and index < len(messages) - 1:
                folded = index + 1
        for answer in objects(structure(attributes, semconv.OUTPUT_MESSAGES)):
            link = chain
            for part in identities(answer):
                link = hash((link, part))
                shown.add(link)
        return Earlier(folded, tuple(same))

    def _of(self, conversation: str) -> set[int]:
        shown = self._shown.setdefault(conversation, set())
        self._shown.move_to_end(conversation)
        if len(self._shown) > _CONVERSATIONS:
            self._shown.popitem(last=False)
        return shown


def identities(message: Any) -> Iterator[tuple[Any, ...]]:
    """What identifies the parts of a message, whether it was an answer or is sent back.

    Reasoning is left out: programs send it back in another form, or not at all.
    """
    if not isinstance(message, Mapping):
        yield ("", _key(message))
        return
    parts = message.get("parts")
    for part in parts if isinstance(parts, list | tuple) else [parts]:
        if isinstance(part, Mapping) and part.get("type") == "reasoning":
            continue
        if isinstance(part, Mapping) and part.get("type") == "tool_call" and part.get("id"):
            part = {"call": part.get("id"), "name": part.get("name")}
        yield (_key(message.get("role")), _key(part))


def _key(value: Any) -> bytes:
    return value.encode("utf-8", "replace") if isinstance(value, str) else wire.dumps(value)
