"""What nobody should send, in every field that a span has; each text in a trace of its own."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any, Final

from otelier import semconv as s
from otelier.store.spans import (
    StoredEvent,
    StoredLink,
    StoredLog,
    StoredResource,
    StoredScope,
    StoredSpan,
)
from otelier.store.writer import Writer
from tests import hostile
from tests.browser.stores.markup import PIECES
from tests.store.made import SECOND, message, span

# All attributes of which otelier knows.
NAMES: Final = tuple(
    sorted(
        f"{value}x" if value.endswith(".") else value
        for value in vars(s).values()
        if isinstance(value, str) and re.fullmatch(r"[a-z_]+(\.[a-z_0-9]+)+\.?", value)
    )
)
# Characters of the longest name, and of the longest message.
NAME: Final = 100_000
MESSAGE: Final = 10_000_000
# Levels of JSON.
DEEP: Final = 250
# The words at the ends of the longest message.
FIRST, LAST = "thefirstword", "thelastword"
_OPERATIONS: Final = (
    s.INVOKE_WORKFLOW,
    s.INVOKE_AGENT,
    s.CHAT,
    s.TEXT_COMPLETION,
    s.EMBEDDINGS,
    s.RETRIEVAL,
    s.EXECUTE_TOOL,
    s.BATCH_RESULTS,
    "",
)
# What lists and headings are made of.
_LISTED: Final = (
    s.REQUEST_MODEL,
    s.RESPONSE_MODEL,
    s.PROVIDER_NAME,
    s.AGENT_NAME,
    s.TOOL_NAME,
    s.WORKFLOW_NAME,
    s.DATA_SOURCE_ID,
    s.SESSION_ID,
    s.CONVERSATION_ID,
    s.USER_ID,
    s.ERROR_TYPE,
    s.PROMPT_NAME,
)
_CLIENTS: Final = frozenset({s.CHAT, s.TEXT_COMPLETION, s.EMBEDDINGS, s.RETRIEVAL, s.BATCH_RESULTS})


def write(path: Path) -> None:
    """Make the store."""
    writer = Writer(path)
    # Each span takes the next one.
    numbers = count(1)
    for text in PIECES.values():
        spans = list(everywhere(text, numbers))
        writer.write(spans, [_judged(spans[-1], text)])
    for make in (_of_other_types, _no_messages, _huge, _odd_ids, _odd_times):
        writer.write(list(make(numbers)))
    writer.close()


def everywhere(text: str, numbers: Iterator[int]) -> Iterator[StoredSpan]:
    """A trace in which each field is this text, or has it where it has to be more than a text."""
    trace, parent = next(numbers), None
    for operation in _OPERATIONS:
        for told in (dict.fromkeys(NAMES, text), {**dict.fromkeys(NAMES, text), **_parts(text)}):
            made = span(
                next(numbers),
                text,
                trace_id=f"{trace:032x}",
                parent_id=parent,
                kind="CLIENT" if operation in _CLIENTS else "INTERNAL",
                attributes={**told, s.OPERATION_NAME: operation, text: text},
                status="ERROR",
                status_message=text,
                resource=StoredResource({"service.name": text, text: text}, text),
                scope=StoredScope(text, text, {text: text}, 0, text),
                events=(
                    StoredEvent(text, 1, {text: text}),
                    StoredEvent("exception", 2, _exception(text)),
                ),
                links=(StoredLink(f"{trace:032x}", "f" * 16, {text: text}, text),),
                trace_state=text,
            )
            parent = parent or made.span_id
            yield made


def _exception(text: str) -> dict[str, Any]:
    return {f"exception.{name}": text for name in ("type", "message", "stacktrace")}


def _parts(text: str) -> dict[str, Any]:
    """Attributes that have a structure, and the text in all places of it."""
    svg = base64.b64encode(
        f"<svg xmlns='http://www.w3.org/2000/svg'>{text}</svg>".encode("utf-8", "replace")
    )
    blob = {"type": "blob", "modality": "image", "content": svg.decode()}
    nested = {text: [text, {text: text}]}
    parts: list[Any] = [
        {"type": "text", "content": text},
        {"type": "reasoning", "content": text},
        {"type": "tool_call", "name": text, "id": text, "arguments": nested},
        {"type": "tool_call_response", "name": text, "id": text, "response": nested},
        {"type": "server_tool_call", "name": text, "id": text, "server_tool_call": nested},
        {"type": "compaction", "content": text},
        {"type": text, "content": text, text: text},
        {"type": "uri", "modality": "image", "mime_type": text, "uri": text},
        {"type": "file", "modality": text, "mime_type": text, "file_id": text},
        {"type": "blob", "modality": text, "mime_type": text, "content": text, "sha256": text},
        {**blob, "mime_type": "image/svg+xml"},
        {**blob, "mime_type": "text/html"},
        {**blob, "mime_type": "image/png"},
        text,
    ]  # fmt: skip
    definition = {"type": "function", "name": text, "description": text, "parameters": nested}
    document = {"id": text, "score": text, "content": text, "metadata": nested, text: text}
    said = [{"role": text, "parts": parts, "finish_reason": text}]
    known = [{"role": role, "parts": parts} for role in ("system", "user", "assistant", "tool")]
    as_json = {
        s.INPUT_MESSAGES: [*known, *said],
        s.OUTPUT_MESSAGES: said,
        s.SYSTEM_INSTRUCTIONS: parts,
        s.TOOL_DEFINITIONS: [definition, text],
        s.TOOL_CALL_ARGUMENTS: nested,
        s.TOOL_CALL_RESULT: nested,
        s.RETRIEVAL_DOCUMENTS: [document, text],
        s.ARGUMENTS: nested,
        s.RESULT: nested,
    }
    return {
        **{name: json.dumps(value) for name, value in as_json.items()},
        s.TAGS: [text, text],
        s.RESPONSE_FINISH_REASONS: [text],
        s.METADATA + text: text,
        s.PROMPT_VARIABLE + text: text,
        s.PROVIDER_PREFIX + text: text,
        # What is summed up is numbers.
        s.USAGE_INPUT: 10,
        s.USAGE_OUTPUT: 5,
        s.COST: 0.5,
        s.RESPONSE_TIME_TO_FIRST_CHUNK: 0.1,
    }


def _judged(answer: StoredSpan, text: str) -> StoredLog:
    """An evaluation that says this text."""
    names = (s.EVALUATION_NAME, s.EVALUATION_LABEL, s.EVALUATION_EXPLANATION, s.RESPONSE_ID, text)
    return StoredLog(
        time_ns=answer.end_ns,
        name=s.EVENT_EVALUATION,
        body=text,
        severity_text=text,
        trace_id=answer.trace_id,
        span_id=answer.span_id,
        attributes={**dict.fromkeys(names, text), s.EVALUATION_SCORE: 0.5},
        resource=answer.resource,
        scope=answer.scope,
    )


def _of_other_types(numbers: Iterator[int]) -> Iterator[StoredSpan]:
    """Attributes that are of any type; the operation is a chat, or just as odd."""
    for value in (*hostile.ODD_VALUES, *hostile.VALUES.values()):
        odd = dict.fromkeys(NAMES, value)
        yield span(next(numbers), "odd", attributes=odd, kind="CLIENT")
        yield span(
            next(numbers), "chat odd", kind="CLIENT", attributes={**odd, s.OPERATION_NAME: s.CHAT}
        )


def _no_messages(numbers: Iterator[int]) -> Iterator[StoredSpan]:
    """What stands where messages should."""
    for name, text in hostile.MESSAGES.items():
        for attribute in (s.INPUT_MESSAGES, s.OUTPUT_MESSAGES, s.SYSTEM_INSTRUCTIONS):
            told = {s.OPERATION_NAME: s.CHAT, s.REQUEST_MODEL: name, attribute: text}
            yield span(next(numbers), f"chat {name}", attributes=told, kind="CLIENT")


def _huge(numbers: Iterator[int]) -> Iterator[StoredSpan]:
    """A message, names, depths and numbers of things that are larger than anybody needs."""
    long = f"{FIRST} {'lorem ipsum ' * (MESSAGE // 12)} {LAST}"
    for texts in ([long], ["one of very many"] * 20_000):
        said = json.dumps([message("user", text) for text in texts])
        talk = {
            s.OPERATION_NAME: s.CHAT,
            s.REQUEST_MODEL: "huge",
            s.INPUT_MESSAGES: said,
            s.OUTPUT_MESSAGES: json.dumps([message("assistant", texts[0])]),
        }
        yield span(next(numbers), "chat huge", kind="CLIENT", attributes=talk)
    name = "n" * NAME
    for operation in _OPERATIONS:
        told: dict[str, Any] = {
            **dict.fromkeys(_LISTED, name), s.OPERATION_NAME: operation, s.TAGS: [name], name: 1
        }  # fmt: skip
        yield span(
            next(numbers), name, attributes=told, resource=StoredResource({"service.name": name})
        )
    nested: Any = "the innermost"
    for _ in range(DEEP):
        nested = {"a": [nested]}
    deep = {s.OPERATION_NAME: s.EXECUTE_TOOL, s.TOOL_NAME: "deep", "as.value": nested}
    for name in (s.TOOL_CALL_ARGUMENTS, s.TOOL_CALL_RESULT, s.INPUT_MESSAGES, s.ARGUMENTS):
        deep[name] = json.dumps(nested)
    yield span(next(numbers), "execute_tool deep", attributes=deep)
    yield span(
        next(numbers),
        "very many things",
        attributes={f"name.{number}": number for number in range(2000)},
        events=tuple(StoredEvent(f"event {number}", number, {"a": 1}) for number in range(500)),
        links=tuple(StoredLink(f"{number:032x}", f"{number:016x}") for number in range(500)),
        dropped_attributes=2**32 - 1,
        dropped_events=1,
        dropped_links=2,
    )


def _odd_ids(numbers: Iterator[int]) -> Iterator[StoredSpan]:
    """Ids that are none, spans that are above themselves, and two spans with one id."""
    for trace in hostile.IDS:
        for parent in (None, *hostile.IDS):
            identity = f"{next(numbers):016x}" if parent is None else parent
            yield span(0, "odd id", trace_id=trace, span_id=identity, parent_id=parent)
    ring = [f"{next(numbers):016x}" for _ in range(5)]
    for own, parent in zip(ring, [*ring[1:], ring[0]], strict=True):
        yield span(0, "in a ring", trace_id="a" * 32, span_id=own, parent_id=parent)
    twice = span(next(numbers), "both ends")
    yield twice
    yield replace(twice, kind="SERVER", name="both ends, at the other")


def _odd_times(numbers: Iterator[int]) -> Iterator[StoredSpan]:
    """Clocks that jump: traces, and spans of a trace that is right."""
    root = span(next(numbers), "times", attributes={s.OPERATION_NAME: s.INVOKE_AGENT})
    yield root
    for start, end in (*hostile.TIMES, (root.start_ns - SECOND, root.start_ns - 2 * SECOND)):
        alone = span(next(numbers), "jumps", start_ns=start, end_ns=end)
        yield alone
        yield replace(alone, trace_id=root.trace_id, parent_id=root.span_id)
