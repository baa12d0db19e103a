"""The Stainless SDKs, a row each.

To add one: a row here, a row in :data:`otelier.hooks.table.LIBRARIES`, and, where the provider has
a host of its own, one in :data:`otelier.identity.HOSTS`.
"""

from __future__ import annotations

from typing import Any, Final

from otelier.hooks import stainless
from otelier.hooks.patching import Patches
from otelier.hooks.stainless import Dialect
from otelier.protocols import routes

DIALECTS: Final = {
    dialect.library: dialect
    for dialect in (
        Dialect(
            "openai",
            routes.OPENAI,
            clients=(("BaseAzureClient", "azure.ai.openai"), ("BedrockOpenAI", "aws.bedrock")),
        ),
        Dialect(
            "anthropic",
            routes.ANTHROPIC,
            provider="anthropic",
            clients=(
                ("BaseBedrockClient", "aws.bedrock"),
                ("AnthropicBedrockMantle", "aws.bedrock"),
                ("BaseVertexClient", "gcp.vertex_ai"),
                ("BaseFoundryClient", "azure.ai.inference"),
            ),
        ),
        Dialect("groq", routes.COMPATIBLE, provider="groq"),
        Dialect("together", routes.COMPATIBLE, provider="together_ai"),
        Dialect("cerebras", routes.COMPATIBLE, provider="cerebras"),
        Dialect("fireworks", routes.COMPATIBLE, provider="fireworks_ai"),
        Dialect("writer", routes.WRITER, provider="writer"),
    )
}


def patch(library: str, module: Any, patches: Patches) -> str:
    """Patch a family member's ``_base_client``; what was patched. Raises LookupError."""
    return stainless.patch(module, DIALECTS[library], patches)
