"""What was said in some calls of a local store, without reading a history again for each call.

The rows are those that the view ``messages`` would give, but for what an earlier call of these was
sent already: a conversation of n turns is read in O(n).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from otelier import wire
from otelier.store.engine import Engine, Parameter

_CALLS: Final = (
    "SELECT time, trace_id, span_id, system, input, output FROM otelier.span "
    "WHERE {where} ORDER BY time, span_id"
)
# UNION: what several lists begin with is walked once.
_LINKS: Final = (
    "WITH RECURSIVE chosen AS (SELECT system, input, output FROM otelier.span "
    "WHERE {where}), "
    "one (id) AS (SELECT system FROM chosen UNION SELECT input FROM chosen "
    "UNION SELECT output FROM chosen "
    "UNION SELECT link.previous FROM one JOIN otelier.history AS link ON link.id = one.id) "
    "SELECT link.id, link.previous, link.length, link.text, text.body FROM one "
    "JOIN otelier.history AS link ON link.id = one.id "
    "JOIN otelier.text AS text ON text.id = link.text"
)


_UNREADABLE: Final = object()


@dataclass(frozen=True, slots=True)
class _Link:
    """A message, and the one before it in the list."""

    id: int
    previous: int
    length: int
    text: int
    body: str


@dataclass(slots=True)
class _Seen:
    """What earlier calls were sent: lists, and messages with how often they were in one list."""

    links: dict[int, _Link]
    lists: set[int] = field(default_factory=set)
    texts: dict[int, int] = field(default_factory=dict)
    # By link: how often its message is in the list that ends with it.
    times: dict[int, int] = field(default_factory=dict)

    def chain(self, head: int) -> Iterator[_Link]:
        """A list from its end."""
        while (link := self.links.get(head)) is not None:
            yield link
            head = link.previous

    def new(self, head: int) -> list[_Link]:
        """What of a list no earlier call was sent, and its last message; in their order."""
        fresh: list[_Link] = []
        for link in self.chain(head):
            if link.id in self.lists:
                break
            fresh.append(link)
        kept = [link for link in reversed(fresh) if self._first(link) or link.id == head]
        self.lists.update(link.id for link in fresh)
        return kept or list(self.chain(head))[:1]

    def _first(self, link: _Link) -> bool:
        """Whether it is in no earlier list, or there less often."""
        often = self.texts.get(link.text, 0)
        times = 1
        if often:
            times = sum(each.text == link.text for each in self.chain(link.id))
        self.texts[link.text] = max(often, times)
        self.times[link.id] = times
        return times > often


def said(
    engine: Engine, where: str, parameters: Mapping[str, Parameter]
) -> Iterator[dict[str, Any]]:
    """Messages of spans that fit ``where``: what no earlier one of these calls was sent, the
    last of each one's input, and its output.

    Columns as in ``messages``, and ``final``, where the list ends, and ``occurrence``: of messages
    of one list that are the same, which one it is.
    """
    calls = list(engine.ask(_CALLS.format(where=where), parameters).dicts())
    rows = engine.ask(_LINKS.format(where=where), parameters).rows
    seen = _Seen({row[0]: _Link(*row) for row in rows})
    systems: set[int] = set()
    for call in calls:
        told = {name: call[name] for name in ("time", "trace_id", "span_id")}
        if call["system"] and call["system"] not in systems:
            systems.add(call["system"])
            bodies = [link.body for link in seen.chain(call["system"])][::-1]
            yield {**told, **_message("system", 1, 1, 1, _system(bodies))}
        for link in seen.new(call["input"]):
            final = seen.links[call["input"]].length
            yield from _members(told, "input", link, final, seen.times[link.id])
        for link in list(seen.chain(call["output"]))[::-1]:
            yield from _members(told, "output", link, seen.links[call["output"]].length)


def _members(
    told: Mapping[str, Any], direction: str, link: _Link, final: int, times: int = 1
) -> Iterator[dict[str, Any]]:
    """The messages of a link, as rows."""
    bodies = messages(link.body, link.length)
    final = max(final, len(bodies))
    for index, body in enumerate(bodies):
        yield {**told, **_message(direction, link.length + index, final, times, body)}


def messages(body: str, length: int) -> list[str]:
    """A link's message; of a list that is kept as one text each of its members.

    ``length``: of the list that ends with the link.
    """
    return [body] if body.startswith("{") or length > 1 else _listed(body)


def _listed(body: str) -> list[str]:
    value = _json(body)
    if not isinstance(value, list):
        return [body]
    return [each if isinstance(each, str) else wire.dumps(each).decode() for each in value]


def _system(bodies: list[str]) -> str:
    """System instructions are parts without a message."""
    whole = len(bodies) == 1 and not bodies[0].startswith("{")
    parts = bodies[0] if whole else f"[{','.join(bodies)}]"
    if _json(parts) is _UNREADABLE:
        return bodies[0] if len(bodies) == 1 else parts
    return f'{{"role":"system","parts":{parts}}}'


def _message(
    direction: str, position: int, final: int, occurrence: int, body: str
) -> dict[str, Any]:
    role, text = message(body)
    return {
        "direction": direction,
        "position": position,
        "final": final,
        "occurrence": occurrence,
        "role": role,
        "text": text,
        "message": body,
    }


def message(body: str) -> tuple[str, str]:
    """A message's role, and what its texts say; of what is no JSON, all of it."""
    read = _json(body)
    value = read if isinstance(read, dict) else {}
    parts = value.get("parts")
    contents = [
        part["content"]
        for part in (parts if isinstance(parts, list) else ())
        if isinstance(part, dict)
        and part.get("type") in ("text", "reasoning")
        and isinstance(part.get("content"), str)
    ]
    role = value.get("role")
    told = body if read is _UNREADABLE else "\n".join(contents)
    return (role if isinstance(role, str) else ""), told


def _json(body: str) -> Any:
    try:
        return wire.loads(body)
    except (ValueError, RecursionError):
        return _UNREADABLE
