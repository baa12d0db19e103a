"""What Hugging Face's router answers on its page."""

from __future__ import annotations

from tests.servers import ProviderServer, Sse
from tests.servers.openai_chat import chat_chunks, chat_message, chat_usage

MODEL = "openai/gpt-oss-120b"
TREE = """
chat openai/gpt-oss-120b
"""
# The client asks the router's address, which has the prices; what it sends goes here.
BEFORE = """
import os

from wrapt import when_imported


@when_imported("huggingface_hub.utils._http")
def here(module):
    import httpx2

    def redirect(request):
        request.url = request.url.copy_with(
            scheme="http", host="127.0.0.1", port=int(os.environ["MANUAL_SERVER"])
        )

    module.set_client_factory(lambda: httpx2.Client(event_hooks={"request": [redirect]}))
"""


def answers(server: ProviderServer) -> dict[str, str]:
    """Script the server; the variables by which the SDK finds it."""
    said = chat_message("The Loire is the longest river in France.")
    chunks = chat_chunks(
        said, model=MODEL, include_usage=True, usage=chat_usage(75, 11), id="chatcmpl-7f3a91"
    )
    # The library asks for other things, too.
    server.route("/v1/chat/completions", Sse(chunks, headers=HEADERS))
    return {"HF_TOKEN": "hf_made_up", "MANUAL_SERVER": server.url.rpartition(":")[2]}


HEADERS: dict[str, str | None] = {
    "x-inference-provider": "together",
    "x-request-id": "Root=1-692aca91-5f0e",
    **dict.fromkeys(("openai-organization", "openai-project")),
}
