"""Full text in a local store, by its indexes (see words.py)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from otelier.store import words
from otelier.store.engine import Parameter
from otelier.store.said import message
from otelier.store.sqlite import SQLite

# Texts whose spans are looked for at a time, the newest first, and lists that have them.
_TEXTS: Final = 2_000
_LISTS: Final = 100_000
_LAST: Final = (1 << 63) - 1
_WHOSE: Final = "time, trace_id, span_id, session, conversation, user, tenant"
_INDEXES: Final = "SELECT name FROM otelier.sqlite_master WHERE name = :name"
# What has the words, the newest first: by an index, or by looking at each text.
_FOUND: Final = (
    f"SELECT words.id FROM {{tables}} WHERE {{conditions}} ORDER BY words.id DESC LIMIT {_TEXTS}"
)
# A list that has a message, and each list that goes on from there; of each trace the first span.
# The joins are in their order: from what was found to the spans, by the indexes of their lists.
_MESSAGES: Final = f"""
WITH RECURSIVE
    found AS MATERIALIZED (SELECT value AS text FROM json_each(:ids)),
    lists (head, text) AS (
        SELECT link.id, found.text
        FROM found CROSS JOIN otelier.history AS link ON link.text = found.text
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
FROM json_each(:ids) AS found CROSS JOIN otelier.span AS span ON span.id = found.value
JOIN otelier.tool_words AS words ON words.id = span.id
WHERE {{where}}
ORDER BY time DESC
"""


def search(
    store: SQLite,
    text: str,
    where: str,
    parameters: Mapping[str, Parameter],
    role: str | None = None,
    most: int = 0,
) -> Iterator[dict[str, Any]] | None:
    """What contains the words, in no order: columns of spans, ``role`` and ``text``.

    ``where``: conditions on spans. ``most``: how many will do, 0 for all. None where the indexes
    cannot be brought up to date: the file, say, may not be written.
    """
    expression, exact = words.expression(text), words.exact(text)
    if not expression and not exact:
        return iter(())
    if expression and not store.catch_up():
        return None
    given = {**parameters, "words": expression}
    given |= {f"term{number}": term for number, term in enumerate(exact)}
    contained = [f"instr(lower(words.body), lower(:term{number}))" for number in range(len(exact))]
    return _found(store, contained, where, given, role, most)


def _found(
    store: SQLite,
    contained: Sequence[str],
    where: str,
    given: Mapping[str, Parameter],
    role: str | None,
    most: int,
) -> Iterator[dict[str, Any]]:
    for index, query in ((words.MESSAGES, _MESSAGES), (words.TOOLS, _TOOLS)):
        tables, conditions = f"otelier.{index.words} AS words", [*contained, "words.id < :below"]
        if given["words"]:
            # Without any text there is no index.
            if not store.ask(_INDEXES, {"name": index.name}).rows:
                continue
            tables = f"otelier.{index.name} CROSS JOIN {tables} ON words.id = {index.name}.rowid"
            conditions = [f"{index.name} MATCH :words", f"{index.name}.rowid < :below", *contained]
        finding = _FOUND.format(tables=tables, conditions=" AND ".join(conditions))
        below, hits = _LAST, 0
        while below and (hits < most or not most):
            ids = [row[0] for row in store.ask(finding, {**given, "below": below}).rows]
            below = ids[-1] if len(ids) == _TEXTS else 0
            told = store.ask(query.format(where=where), {**given, "ids": json.dumps(ids)})
            for row in told.dicts():
                hit = _hit(row)
                if role is None or role == hit["role"]:
                    hits += 1
                    yield hit


def _hit(row: dict[str, Any]) -> dict[str, Any]:
    direction, body = row.pop("direction"), row.pop("body")
    told = {"role": "tool", "text": body}
    if direction != "tool":
        role, said = message(body)
        told = {"role": "system" if direction == "system" else role, "text": said or body}
    return {**row, **told}
