"""Full text in a local store: messages and tools with words in them, and where they were said."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from otelier.store import rows, words
from otelier.store.engine import Parameter
from otelier.store.looking import LAST, Effort, Indexed, Looking, Newest
from otelier.store.prune import stretch
from otelier.store.said import message
from otelier.store.sqlite import SQLite

# Spans that said one text, if only the newest are wanted.
NEWEST: Final = 100
# Spans of a session, say, whose texts are looked at one by one.
_FEW: Final = 5_000
# What it takes to find out where a text was said, and where it was carried to, in texts that are
# looked at.
_PLACE: Final = 8
_WAY: Final = 40
# Lists that go on from a text, if only the newest are wanted.
_LISTS: Final = 1_000
_EVERYTHING: Final = {"spans": 1 << 62, "lists": 1 << 62}
_ANY: Final = "1 = 1"
_WHOSE: Final = "session, conversation, user, tenant"
_LISTED: Final = ("input", "output", "system")


@dataclass(frozen=True, slots=True)
class Asked:
    """What is searched for."""

    text: str
    # Conditions on spans, and those of them that few spans may fulfil, by an index; SQL.
    where: str = _ANY
    few: str = ""
    given: Mapping[str, Parameter] = field(default_factory=dict)
    # Said by this role; None for anybody.
    role: str | None = None
    since: datetime | None = None
    # Each text once, where it was said last; else once in each trace that said it.
    once: bool = False


@dataclass(slots=True)
class Search:
    """Searches an open store. What it gives are columns of spans, with ``role`` and ``text``.

    And ``traces``: in how many traces it was said; of more than ``NEWEST`` spans the least. ``id``
    is that of the text, or of the tool's span.
    """

    store: SQLite
    asked: Asked
    effort: Effort = field(default_factory=Effort)
    # Brings the indexes up to date; False where they cannot be asked.
    ready: Callable[[], bool] | None = None
    # What is below these ids is still to come; 0 for nothing.
    messages: int = LAST
    tools: int = LAST

    def said(self) -> Iterator[dict[str, Any]]:
        """Messages, the newest first, by when they were first said in this store."""
        few = self._few()
        only = None if few is None else frozenset(few)
        by_index = self._indexed(words.MESSAGES)
        looking = self._looking(words.MESSAGES, self._texts(few), by_index, self.messages)
        for text_id in looking.ids():
            self.messages = text_id
            if only is None or text_id in only:
                yield from self._message(text_id)
        self.messages = looking.below

    def ran(self) -> Iterator[dict[str, Any]]:
        """Tools and searches that were given the words, or gave them, the newest first."""
        if self.asked.role not in (None, "tool"):
            self.tools = 0
            return
        looking = self._looking(words.TOOLS, self._spans(), self._indexed(words.TOOLS), self.tools)
        for span_id in looking.ids():
            self.tools = span_id
            yield from self._tool(span_id)
        self.tools = looking.below

    def _looking(
        self, index: words.Index, newest: Newest, by_index: Indexed, below: int
    ) -> Looking:
        ready = self.store.catch_up if self.ready is None else self.ready
        return Looking(index, self.asked.text, newest, by_index, ready, self.effort, below)

    # --- rows to look at ----------------------------------------------------------------------

    def _texts(self, few: Sequence[int] | None) -> Newest:
        if few is not None:
            return lambda below, most: self._bodies(
                "SELECT value AS id FROM json_each(:ids)",
                {"ids": json.dumps([each for each in few if each < below][:most])},
            )
        since = self.asked.since
        table, used = "otelier.text", -1
        if since is not None:
            table = "otelier.text INDEXED BY text_used"
            used = stretch(rows.nanoseconds(rows.of(since)))
        return lambda below, most: self._bodies(
            f"SELECT id FROM {table} WHERE used >= :used AND id < :below "
            "ORDER BY id DESC LIMIT :most",
            {"used": used, "below": below, "most": most},
        )

    def _bodies(self, ids: str, given: Mapping[str, Parameter]) -> list[tuple[int, str]]:
        return self._rows(
            f"SELECT words.id, coalesce(words.body, '') FROM ({ids}) AS one CROSS JOIN "
            "otelier.message_words AS words ON words.id = one.id ORDER BY words.id DESC",
            given,
        )

    def _few(self) -> list[int] | None:
        """The texts of the few spans that may be meant, the newest first; None for many."""
        few, given = self.asked.few, self.asked.given
        if not few:
            return None
        count = f"SELECT count(*) FROM (SELECT 1 FROM otelier.span WHERE {few} LIMIT {_FEW + 1})"
        if self._rows(count, given)[0][0] > _FEW:
            return None
        return [row[0] for row in self._rows(_TEXTS_OF.format(few=few), given)]

    def _spans(self) -> Newest:
        where = self.asked.where
        # Without conditions the newest spans have some. With them they are looked for in the
        # indexes of tools and of retrievals.
        ids = _RAN if where == _ANY else _RAN_SO.format(where=where)
        return lambda below, most: self._rows(
            f"SELECT words.id, coalesce(words.body, '') FROM ({ids}) AS one "
            "CROSS JOIN otelier.tool_words AS words ON words.id = one.id ORDER BY words.id DESC",
            {**self.asked.given, "below": below, "most": most},
        )

    def _indexed(self, index: words.Index) -> Indexed:
        """Ids by the index; nothing where there is none, as without any text."""
        exact = words.exact(self.asked.text)
        conditions = "".join(
            f" AND instr(lower(words.body), lower(:term{number})) > 0"
            for number in range(len(exact))
        )
        table = f"otelier.{index.name}"
        join = f" CROSS JOIN otelier.{index.words} AS words ON words.id = {index.name}.rowid"
        sql = (
            f"SELECT {index.name}.rowid FROM {table}{join if exact else ''} "
            f"WHERE {index.name} MATCH :words AND {index.name}.rowid < :below{conditions} "
            f"ORDER BY {index.name}.rowid DESC LIMIT :most"
        )
        given: dict[str, Parameter] = {"words": words.expression(self.asked.text)}
        given |= {f"term{number}": term for number, term in enumerate(exact)}

        def found(below: int, most: int) -> list[int]:
            if not self._rows(_INDEXES, {"name": index.name}):
                return []
            return [row[0] for row in self._rows(sql, {**given, "below": below, "most": most})]

        return found

    # --- what is found ------------------------------------------------------------------------

    def _message(self, text_id: int) -> Iterator[dict[str, Any]]:
        """Where a text was said: it ends what a call was sent, or is its answer.

        What no call at all ends with was carried along: then where it was.
        """
        bodies = self._rows("SELECT body FROM otelier.text WHERE id = :id", {"id": text_id})
        if not bodies:  # Forgotten meanwhile.
            return
        body = str(bodies[0][0])
        role, said = message(body)
        if self.asked.role not in (None, role or "system"):
            return
        self.effort.spend(_PLACE)
        given = {**self.asked.given, "text": text_id}
        given |= {"spans": NEWEST, "lists": _LISTS} if self.asked.once else _EVERYTHING
        found = list(self.store.ask(_SAID.format(where=self.asked.where), given).dicts())
        if not found and not self._rows(_EVER, {"text": text_id}):
            self.effort.spend(_WAY)
            found = list(self.store.ask(_CARRIED.format(where=self.asked.where), given).dicts())
        yield from self._hits(text_id, role, said or body, found)

    def _hits(
        self, text_id: int, role: str, text: str, found: Sequence[dict[str, Any]]
    ) -> Iterator[dict[str, Any]]:
        first: dict[str, dict[str, Any]] = {}
        # A model call shows more of it than the agent that repeats it.
        for row in sorted(found, key=lambda row: (not row["model_call"], row["time"])):
            first.setdefault(row["trace_id"], row)
        hits = sorted(first.values(), key=lambda row: str(row["time"]), reverse=True)
        for row in hits[:1] if self.asked.once else hits:
            system = row["direction"] == "system"
            if self.asked.role is None or self.asked.role == ("system" if system else role):
                yield {
                    **row,
                    "id": text_id,
                    "role": "system" if system else role,
                    "text": text,
                    "traces": len(first),
                    "more": self.asked.once and len(found) >= NEWEST,
                }

    def _tool(self, span_id: int) -> Iterator[dict[str, Any]]:
        self.effort.spend(_PLACE)
        sql = _TOOL.format(where=self.asked.where)
        for row in self.store.ask(sql, {**self.asked.given, "id": span_id}).dicts():
            yield {**row, "role": "tool", "traces": 1, "more": False}

    def _rows(self, sql: str, given: Mapping[str, Parameter]) -> list[Any]:
        return list(self.store.ask(sql, given).rows)


_RAN: Final = (
    "SELECT id FROM otelier.span WHERE operation IN ('execute_tool', 'retrieval') AND id < :below "
    "ORDER BY id DESC LIMIT :most"
)
# The plus signs keep SQLite from going through all spans in the order of their ids.
_EITHER: Final = " UNION ALL ".join(
    f"SELECT id FROM otelier.span WHERE operation = '{name}' AND {{where}} AND +id < :below"
    for name in ("execute_tool", "retrieval")
)
_RAN_SO: Final = f"SELECT id FROM ({_EITHER}) ORDER BY +id DESC LIMIT :most"
_INDEXES: Final = "SELECT name FROM otelier.sqlite_master WHERE name = :name"
# All texts that some spans were sent, or gave.
_TEXTS_OF: Final = """
WITH RECURSIVE
    chosen AS (SELECT input, output, system FROM otelier.span WHERE {few}),
    one (id) AS (
        SELECT input FROM chosen UNION SELECT output FROM chosen UNION SELECT system FROM chosen
        UNION
        SELECT link.previous FROM one JOIN otelier.history AS link ON link.id = one.id
    )
