"""The stores have what the pages are looked at for."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from otelier import semconv as s
from otelier.store.reading import Reader
from otelier.store.spans import StoredSpan
from otelier.viewer.facts import structure
from tests.browser.stores import STORES, conversation, hostile, large, made_in, many
from tests.browser.stores.markup import PIECES

Store = Callable[[str], Path]


def spans(path: Path) -> list[StoredSpan]:
    with closing(sqlite3.connect(path)) as connection:
        return [span for _, span in Reader(connection).after(0, 100_000)]


def values(found: list[StoredSpan], name: str) -> Counter[object]:
    """How often an attribute has which value."""
    return Counter(str(each.attributes[name]) for each in found if name in each.attributes)


def test_the_pipeline_is_what_the_example_does(store: Store) -> None:
    found = spans(store("pipeline"))
    operations = values(found, s.OPERATION_NAME)
    assert operations == {
        "chat": 5, "embeddings": 1, "retrieval": 1, "execute_tool": 2, "invoke_agent": 1,
        "invoke_workflow": 1,
    }  # fmt: skip
    (documents,) = (
        structure(each.attributes, s.RETRIEVAL_DOCUMENTS)
        for each in found
        if s.RETRIEVAL_DOCUMENTS in each.attributes
    )
    assert all(document["score"] > 0 for document in documents)
    assert values(found, s.ERROR_TYPE) == {"anthropic.NotFoundError": 1}
    for name in (s.RESPONSE_TIME_TO_FIRST_CHUNK, s.COST, s.USAGE_CACHE_READ):
        assert values(found, name), name


def test_each_call_of_the_conversation_is_sent_all_that_was_said(store: Store) -> None:
    found = spans(store("conversation_of_200_turns"))
    assert len({each.trace_id for each in found}) == 20
    assert values(found, s.SESSION_ID) == {"session-bicycle": len(found)}
    assert values(found, s.AGENT_NAME) == {"mechanic": conversation.TURNS}
    before: list[dict[str, Any]] = []
    kinds: Counter[str] = Counter()
    for call in found:
        if call.attributes.get(s.OPERATION_NAME) != s.CHAT:
            continue
        sent = structure(call.attributes, s.INPUT_MESSAGES)
        assert sent[: len(before)] == before
        before = [*sent, *(structure(call.attributes, s.OUTPUT_MESSAGES) or [])]
    for message in before:
        kinds.update(part["type"] for part in message["parts"])
    assert kinds == {
        "text": 420, "tool_call": 60, "tool_call_response": 60, "reasoning": 40, "blob": 40,
    }  # fmt: skip
    pictures = [part for each in before for part in each["parts"] if part["type"] == "blob"]
    assert [bool(each["content"]) for each in pictures] == [True, False] * 20
    said = json.dumps(before)
    for text in ("|---|", "```python", "](https://", "<https://", '{\\"turn\\":'):
        assert text in said or text.replace(":", ": ") in said, text


def test_the_large_trace_is_deep_and_wide(store: Store) -> None:
    found = spans(store("large_trace"))
    assert len(found) == large.SPANS
    assert len({each.trace_id for each in found}) == 1
    parents = {each.span_id: each.parent_id for each in found}
    assert len(parents) == large.SPANS

    def depth(span_id: str) -> int:
        levels = 0
        while (above := parents[span_id]) is not None:
            span_id, levels = above, levels + 1
        return levels

    # The workflow, the agents, the last one's call, its request.
    assert max(map(depth, parents)) == large.DEEP + 2
    children = Counter(each.parent_id for each in found)
    assert large.WIDE in children.values()
    assert len({each.scope.name for each in found}) == 3
    assert 50 < sum(each.status == "ERROR" for each in found) < 200


def test_many_sessions_differ_in_all_that_lists_are_made_of(store: Store) -> None:
    path = store("many")
    found = spans(path)
    assert len(values(found, s.SESSION_ID)) == many.SESSIONS
    for name, least in (
        (s.USER_ID, 5),
        (s.TAGS, 4),
        (s.REQUEST_MODEL, 6),
        (s.PROMPT_VERSION, 2),
        (s.ERROR_TYPE, 5),
        (s.PROVIDER_ERROR_CODE, 3),
        (s.METADATA + "tenant", 5),
    ):
        assert len(values(found, name)) >= least, name
    days = {each.start_ns // (86_400 * 10**9) for each in found}
    assert len(days) == 14
    failed = [each.attributes for each in found if each.status == "ERROR"]
    assert any(each.get(s.OPERATION_NAME) == s.EXECUTE_TOOL for each in failed)
    assert all(s.PROVIDER_REQUEST_ID in each for each in failed if s.PROVIDER_ERROR_CODE in each)
    with closing(sqlite3.connect(path)) as connection:
        (unpriced,) = connection.execute(
            "SELECT DISTINCT model FROM span WHERE unpriced"
        ).fetchall()
        judged = dict(connection.execute("SELECT evaluation, count(*) FROM event GROUP BY 1"))
    assert unpriced == ("llama3.2",)
    assert len(judged) == 3 and min(judged.values()) >= many.SESSIONS


def test_hostile_texts_are_in_every_field(store: Store) -> None:
    found = spans(store("hostile"))
    script = PIECES["mark000"]
    assert script.startswith("<script>window.__hit='mark000'")
    (first, *others) = (each for each in found if each.name == script)
    assert len(others) > 10
    for said in (
        first.status_message,
        first.trace_state,
        first.scope.name,
        first.scope.attributes[script],
        first.resource.attributes["service.name"],
        first.events[0].name,
        first.events[1].attributes["exception.stacktrace"],
        first.links[0].attributes[script],
        *(first.attributes[name] for name in hostile.NAMES if name != s.OPERATION_NAME),
    ):
        assert said == script
    assert {"gen_ai.input.messages", "session.id", "otelier.metadata.x"} <= set(hostile.NAMES)
    # Each text is found by a word of its own.
    assert all(text.count(word) for word, text in PIECES.items())
    assert len({each.trace_id for each in found}) > len(PIECES) + 100
    assert max(len(each.name) for each in found) == hostile.NAME
    longest = max(len(str(each.attributes.get(s.INPUT_MESSAGES))) for each in found)
    assert longest > hostile.MESSAGE


@pytest.mark.parametrize("name", [name for name in STORES if name != "pipeline"])
def test_a_store_is_the_same_each_time(store: Store, tmp_path: Path, name: str) -> None:
    assert rows(made_in(tmp_path, name)) == rows(store(name))


def rows(path: Path) -> list[object]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT * FROM span ORDER BY id").fetchall()
