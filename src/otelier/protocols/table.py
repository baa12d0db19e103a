"""Finds the route of a request by its method and path."""

from __future__ import annotations

from functools import lru_cache

from otelier.protocols import Route, Routes


class Table:
    """Finds the route of a request; remembers what it found."""

    def __init__(self, routes: Routes) -> None:
        self._routes = routes
        self._depth = max(suffix.count("/") for _, suffix in routes)
        self.find = lru_cache(maxsize=1024)(self._find)

    def _find(self, method: str, url: str) -> tuple[Route, str | None] | None:
        """The route, and the id in its path where it has one."""
        path = url.partition("?")[0].rstrip("/")
        segments = path.split("/")
        # The longest suffix wins: /chat/completions before /completions.
        for length in range(min(self._depth, len(segments)), 0, -1):
            tail = segments[-length:]
            route = self._routes.get((method, "/" + "/".join(tail)))
            if route is not None:
                return route, None
            for position in range(1, length):
                named = [*tail[:position], "{id}", *tail[position + 1 :]]
                route = self._routes.get((method, "/" + "/".join(named)))
                if route is not None:
                    return route, tail[position]
        return None