SELECT DISTINCT link.text FROM one JOIN otelier.history AS link ON link.id = one.id
ORDER BY link.text DESC
"""
_SPANS: Final = f"""
SELECT span.time, span.trace_id, span.span_id, span.model_call, said.direction, {_WHOSE}
FROM said CROSS JOIN otelier.span AS span ON span.id = said.id
"""


def _of(lists: str, condition: str) -> Iterator[str]:
    """Spans that have one of these lists, the newest first."""
    for name in _LISTED:
        yield (
            f"SELECT * FROM (SELECT span.id AS id, '{name}' AS direction FROM {lists} AS link "
            f"CROSS JOIN otelier.span AS span ON span.{name} = link.id WHERE {condition}"
            "{where} ORDER BY link.id DESC, span.id DESC LIMIT :spans)"
        )


_SAID: Final = (
    f"WITH said AS ({' UNION ALL '.join(_of('otelier.history', 'link.text = :text AND '))}){_SPANS}"
)
_EVER: Final = " UNION ALL ".join(
    f"SELECT * FROM (SELECT 1 FROM otelier.history AS link CROSS JOIN otelier.span AS span "
    f"ON span.{name} = link.id WHERE link.text = :text LIMIT 1)"
    for name in _LISTED
)
# The lists that go on from there, the newest first.
_CARRIED: Final = (
    "WITH RECURSIVE lists (id) AS ("
    "SELECT id FROM otelier.history WHERE text = :text UNION "
    "SELECT next.id FROM lists JOIN otelier.history AS next ON next.previous = lists.id "
    "ORDER BY 1 DESC LIMIT :lists), "
    f"said AS ({' UNION ALL '.join(_of('lists', ''))}){_SPANS}"
)
_TOOL: Final = f"""
SELECT span.id, time, trace_id, span_id, {_WHOSE}, body AS text
FROM otelier.span AS span JOIN otelier.tool_words AS words ON words.id = span.id
WHERE span.id = :id AND {{where}}
"""
