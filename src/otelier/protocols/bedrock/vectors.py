"""Embeddings and reranking on Amazon Bedrock, by InvokeModel and by Rerank.

Wire formats: Amazon Bedrock user guide, "Amazon Titan Embeddings", "Cohere Embed", "Cohere Rerank",
"Amazon Rerank"; Agents for Amazon Bedrock Runtime API reference, "Rerank". Of vectors only their
length is kept.
"""

from __future__ import annotations

from otelier import semconv, wire
from otelier.protocols import Content, Reply, WholeReader, integer, put, ranked, strings
from otelier.semconv import Attributes
from otelier.usage import Usage
from otelier.wire import Wire


def embedding_request(body: Wire) -> Attributes:
    """Attributes of an embedding's body."""
    found: Attributes = {}
    config = wire.fields(body.get("embeddingConfig"))
    single = wire.fields(body.get("singleEmbeddingParams"))
    for value in (
        body.get("dimensions"),
        body.get("output_dimension"),
        config.get("outputEmbeddingLength"),
        single.get("embeddingDimension"),
    ):
        if type(value) is int:
            found[semconv.EMBEDDINGS_DIMENSIONS] = value
    formats = strings(body.get("embeddingTypes") or body.get("embedding_types"))
    if formats:
        found[semconv.REQUEST_ENCODING_FORMATS] = formats
    texts = body.get("texts")
    found[semconv.EMBEDDINGS_INPUTS] = len(wire.items(texts)) if texts is not None else 1
    return found


def invoked_rerank_request(body: Wire) -> Attributes:
    """Attributes of a reranking's body."""
    most = integer(body.get("top_n"))
    return {} if most is None else {semconv.RETRIEVAL_TOP_K: most}


def invoked_rerank_content(body: Wire) -> Content:
    """What documents are compared with."""
    return Content(query=wire.text(body.get("query")))


class VectorReader(WholeReader):
    """Reads vectors: of them only their length, and the count of what went in."""

    __slots__ = ()

    def reply(self, complete: bool) -> Reply:
        """What was read."""
        reply = Reply()
        raw = self._raw
        put(reply.attributes, semconv.RESPONSE_ID, raw.get("id"))
        counted = wire.count(raw.get("inputTextTokenCount"))
        if counted is not None:
            reply.usage = Usage(input=counted)
        vector = wire.items(raw.get("embedding"))
        several = raw.get("embeddings")
        if not vector and wire.items(several):
            first = wire.items(several)[0]
            vector = wire.items(wire.fields(first).get("embedding")) or wire.items(first)
        if vector:
            reply.attributes[semconv.EMBEDDINGS_DIMENSIONS] = len(vector)
        return reply


class RankReader(WholeReader):
    """Reads the order that documents were brought into."""

    __slots__ = ()

    def reply(self, complete: bool) -> Reply:
        """What was read."""
        reply = Reply()
        if self._keep:
            reply.documents = ranked(self._raw.get("results"))
        return reply


def _ranking(body: Wire) -> Wire:
    config = wire.fields(body.get("rerankingConfiguration"))
    return wire.fields(config.get("bedrockRerankingConfiguration"))


def rerank_request(body: Wire) -> Attributes:
    """Attributes of a reranking."""
    config = _ranking(body)
    model = wire.fields(config.get("modelConfiguration"))
    found: Attributes = {}
    put(found, semconv.REQUEST_MODEL, model.get("modelArn"))
    most = integer(config.get("numberOfResults"))
    if most is not None:
        found[semconv.RETRIEVAL_TOP_K] = most
    return found


def rerank_content(body: Wire) -> Content:
    """What documents are compared with."""
    for query in wire.items(body.get("queries")):
        text = wire.text(wire.fields(wire.fields(query).get("textQuery")).get("text"))
        if text:
            return Content(query=text)
    return Content()
