"""Texts and histories while spans are written: found where they are, else added.

What was found or added lately is remembered, so that most is known without a look. All of it holds
for one connection and the time between two prunings: :meth:`Keeper.forget` when in doubt.
"""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

from otelier import semconv, unicode
from otelier.store import lists, pieces

# Lists of messages, and the columns of theirs; other long texts are kept whole.
LISTS: Final = {
    semconv.INPUT_MESSAGES: "input",
    semconv.OUTPUT_MESSAGES: "output",
    semconv.SYSTEM_INSTRUCTIONS: "system",
}
# Shorter texts stay with their span: a reference is hardly shorter.
LEAST: Final = 256
_TEXTS: Final = 20_000
_HISTORIES: Final = 50_000
# Texts of whole lists, of which the next call's may be a continuation.
_LISTS: Final = 256
_LISTS_CHARACTERS: Final = 16 << 20
_BEGINNING: Final = 160
_HASH: Final = 16
_NOTHING: Final = ("", "[]")


@dataclass(slots=True)
class _Link:
    """A row of ``history``."""

    previous: int
    text: int
    used: int
    span: int


@dataclass(frozen=True, slots=True)
class _List:
    """A list that was kept lately."""

    text: str
    head: int
    length: int
    join: str


class Keeper:
    """Keeps the texts of one store. ``span``, ``used`` and ``of`` are of the span being written.

    Of an event ``span`` is 0; the next span that has its lists takes its place.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.span = 0
        self.used = 0
        # Whose lists go on where an earlier one ended: a conversation, a session, or a trace.
        self.of = ""
        # Heads of this span's lists, by column.
        self.heads: dict[str, int] = {}
        self.forget()

    def forget(self) -> None:
        """What is remembered may not be so any more: rolled back, or deleted by somebody."""
        self._texts: OrderedDict[bytes, list[int]] = OrderedDict()
        self._links: dict[int, _Link] = {}
        self._next: dict[tuple[int, int], int] = {}
        self._lists: OrderedDict[tuple[str, str, str], _List] = OrderedDict()
        self._characters = 0

    def apart(self, name: str, value: Any) -> pieces.Json | None:
        """The reference to an attribute that is kept apart, or None to keep it with its span."""
        column = LISTS.get(name)
        if type(value) is not str:
            members = lists.texts_of(value) if column is not None else None
            if column is None or members is None:
                return None
            self.heads[column] = head = self._chain(members)
            return {pieces.MESSAGES: head}
        if column is not None:
            found = self._list(name, value)
            if found is not None:
                self.heads[column] = found.head
                join = {} if found.join == "," else {pieces.JOIN: found.join}
                return {pieces.HISTORY: found.head, **join}
            if value not in _NOTHING:
                # Whoever reads messages finds it as one.
                text = self._text(value)
                self.heads[column] = self._link(0, text, 1)
                return {pieces.TEXT: text}
        return {pieces.TEXT: self._text(value)} if len(value) >= LEAST else None

    def _list(self, name: str, text: str) -> _List | None:
        """What a list's text is kept as; None where it is no list of messages."""
        key = (self.of, name, text[:_BEGINNING])
        before = self._lists.get(key)
        if before is not None:
            self._touch(before.head)
            if text == before.text:
                return before
            begun = before.text[:-1] + before.join
            more = None
            if text.startswith(begun) and text.endswith("]"):
                more = lists.cut_more(text[len(begun) : -1], before.join)
            if more is not None:
                head = self._chain(more.members, before.head, before.length)
                length = before.length + len(more.members)
                return self._remember(key, _List(text, head, length, before.join))
        whole = lists.cut(text)
        if whole is None:
            return None
        found = _List(text, self._chain(whole.members), len(whole.members), whole.join)
        return self._remember(key, found)

    def _remember(self, key: tuple[str, str, str], found: _List) -> _List:
        before = self._lists.pop(key, None)
        self._characters += len(found.text) - (len(before.text) if before is not None else 0)
        self._lists[key] = found
        while self._characters > _LISTS_CHARACTERS or len(self._lists) > _LISTS:
            _, oldest = self._lists.popitem(last=False)
            self._characters -= len(oldest.text)
        return found

    def _chain(self, members: list[str], head: int = 0, length: int = 0) -> int:
        """The history that continues another one by these messages."""
        if len(self._links) > _HISTORIES:
            self._links.clear()
            self._next.clear()
        for number, member in enumerate(members, length + 1):
            head = self._link(head, self._text(member), number)
        return head

    def _link(self, previous: int, text: int, length: int) -> int:
        known = self._next.get((previous, text))
        if known is None:
            added = self._connection.execute(
                "INSERT INTO history (previous, text, length, used, span) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT DO NOTHING",
                (previous, text, length, self.used, self.span),
            )
            if added.rowcount:
                known, link = added.lastrowid, _Link(previous, text, self.used, self.span)
            else:
                known, *rest = self._connection.execute(
                    "SELECT id, used, span FROM history WHERE previous = ? AND text = ?",
                    (previous, text),
                ).fetchone()
                link = _Link(previous, text, *rest)
            assert known is not None
            self._links[known] = link
            self._next[previous, text] = known
        self._touch(known)
        return known

    def _touch(self, head: int) -> None:
        """The history is used at this span's time, and so is all that is before it.

        Rows are written once for each stretch of time in which they are used, not once a call:
        what is before a row was used when it was.
        """
        while head:
            link = self._links.get(head)
            if link is None:
                row = self._connection.execute(
                    "SELECT previous, text, used, span FROM history WHERE id = ?", (head,)
                ).fetchone()
                self._links[head] = link = _Link(*row)
            if link.used >= self.used and (link.span or not self.span):
                return
            # Another process may have used it later than this one knows.
            self._connection.execute(
                "UPDATE history SET used = max(used, :used), span = :span"
                " WHERE id = :id AND (used < :used OR span = 0)",
                {"used": self.used, "span": self.span, "id": head},
            )
            self._later(link.text)
            link.used, link.span = max(link.used, self.used), self.span
            head = link.previous

    def _later(self, text: int) -> None:
        """A text is used at this span's time, if not later: another process may know more."""
        self._connection.execute(
            "UPDATE text SET used = ? WHERE id = ? AND used < ?", (self.used, text, self.used)
        )

    def _text(self, body: str) -> int:
        try:
            data = body.encode()
        except UnicodeEncodeError:  # Half of a surrogate pair.
            body = unicode.well_formed(body)
            data = body.encode()
        digest = blake2b(data, digest_size=_HASH).digest()
        known = self._texts.get(digest)
        if known is None:
            added = self._connection.execute(
                "INSERT INTO text (hash, used, body) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                (digest, self.used, body),
            )
            if added.rowcount:
                assert added.lastrowid is not None
                known = [added.lastrowid, self.used]
            else:
                known = list(
                    self._connection.execute(
                        "SELECT id, used FROM text WHERE hash = ?", (digest,)
                    ).fetchone()
                )
            self._texts[digest] = known
            if len(self._texts) > _TEXTS:
                self._texts.popitem(last=False)
        if known[1] < self.used:
            self._later(known[0])
            known[1] = self.used
        return known[0]
