"""Spans and events under what they have in common, as OTLP sends them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from otelier.store import bodies
from otelier.store.spans import StoredLog, StoredResource, StoredScope, StoredSpan

_Item = TypeVar("_Item", StoredSpan, StoredLog)


def grouped(
    items: Iterable[_Item],
) -> Iterator[tuple[StoredResource, list[tuple[StoredScope, list[_Item]]]]]:
    """Each resource with its scopes, each of these with its items; all in the order they came."""
    # Equal ones may be several objects; what is compared once is known by its identity from then
    # on. Maps are compared as JSON: to Python, 1 is True.
    keys: dict[int, tuple[object, str]] = {}
    resources: dict[str, tuple[StoredResource, dict[str, tuple[StoredScope, list[_Item]]]]] = {}
    for item in items:
        key = _key(keys, item.resource)
        _, scopes = resources.setdefault(key, (item.resource, {}))
        key = _key(keys, item.scope)
        scopes.setdefault(key, (item.scope, []))[1].append(item)
    for resource, scopes in resources.values():
        yield resource, list(scopes.values())


def _key(keys: dict[int, tuple[object, str]], of: StoredResource | StoredScope) -> str:
    found = keys.get(id(of))
    if found is None:
        body = bodies.resource_body if isinstance(of, StoredResource) else bodies.scope_body
        # It is held with its key: its identity is not given to another one meanwhile.
        found = keys[id(of)] = (of, body(of))  # type: ignore[arg-type]
    return found[1]
