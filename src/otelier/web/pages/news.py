"""What changes when a store has something new."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

from otelier.store.engine import Engine

# A cluster always has something new: seconds until pages over it are made again.
_CLUSTER: Final = 10
# What a page may be of: the view that has its spans, and their column.
_WATCHED: Final = {
    "trace": ("spans", "trace_id"),
    "session": ("calls", "session"),
    "conversation": ("calls", "conversation"),
}


def version(engine: Engine, whose: Mapping[str, str]) -> str:
    """What changes when something has more spans, or the whole store has.

    ``whose``: what the request says: a trace, a session or a conversation, and of which tenant.
    """
    for name, (view, column) in _WATCHED.items():
        if whose.get(name):
            tenant = " AND tenant = :tenant" if view == "calls" and "tenant" in whose else ""
            found = engine.ask(
                f"SELECT count(*) AS spans, max(time) AS newest FROM otelier.{view} "
                f"WHERE {column} = :{name}{tenant}",
                {each: whose[each] for each in (name, "tenant") if each == name or tenant},
            )
            return " ".join(map(str, found.rows[0]))
    if engine.dialect == "sqlite":
        return str(engine.ask("SELECT max(id) FROM otelier.span").rows[0][0])
    return str(int(time.time()) // _CLUSTER)
