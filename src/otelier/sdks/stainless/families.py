"""The Stainless SDKs, a row each.

To add one: a row here, a row in :data:`otelier.hooks.table.LIBRARIES`, and, where the provider has
a host of its own, one in :data:`otelier.identity.HOSTS`.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any, Final

from otelier import guard
from otelier.hooks.patching import Patches
from otelier.protocols import routes
from otelier.sdks.stainless import client as stainless
from otelier.sdks.stainless.client import Dialect

DIALECTS: Final = {
    dialect.library: dialect
    for dialect in (
        Dialect(
            "openai",
            routes.OPENAI,
            assumed="openai",
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
        Dialect("fireworks", routes.FIREWORKS, provider="fireworks_ai"),
        Dialect("writer", routes.WRITER, provider="writer"),
    )
}


def patch(library: str, module: Any, patches: Patches) -> str:
    """Patch a family member's ``_base_client``; what was patched. Raises LookupError."""
    _load_httpx2()
    return stainless.patch(module, _dialect(library), patches)


def _dialect(library: str) -> Dialect:
    if library != "google_genai":
        return DIALECTS[library]
    # Interactions, until google-genai made them by another generator.
    from otelier.protocols.gemini import interactions

    return Dialect(library, interactions.ROUTES, provider="gcp.gemini")


def _load_httpx2() -> None:
    # openai 2.4x and later 2.x takes httpx2's classes as soon as the module is listed, though a
    # thread may still be at importing it, as the one is that loads prices: then calls fail.
    if "openai._httpx2" in sys.modules and "httpx2" not in sys.modules:
        try:
            import_module("httpx2")
        except Exception:
            guard.failed("families.httpx2")
