"""A conversation as a page shows it: messages, with lines between calls and between traces."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Final, Literal, TypeAlias

from otelier.web.shown.chat import CALLS, RESULTS

# Messages of a call that are kept together.
_QUESTION: Final = 10

# A row of the question ``conversation``.
Row: TypeAlias = Any


@dataclass(frozen=True, slots=True)
class Failure:
    """A step that failed and that no message tells of: a tool, a retrieval, an agent."""

    time: datetime
    """When it ended."""
    trace_id: str
    span_id: str
    name: str
    error: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A message, or a line between some."""

    kind: Literal["trace", "call", "failure", "message"]
    key: str
    """No other one of the conversation has it, and it stays when more is said."""
    about: Row
    """A row of the conversation; of a failure itself."""
    message: Any = None
    """What was said, without the results of tools that stand beside their calls."""
    results: tuple[Any, ...] = ()
    """Results of the tools that the message calls, wherever they were said."""


@dataclass(frozen=True, slots=True)
class Window:
    """The entries that are shown at once, and how many messages are above and below."""

    entries: Sequence[Entry]
    above: int = 0
    below: int = 0
    following: str = ""
    """The key of the entry that comes behind."""

    @property
    def first(self) -> str:
        """The key of the first entry; empty where there is none."""
        return self.entries[0].key if self.entries else ""


def entries(rows: Iterable[Row], failures: Iterable[Failure] = ()) -> list[Entry]:
    """All of a conversation in its order."""
    made = _Made()
    waiting = sorted(failures, key=lambda each: each.time, reverse=True)
    for _, group in groupby(rows, key=lambda row: (row.trace_id, row.span_id)):
        said = list(group)
        while waiting and waiting[-1].time <= said[0].time:
            made.failure(waiting.pop())
        made.call(said)
    while waiting:
        made.failure(waiting.pop())
    return made.entries


