"""Everything that carries content is what the conventions' JSON schemas say."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from otelier import semconv
from otelier.semconv import Generation
from otelier.settings import Capture
from tests.schemas.conftest import Left
from tests.schemas.model import needs_model, violations

pytestmark = needs_model

CONTENT = (
    "gen_ai.input.messages",
    "gen_ai.output.messages",
    "gen_ai.system_instructions",
    "gen_ai.tool.definitions",
    "gen_ai.tool.call.arguments",
    "gen_ai.tool.call.result",
    "gen_ai.retrieval.documents",
)
# What the generated calls must have brought along, so that the schemas are really asked.
KINDS = {
    "text",
    "reasoning",
    "redacted_reasoning",
    "refusal",
    "tool_call",
    "tool_call_response",
    "server_tool_call",
    "server_tool_call_response",
    "blob",
    "file",
    "uri",
    "compaction",
    "something_new",
}


@pytest.mark.parametrize("attribute", CONTENT)
def test_content_of_spans(attribute: str, left: Callable[[Generation, Capture], Left]) -> None:
    spans = left(semconv.COMPAT, Capture.SPAN_AND_EVENT).spans
    found = {str((span.attributes or {}).get(attribute)) for span in spans} - {"None"}
    assert found
    wrong = {text: problems for text in found if (problems := violations(attribute, _of(text)))}
    assert not wrong


@pytest.mark.parametrize("attribute", CONTENT[:4])
def test_content_of_events(attribute: str, left: Callable[[Generation, Capture], Left]) -> None:
    logs = left(semconv.COMPAT, Capture.SPAN_AND_EVENT).events
    found = [log.log_record.attributes.get(attribute) for log in logs]
    texts = {json.dumps(_plain(value)) for value in found if value is not None}
    assert texts
    wrong = {text: problems for text in texts if (problems := violations(attribute, _of(text)))}
    assert not wrong


def test_every_kind_of_part_was_there(left: Callable[[Generation, Capture], Left]) -> None:
    kinds = set()
    for span in left(semconv.COMPAT, Capture.SPAN_AND_EVENT).spans:
        for name in CONTENT[:2]:
            for message in _of(str((span.attributes or {}).get(name, "[]"))):
                kinds |= {part["type"] for part in message["parts"]}
    assert kinds >= KINDS


def _of(text: str) -> Any:
    return json.loads(text)


def _plain(value: Any) -> Any:
    """A log's structured value; the SDK keeps lists as tuples."""
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    if hasattr(value, "items"):
        return {key: _plain(member) for key, member in value.items()}
    return value
