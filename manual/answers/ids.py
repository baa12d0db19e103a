"""Headers with the id of a request, in the place of OpenAI's own."""

from __future__ import annotations

from tests.servers.replies import Headers


def request(id: str) -> Headers:
    """Those of a provider that tells no more than that."""
    return {"x-request-id": id, "openai-organization": None, "openai-project": None}
