"""What the provider of the page of Amazon Bedrock answers."""

from __future__ import annotations

from tests.servers import Json, ProviderServer, bedrock_wire

TREE = """
retrieval KB12345678
chat global.anthropic.claude-sonnet-5-5
agent
"""
# Without what the server adds to answers at paths that it does not know.
HEADERS = {
    **bedrock_wire.HEADERS,
    **dict.fromkeys(("x-request-id", "openai-organization", "openai-project")),
}


def answers(server: ProviderServer) -> dict[str, str]:
    """Script the server; the variables by which the SDK finds it."""
    found = {
        "content": {"text": "Everybody has 30 days of leave a year.", "type": "TEXT"},
        "location": {"type": "S3", "s3Location": {"uri": "s3://handbook/leave.md"}},
        "score": 0.71,
    }
    usage = {"inputTokens": 37, "outputTokens": 21, "totalTokens": 58}
    server.script(
        Json({"retrievalResults": [found]}, headers=bedrock_wire.HEADERS),
        bedrock_wire.converse_stream(
            "You have ", "30 days of leave", " a year.", usage=usage, metrics={"latencyMs": 640}
        ),
        Json({"result": "It arrives tomorrow."}, headers=HEADERS),
    )
    return {
        "AWS_ENDPOINT_URL": server.url,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "made-up",
        "AWS_SECRET_ACCESS_KEY": "made-up",
    }
