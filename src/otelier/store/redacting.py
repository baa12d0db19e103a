"""Stored spans once more through the rules in force, before somebody else gets to see them.

A span may be another program's, or have been recorded with other settings: what is recorded is
masked and redacted as if it were recorded now.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, TypeVar

from otelier import runtime, semconv, settings, their_content, wire
from otelier.content import Policy
from otelier.redaction import MARK
from otelier.store.spans import StoredEvent, StoredLink, StoredResource, StoredScope, StoredSpan

_MOST_KNOWN: Final = 4096

_Shared = TypeVar("_Shared", StoredResource, StoredScope)


def in_force() -> Policy:
    """The rules of the otelier that runs in this process, else those that the settings give."""
    run = runtime.current()
    return Policy(settings.of_exporters()) if run is None else run.policy


class Redactor:
    """Applies a policy to spans, and to other texts that are shown beside them."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        # How much content the program's mask has left out.
        self.left_out = 0
        self._names: dict[str, str] = {}
        # What many spans share, by identity; it is kept so that nobody else gets its identity.
        self._shared: dict[int, tuple[Any, Any]] = {}

    def span(self, span: StoredSpan) -> StoredSpan:
        """The span without what the rules keep from others. Ids and numbers stay as they are."""
        content = their_content.names(span.scope.name, span.attributes)
        content += [name for name in span.attributes if name.startswith(semconv.PROMPT_VARIABLE)]
        return replace(
            span,
            name=self.text(span.name),
            attributes=self.attributes(span.attributes, content),
            status_message=self.text(span.status_message),
            events=tuple(map(self._event, span.events)),
            links=tuple(map(self._link, span.links)),
            scope=self._known(span.scope),
            resource=self._known(span.resource),
            trace_state=self.text(span.trace_state),
        )

    def text(self, text: str) -> str:
        """A text that has no name."""
        return self._text("", text)

    def attributes(self, told: Mapping[str, Any], content: Iterable[str] = ()) -> dict[str, Any]:
        """Attributes, of which ``content`` goes through the program's mask as well."""
        masked = frozenset(content if self.policy.masks else ())
        found: dict[str, Any] = {}
        for name, value in told.items():
            if name in masked and value is not None:
                value = self._masked(name, value)
                if value is None:
                    self.left_out += 1
                    continue
            found[_free(found, self._name(name))] = self._value(name, value)
        return found

    def _event(self, event: StoredEvent) -> StoredEvent:
        content = event.attributes if their_content.is_message(event.name) else ()
        attributes = self.attributes(event.attributes, content)
        return replace(event, name=self.text(event.name), attributes=attributes)

    def _link(self, link: StoredLink) -> StoredLink:
        attributes, state = self.attributes(link.attributes), self.text(link.trace_state)
        return replace(link, attributes=attributes, trace_state=state)

    def _known(self, shared: _Shared) -> _Shared:
        """What many spans have in common, once."""
        found = self._shared.get(id(shared))
        if found is None:
            found = self._shared[id(shared)] = (shared, self._redacted(shared))
        made: _Shared = found[1]
        return made

    def _redacted(self, shared: _Shared) -> _Shared:
        url, attributes = self.text(shared.schema_url), self.attributes(shared.attributes)
        if isinstance(shared, StoredResource):
            return replace(shared, schema_url=url, attributes=attributes)
        name, version = self.text(shared.name), self.text(shared.version)
        return replace(shared, name=name, version=version, schema_url=url, attributes=attributes)

    def _masked(self, name: str, value: Any) -> Any:
        """Content as the program's mask has it: JSON in a text is data to the mask."""
        if not isinstance(value, str):
            masked = self.policy.again(name, value)
            return None if masked is None else wire.loads(wire.encoded(masked))
        told = wire.structure(value)
        masked = self.policy.again(name, value if told is None else told)
        if told is None or masked is None:
            return masked if isinstance(masked, str) else None
        return wire.encoded(masked).decode("utf-8", "replace")

    def _value(self, name: str, value: Any) -> Any:
        if isinstance(value, str):
            return self._json(self._text(name, value))
        if isinstance(value, bytes):
            text = value.decode("utf-8", "replace")
            clean = self._text(name, text)
            return value if clean == text else clean.encode()
        if isinstance(value, list | tuple | Mapping) and value:
            return self._structure(name, value)
        return value

    def _text(self, name: str, text: str) -> str:
        """Nothing of it where the name is a secret's. Half a surrogate pair stays what it is."""
        clean = self.policy.named(name, text)
        if clean != text and clean == text.encode("utf-8", "replace").decode():
            return text
        return clean

    def _json(self, text: str) -> str:
        """JSON whose members' names are secrets, which the rules take for names, without them."""
        told = wire.structure(text) if self.policy.redacts else None
        if told is None or not any(self._name(name) != name for name in _keys(told)):
            return text
        try:
            return wire.encoded(self._renamed(told)).decode("utf-8", "replace")
        except RecursionError:
            return MARK.decode()

    def _structure(self, name: str, value: Any) -> Any:
        """A list or an object, which the rules know as JSON; itself where there is no secret."""
        if not self.policy.redacts:
            return value
        try:
            found = self._leaves(name, value)
            text = wire.encoded({name: found}).decode("utf-8", "replace")
            clean = self._text("", text)
            if clean != text:
                (found,) = wire.loads(clean).values()
            return self._renamed(found)
        except (ValueError, RecursionError, AttributeError):
            return MARK.decode()

    def _leaves(self, name: str, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: self._leaves(str(key), each) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return [self._leaves(name, each) for each in value]
        return self._value(name, value)

    def _renamed(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            made: dict[str, Any] = {}
            for name, each in value.items():
                made[_free(made, self._name(str(name)))] = self._renamed(each)
            return made
        if isinstance(value, list | tuple):
            return [self._renamed(each) for each in value]
        return value

    def _name(self, name: str) -> str:
        """A name without secrets; spans have the same few again and again."""
        clean = self._names.get(name)
        if clean is None:
            if len(self._names) >= _MOST_KNOWN:
                self._names.clear()
            clean = self._names[name] = self.text(name)
        return clean


def redacted(spans: Sequence[StoredSpan], redactor: Redactor) -> list[StoredSpan]:
    """All of these spans once more through the rules."""
    return [redactor.span(span) for span in spans]


def _free(taken: Mapping[str, Any], name: str) -> str:
    """The name, or one like it that nothing else has: two secrets have one mark."""
    number, told = 1, name
    while told in taken:
        number += 1
        told = f"{name} {number}"
    return told


def _keys(value: Any) -> Iterator[str]:
    """The names of all members of a structure, however deep."""
    waiting = [value]
    while waiting:
        told = waiting.pop()
        if isinstance(told, Mapping):
            yield from map(str, told)
            waiting += told.values()
        elif isinstance(told, list | tuple):
            waiting += told
