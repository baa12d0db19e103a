"""Full text in a local store, by its indexes (see words.py)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from otelier.store import words
from otelier.store.engine import Parameter
from otelier.store.said import message
from otelier.store.sqlite import SQLite

# Texts that are looked at, the newest first, and lists that have them: a word that is in everything
# is found where it was said last.
_TEXTS: Final = 2_000
_LISTS: Final = 100_000
_WHOSE: Final = "time, trace_id, span_id, session, conversation, user, tenant"
_INDEXES: Final = "SELECT name FROM otelier.sqlite_master WHERE name = :name"
# A list that has a message, and each list that goes on from there; of each trace the first span.
# The joins are in their order: from what was found to the spans, by the indexes of their lists.
_MESSAGES: Final = f"""
WITH RECURSIVE
    found AS MATERIALIZED (
        SELECT rowid AS text FROM otelier.message_search
        WHERE message_search MATCH :words ORDER BY rowid DESC LIMIT {_TEXTS}
    ),
    lists (head, text) AS (
        SELECT link.id, found.text FROM found JOIN otelier.history AS link ON link.text = found.text
        UNION
        SELECT next.id, lists.text
        FROM lists JOIN otelier.history AS next ON next.previous = lists.head
        LIMIT {_LISTS}
    ),
    said AS (
        SELECT span.id AS id, lists.text AS text, 'input' AS direction
        FROM lists CROSS JOIN otelier.span AS span ON span.input = lists.head
        UNION ALL
        SELECT span.id, lists.text, 'output'
        FROM lists CROSS JOIN otelier.span AS span ON span.output = lists.head
        UNION ALL
        SELECT span.id, lists.text, 'system'
        FROM lists CROSS JOIN otelier.span AS span ON span.system = lists.head
    )
SELECT min(time) AS time, trace_id, span_id, session, conversation, user, tenant, direction, body
FROM said CROSS JOIN otelier.span AS span ON span.id = said.id
CROSS JOIN otelier.text AS text ON text.id = said.text
WHERE {{where}}
GROUP BY trace_id, said.text
ORDER BY time DESC
"""
_TOOLS: Final = f"""
SELECT {_WHOSE}, 'tool' AS direction, body
FROM otelier.span AS span JOIN otelier.tool_words AS words ON words.id = span.id
WHERE span.id IN (SELECT rowid FROM otelier.tool_search WHERE tool_search MATCH :words)
    AND {{where}}
ORDER BY time DESC
"""


def search(
    store: SQLite, text: str, where: str, parameters: Mapping[str, Parameter]
) -> Iterator[dict[str, Any]] | None:
    """What contains the words, in no order: columns of spans, ``role`` and ``text``.

    ``where``: conditions on spans. None where the indexes cannot be brought up to date: the file,
    say, may not be written.
    """
    expression = words.expression(text)
    if not expression or not store.catch_up():
        return None
    return _found(store, where, {**parameters, "words": expression})


def _found(store: SQLite, where: str, given: Mapping[str, Parameter]) -> Iterator[dict[str, Any]]:
    for index, query in ((words.MESSAGES, _MESSAGES), (words.TOOLS, _TOOLS)):
        # Without any text there is no index.
        if not store.ask(_INDEXES, {"name": index.name}).rows:
            continue
        for row in store.ask(query.format(where=where), given).dicts():
            direction, body = row.pop("direction"), row.pop("body")
            told = {"role": "tool", "text": body}
            if direction != "tool":
                role, said = message(body)
                told = {"role": "system" if direction == "system" else role, "text": said or body}
            yield {**row, **told}
