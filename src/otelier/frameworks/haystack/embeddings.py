"""Of which text an embedding is, within one run of a pipeline: what a search by it looks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from otelier import context as ctx
from otelier.frameworks.haystack.flows import Flow

# A loop that searches for ever holds no more than these.
_MOST: Final = 100
# So many numbers tell one embedding from another.
_TELLING: Final = 16


def note(inputs: Mapping[str, Any], result: Any) -> None:
    """An embedder may have answered: remember what it was given."""
    given = inputs.get("text")
    if type(given) is not str or type(result) is not dict:
        return
    key, flow = _key(result.get("embedding")), _flow()
    if key and flow is not None and flow.wants_content and len(flow.texts) < _MOST:
        flow.texts[key] = given


def text(embedding: Any) -> str | None:
    """The text that was embedded in this run, if it is known."""
    flow = _flow()
    if flow is None or not flow.texts:
        return None
    key = _key(embedding)
    return None if key is None else flow.texts.get(key)


def _flow() -> Flow | None:
    around = ctx.current().get(ctx.STEP)
    return around if type(around) is Flow else None


def _key(embedding: Any) -> tuple[Any, ...] | None:
    if type(embedding) is not list or not embedding or type(embedding[0]) is not float:
        return None
    return (len(embedding), *embedding[:_TELLING])
