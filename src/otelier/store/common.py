"""What rows have in common while they are written: resources, scopes and names, each there once.

What was found or added lately is remembered. It holds for one connection and the time between two
prunings: :meth:`Common.forget` when in doubt.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any, Final

from otelier.store import bodies, pieces
from otelier.store.spans import StoredResource, StoredScope

_KNOWN: Final = 4096


class Common:
    """The ids of such rows; what is not there is added."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.forget()

    def forget(self) -> None:
        """What is remembered may not be so any more: rolled back, or deleted by somebody."""
        self._known: dict[str, dict[str, int]] = {"resource": {}, "scope": {}, "shape": {}}
        self._names: dict[tuple[str, ...], int] = {}
        # By identity: spans of one batch share these objects.
        self._held: dict[int, tuple[object, int]] = {}

    def shared(self, held: StoredResource | StoredScope) -> int:
        """The row of a resource or a scope."""
        found = self._held.get(id(held))
        if found is None:
            if len(self._held) > _KNOWN:
                self._held.clear()
            if isinstance(held, StoredResource):
                number = self._once("resource", "body", bodies.resource_body(held))
            else:
                number = self._once("scope", "body", bodies.scope_body(held))
            found = self._held[id(held)] = (held, number)
        return found[1]

    def shape(self, attributes: Mapping[str, Any]) -> int:
        """The row of the attributes' names."""
        key = tuple(attributes)
        found = self._names.get(key)
        if found is None:
            if len(self._names) > _KNOWN:
                self._names.clear()
            found = self._names[key] = self._once("shape", "names", pieces.names(attributes))
        return found

    def _once(self, table: str, column: str, body: str) -> int:
        known = self._known[table]
        found = known.get(body)
        if found is None:
            run = self._connection.execute
            row = run(f"SELECT id FROM {table} WHERE {column} = ?", (body,)).fetchone()
            if row is None:
                row = run(f"INSERT INTO {table} ({column}) VALUES (?) RETURNING id", (body,))
                row = row.fetchone()
            if len(known) > _KNOWN:
                known.clear()
            found = known[body] = int(row[0])
        return found
