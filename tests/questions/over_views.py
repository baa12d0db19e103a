"""The local store as one of another kind."""

from __future__ import annotations

from otelier.store.engine import Engine


class OverViews:
    """It has nothing but its views."""

    dialect = "any"

    def __init__(self, store: Engine) -> None:
        self.place = store.place
        self.ask = store.ask
        self.trace = store.trace
        self.close = store.close
