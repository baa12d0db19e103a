"""OpenAI vector stores: a search in one.

Wire format: OpenAI API reference, "Search vector store".
"""

from __future__ import annotations

from typing import Any, Final

from otelier import semconv, wire
from otelier.protocols import Content, Reply, Route, WholeReader, integer
from otelier.semconv import Attributes
from otelier.wire import Wire


def request(body: Wire) -> Attributes:
    """Attributes of a search."""
    most = integer(body.get("max_num_results"))
    return {} if most is None else {semconv.RETRIEVAL_TOP_K: most}


def content(body: Wire) -> Content:
    """What is looked for: a text, or several."""
    query = body.get("query")
    texts = [query] if isinstance(query, str) else wire.items(query)
    return Content(query="\n".join(text for text in texts if isinstance(text, str)) or None)


class Reader(WholeReader):
    """Reads a page of results."""

    __slots__ = ()

    def reply(self, complete: bool) -> Reply:
        """What was found."""
        reply = Reply()
        if self._keep:
            reply.documents = [
                _document(wire.fields(each)) for each in wire.items(self._raw.get("data"))
            ]
        return reply


def _document(raw: Wire) -> dict[str, Any]:
    texts = [wire.text(wire.fields(part).get("text")) for part in wire.items(raw.get("content"))]
    found = {
        "id": raw.get("file_id"),
        "score": raw.get("score"),
        "name": raw.get("filename"),
        "content": "\n".join(text for text in texts if text) or None,
    }
    return {name: value for name, value in found.items() if value is not None}


ROUTE: Final = Route(
    semconv.RETRIEVAL,
    request,
    content,
    Reader,
    named_by=semconv.DATA_SOURCE_ID,
    id_attribute=semconv.DATA_SOURCE_ID,
)
