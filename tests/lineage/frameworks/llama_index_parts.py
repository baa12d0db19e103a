"""What the tests of LlamaIndex share: models that answer by rule, and an index of two documents."""

from __future__ import annotations

import asyncio
from typing import Any

from llama_index.core import VectorStoreIndex, set_global_tokenizer
from llama_index.core.schema import TextNode
from llama_index.embeddings.openai import OpenAIEmbedding
from llama_index.llms.openai import OpenAI

from tests.lineage.frameworks.replying import Say as Say
from tests.lineage.frameworks.replying import saying as saying
from tests.lineage.frameworks.replying import uses as uses
from tests.servers import ProviderServer

# The one that is theirs is loaded over the network.
set_global_tokenizer(str.split)


def model(server: ProviderServer, say: Say | None = None) -> OpenAI:
    if say is not None:
        server.route("/chat/completions", saying(say))
    return OpenAI(model="gpt-4o", **_where(server))


def _where(server: ProviderServer) -> dict[str, Any]:
    # Tests run several event loops, of which each has connections of its own.
    url = server.url + "/v1"
    return {"api_key": "k", "api_base": url, "max_retries": 0, "reuse_client": False}


def index(server: ProviderServer) -> VectorStoreIndex:
    nodes = [
        TextNode(text="Oslo is in Norway.", id_="n1", embedding=[1.0] + [0.0] * 7),
        TextNode(text="Rome is in Italy.", id_="n2", embedding=[0.0, 1.0] + [0.0] * 6),
    ]
    return VectorStoreIndex(nodes, embed_model=OpenAIEmbedding(**_where(server)))


def ask(runs: Any, question: str = "How is Oslo?", **more: Any) -> Any:
    """Run an agent in a loop of its own."""

    async def main() -> Any:
        return await runs.run(user_msg=question, **more)

    return asyncio.run(main())


def memory(conversation: str) -> Any:
    """A memory of a conversation; earlier versions know it by the key of its store alone."""
    from llama_index.core import memory as memories

    if hasattr(memories, "Memory"):
        return memories.Memory.from_defaults(session_id=conversation)
    return memories.ChatMemoryBuffer.from_defaults(chat_store_key=conversation)
