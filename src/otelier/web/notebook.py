"""A trace that shows itself: in a notebook as HTML, elsewhere as the tree that a terminal shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from otelier import children, runtime
from otelier.store.spans import StoredSpan

# Seconds for what this program itself has finished and not stored yet.
_PATIENCE: Final = 2.0
_NEEDED: Final = ("jinja2", "markdown_it")


@dataclass(frozen=True, slots=True, repr=False)
class Trace:
    """The spans of one trace, in order of start. ``print(trace)`` shows them as a tree.

    In a notebook it is the page that ``otelier export --html`` writes, smaller and redacted alike;
    ``spans`` are as they were recorded.
    """

    spans: tuple[StoredSpan, ...]
    evaluations: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    """What was said of its spans, by their ids."""

    @property
    def id(self) -> str:
        """The trace's id."""
        return self.spans[0].trace_id

    def __str__(self) -> str:
        from otelier.viewer.tree import render

        return render(self.spans)

    def __repr__(self) -> str:
        return f"<Trace {self.id}: {len(self.spans):,} span{'s' * (len(self.spans) != 1)}>"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """What IPython shows where there is no HTML."""
        printer.text(str(self))

    def _repr_html_(self) -> str | None:
        """What a notebook shows; None without the packages of the extra ``ui``."""
        if any(find_spec(name) is None for name in _NEEDED):
            return None
        from otelier.web.sharing import fragment

        return fragment(self.spans, self.evaluations)


def trace(id: str | None = None, store: str | Path | None = None) -> Trace:
    """The trace whose id begins so, by default the newest, of a store (``OTELIER_STORE``).

    What this program has finished is stored first. Raises StoreError where there is no such trace,
    or more than one.
    """
    from otelier.store.evaluations import evaluations
    from otelier.store.finding import one
    from otelier.store.opening import opened

    if runtime.current() is not None:
        children.send(_PATIENCE)
    engine = opened(None if store is None else str(store))
    try:
        spans = one(engine, id or "")
        return Trace(tuple(spans), evaluations(engine, spans[0].trace_id))
    finally:
        engine.close()