class _Made:
    """What there is so far."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        # Where a call of a tool is that has no result yet, by its id.
        self._calls: dict[str, int] = {}
        self._place: tuple[str, str] | None = None
        self._traces = 0

    def failure(self, told: Failure) -> None:
        self.entries.append(Entry("failure", f"f-{told.trace_id}-{told.span_id}", told))

    def call(self, rows: Sequence[Row]) -> None:
        """A call, all of whose messages these are: its line stands above its answer."""
        place = (rows[0].trace_id, rows[0].conversation)
        if place != self._place:
            self._place = place
            self._traces += 1
            self.entries.append(Entry("trace", f"t-{rows[0].trace_id}-{self._traces}", rows[0]))
        answers = [index for index, row in enumerate(rows) if row.direction == "output"]
        at = answers[0] if answers else len(rows)
        for index, row in enumerate(rows):
            if index == at:
                self._line(row)
            if row.direction:
                self._message(row, index)
        if at == len(rows):
            self._line(rows[-1])

    def _line(self, row: Row) -> None:
        self.entries.append(Entry("call", f"c-{row.trace_id}-{row.span_id}", row))

    def _message(self, row: Row, index: int) -> None:
        here = len(self.entries)
        # What is no JSON is told as it is.
        message = row.text if row.message is None else row.message
        parts = message.get("parts") if isinstance(message, Mapping) else None
        entry = Entry("message", f"m-{row.trace_id}-{row.span_id}-{index}", row, message)
        self.entries.append(entry)
        if not isinstance(parts, list):
            return
        kept = [part for part in parts if not self._beside(part, here)]
        if len(kept) == len(parts):
            return
        if kept:
            told = {**message, "parts": kept}
            self.entries[here] = replace(self.entries[here], message=told)
        else:
            del self.entries[here]

    def _beside(self, part: Any, here: int) -> bool:
        """Whether it is a result that now stands beside its call; calls are remembered."""
        kind = part.get("type") if isinstance(part, Mapping) else None
        of = part.get("id") if isinstance(part, Mapping) else None
        if not isinstance(kind, str) or not isinstance(of, str) or not of:
            return False
        if kind in CALLS:
            self._calls[of] = here
        if kind not in RESULTS or of not in self._calls:
            return False
        at = self._calls.pop(of)
        caller = self.entries[at]
        self.entries[at] = replace(caller, results=(*caller.results, part))
        return True


# --- what is shown at once --------------------------------------------------------------------


def newest(found: Sequence[Entry], most: int) -> Window:
    """The last ``most`` messages."""
    return window(found, _back(found, len(found), most), len(found))


def before(found: Sequence[Entry], key: str, most: int) -> Window:
    """The ``most`` messages before an entry."""
    end = place(found, key)
    return window(found, _back(found, end, most), end)


def behind(found: Sequence[Entry], key: str, most: int) -> Window:
    """``most`` messages from an entry on."""
    start = place(found, key)
    return window(found, start, _ahead(found, start, most))


def around(found: Sequence[Entry], key: str, most: int, above: int) -> Window:
    """``most`` messages, of which ``above`` are before an entry."""
    start = _back(found, place(found, key), above)
    return window(found, start, _ahead(found, start, most))


def window(found: Sequence[Entry], start: int, end: int) -> Window:
    """The entries from one place to before another."""
    following = found[end].key if end < len(found) else ""
    return Window(found[start:end], _messages(found[:start]), _messages(found[end:]), following)


def place(found: Sequence[Entry], key: str) -> int:
    """Where an entry is. What is there no more is at the end."""
    return next((index for index, entry in enumerate(found) if entry.key == key), len(found))


def at_time(found: Sequence[Entry], time: datetime) -> str:
    """The key of the last call that began before a time; else of the first entry."""
    calls = [each.key for each in found if each.kind == "call" and each.about.time <= time]
    return calls[-1] if calls else found[0].key if found else ""


def _messages(found: Iterable[Entry]) -> int:
    return sum(entry.kind == "message" for entry in found)


def _back(found: Sequence[Entry], end: int, most: int) -> int:
    """Where the ``most`` messages before a place begin, with the lines above the first of them.

    An answer is not parted from what it answers, unless that is long.
    """
    at = end
    while at > 0 and (most > 0 or found[at - 1].kind != "message"):
        at -= 1
        most -= found[at].kind == "message"
    start = at
    while start > 0 and at - start < _QUESTION and _of_one(found, start - 1, start):
        start -= 1
    return at if start > 0 and _of_one(found, start - 1, start) else start


def _of_one(found: Sequence[Entry], one: int, other: int) -> bool:
    """Whether two entries are of one call; all calls stand below their questions."""
    if other >= len(found) or "failure" in (found[one].kind, found[other].kind):
        return False
    return bool(found[one].about.span_id == found[other].about.span_id)


def _ahead(found: Sequence[Entry], start: int, most: int) -> int:
    """Where ``most`` messages from a place on end: before the lines above the next one."""
    at = last = start
    while at < len(found):
        if found[at].kind == "message":
            if most == 0:
                return last
            most -= 1
            last = at + 1
        at += 1
    return at


# --- what failed ------------------------------------------------------------------------------


def called(rows: Iterable[Row]) -> frozenset[str]:
    """The ids of the calls of tools in these messages."""
    return frozenset(
        part["id"]
        for row in rows
        for part in parts(row.message)
        if part["type"] in CALLS and isinstance(part.get("id"), str)
    )


def told_by_none(failed: Iterable[Mapping[str, Any]], called: frozenset[str]) -> Iterator[Failure]:
    """Those of the steps that failed of which no message and no line of a call tells.

    ``failed``: rows of ``calls``, with ``call``, the id of the call of a tool that they ran.
    ``called``: such ids that messages have. An error that came up from below is told there.
    """
    steps = list(failed)
    passed_up = {(row["trace_id"], row["parent_id"], row["error"]) for row in steps}
    for row in steps:
        if row["model_call"] or row["call"] in called:
            continue
        if (row["trace_id"], row["span_id"], row["error"]) not in passed_up:
            ended = row["time"] + timedelta(seconds=row["seconds"])
            yield Failure(ended, row["trace_id"], row["span_id"], row["name"], row["error"])


def parts(message: Any) -> Iterator[Mapping[str, Any]]:
    """The parts of a message that say what they are."""
    listed = message.get("parts") if isinstance(message, Mapping) else None
    for part in listed if isinstance(listed, list) else ():
        if isinstance(part, Mapping) and isinstance(part.get("type"), str):
            yield part
