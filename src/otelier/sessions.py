"""Who and why: session, user, conversation, tags and metadata on every span started inside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from opentelemetry import baggage
from opentelemetry.context import Context

from otelier import context as ctx
from otelier import guard, prompts, runtime, semconv, unicode, values, whose
from otelier.around import Around
from otelier.prompts import Named, Prompt, Slot
from otelier.semconv import Attributes, Scalar

# Tasks that start their successors from inside, for ever, hold no more than these.
_DEEPEST: Final = 32


class session(Around):  # noqa: N801 - used as a function
    """Put who and why on every span that is started inside, by whomever.

    ``conversation_id`` becomes ``gen_ai.conversation.id``, ``session_id`` ``session.id``,
    ``user_id`` ``user.id``, ``tags`` ``otelier.tags`` and each of ``metadata``
    ``otelier.metadata.<key>``; ``prompt`` (a name, or a :class:`otelier.Prompt`) names the prompt
    of the model calls inside. An inner session adds to the outer one; its prompt takes the place of
    the outer one's. Works with ``with`` and ``async with``, as a decorator of functions of every
    kind, and in threads and tasks that inherit the context. The values stay in this process unless
    ``OTELIER_BAGGAGE=true``. Values of wrong types are left out; nothing is raised.
    """

    __slots__ = ("_attributes", "_entered", "_prompt")

    def __init__(
        self,
        *,
        conversation_id: str | None = None,
        session_id: str | None = None,
        user_id: str | None = None,
        tags: Sequence[str] = (),
        metadata: Mapping[str, Scalar] | None = None,
        prompt: Prompt | str | None = None,
    ) -> None:
        super().__init__()
        self._attributes = _told(conversation_id, session_id, user_id, tags, metadata)
        self._prompt = prompts.named(prompt)
        self._entered = False

    def update(
        self,
        *,
        conversation_id: str | None = None,
        session_id: str | None = None,
        user_id: str | None = None,
        tags: Sequence[str] = (),
        metadata: Mapping[str, Scalar] | None = None,
        prompt: Prompt | str | None = None,
    ) -> None:
        """Add what is known only now, to every span that is started from now on.

        In the task or thread that has entered it: there, and in those that have their context from
        there. In one of those: in that one and what it starts, as long as the ``with`` block or the
        step in which this is called, so that tasks of one session do not mix. Before it is first
        entered: each time that it will be; outside of it later: nowhere. Spans that have begun stay
        as they are, and so does baggage.
        """
        told = _told(conversation_id, session_id, user_id, tags, metadata)
        named = prompts.named(prompt)
        try:
            entry = _entry(ctx.current(), self)
            if entry is not None and whose.same(entry.by, whose.here()):
                entry.add(told, named)
            elif entry is not None:
                ctx.attach(_with(ctx.current(), self, told, named))
            elif not self._entered:
                self._attributes = _merged(self._attributes, told)
                self._prompt = named or self._prompt
            else:
                # Of a session that many requests share, the next would have one's user.
                guard.say_once("update", "session.update() outside of the session changes nothing")
        except Exception:
            guard.failed("session.update")

    def _inside(self, held: Context) -> Context:
        self._entered = True
        run = runtime.current()
        if run is not None and run.late is not None:
            run.late()
        inner = _with(held, self, self._attributes, self._prompt)
        if run is not None and run.settings.baggage:
            for name, value in self._attributes.items():
                if isinstance(value, str):
                    inner = baggage.set_baggage(name, value, inner)
        return inner


class Entry:
    """One use of a session, as the context has it."""

    __slots__ = ("_depth", "by", "outer", "own", "owner", "prompt")

    def __init__(self, owner: session, own: Attributes, outer: Entry | None, prompt: Slot) -> None:
        self.owner = owner
        # The task or thread that has made it.
        self.by = whose.here()
        # Replaced as a whole: other threads read it.
        self.own = own
        self.prompt: Slot = prompt
        self._depth: int = 0 if outer is None else outer._depth + 1
        if outer is not None and self._depth > _DEEPEST:
            folded = Entry(outer.owner, outer.attributes, None, outer.prompt)
            folded.by = outer.by
            outer, self._depth = folded, 1
        # The session around it.
        self.outer = outer

    @property
    def attributes(self) -> Attributes:
        """What is known now, of it and of those around it."""
        return self.own if self.outer is None else _merged(self.outer.attributes, self.own)

    def add(self, told: Attributes, named: Named | None) -> None:
        """What is known only now."""
        self.own = _merged(self.own, told)
        self.prompt.own = named or self.prompt.own


def _with(held: Context, owner: session, own: Attributes, prompt: Named | None) -> Context:
    """``held`` with one more entry."""
    above: Any = held.get(ctx.PROMPT)
    entry = Entry(owner, own, _outer(held), Slot(prompt, prompts.folded(above)))
    return ctx.with_value(ctx.with_value(held, ctx.SESSION, entry), ctx.PROMPT, entry.prompt)


def belonging(
    held: Context, conversation_id: str | None = None, user_id: str | None = None
) -> Context:
    """``held`` with a framework's own thread or session, and user, on all that is inside.

    What the program has said by :class:`session` stays; a framework's inner one is the inner one.
    """
    new = _told(conversation_id, None, user_id, (), None)
    entry, known = _outer(held), told(held)
    new = {name: value for name, value in new.items() if known.get(name) != value}
    while entry is not None and new:
        if entry.owner is not _frameworks:
            new = {name: value for name, value in new.items() if name not in entry.own}
        entry = entry.outer
    return _with(held, _frameworks, new, None) if new else held


def told(held: Context) -> Attributes:
    """Who and why, as it is known in ``held`` now."""
    entry = _outer(held)
    return entry.attributes if entry is not None else {}


def arrived(held: Context, told: Attributes) -> Context:
    """``held`` with what another process has known."""
    return _with(held, _elsewhere, told, None)


def _outer(held: Context) -> Entry | None:
    found: Any = held.get(ctx.SESSION)
    return found if isinstance(found, Entry) else None


def _entry(held: Context, owner: session) -> Entry | None:
    """The innermost use of a session that is current here."""
    found = _outer(held)
    while found is not None and found.owner is not owner:
        found = found.outer
    return found


def _merged(outer: Attributes, inner: Attributes) -> Attributes:
    merged = {**outer, **inner}
    if semconv.TAGS in outer and semconv.TAGS in inner:
        both = [*outer[semconv.TAGS], *inner[semconv.TAGS]]  # type: ignore[misc]
        merged[semconv.TAGS] = list(dict.fromkeys(both))
    return merged


def _told(
    conversation_id: str | None,
    session_id: str | None,
    user_id: str | None,
    tags: Sequence[str],
    metadata: Mapping[str, Scalar] | None,
) -> Attributes:
    """The attributes that they are."""
    found: Attributes = {}
    try:
        for name, value in (
            (semconv.CONVERSATION_ID, conversation_id),
            (semconv.SESSION_ID, session_id),
            (semconv.USER_ID, user_id),
        ):
            told = "" if value is None else values.words(value)
            if told:
                found[name] = told
        listed = values.plain(tags)
        if listed:
            listed = listed if type(listed) is list else [listed]
            found[semconv.TAGS] = [values.words(tag) for tag in listed]
        shown = values.plain(metadata)
        for key, member in shown.items() if type(shown) is dict else ():
            if member is not None:
                scalar = type(member) is not list and type(member) is not dict
                found[semconv.METADATA + key] = member if scalar else values.words(member)
    except Exception:
        guard.failed("session")
    return unicode.attributes(found)


# Whose conversations frameworks tell: the program's own word is worth more.
_frameworks: Final = session()
# Whose sessions come from another process.
_elsewhere: Final = session()
