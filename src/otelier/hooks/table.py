"""All libraries that otelier hooks: where, how, and between which versions that was tested.

A new SDK of the Stainless family is one row. Nothing here imports an SDK.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Library:
    """One hook of one library."""

    # What the user disables it by; several hooks may share it.
    name: str
    # The distribution, for its version.
    distribution: str
    # Patched as soon as this module is imported.
    module: str
    # Module in otelier.hooks whose ``patch(name, module, patches)`` does it; imported only then.
    hook: str
    # The same for the SDK's own telemetry: a function in otelier.hooks.native.
    native: str | None = None
    # Not every version has this seam, and without it nothing is missing.
    optional: bool = False


LIBRARIES: Final = (
    Library("openai", "openai", "openai._base_client", "families"),
    Library("openai", "openai", "openai._websocket_connection", "openai_websocket", optional=True),
    Library(
        "openai", "openai", "openai.resources.realtime.realtime", "openai_websocket", optional=True
    ),
    Library(
        "openai",
        "openai",
        "openai.resources.beta.realtime.realtime",
        "openai_websocket",
        optional=True,
    ),
    Library(
        "openai",
        "openai",
        "openai.resources.responses.responses",
        "openai_websocket",
        optional=True,
    ),
    Library(
        "openai",
        "openai",
        "openai.resources.beta.responses.responses",
        "openai_websocket",
        optional=True,
    ),
    Library(
        "openai",
        "openai",
        "openai.lib.responses_tool_runner",
        "openai_tools",
        optional=True,
    ),
    Library("anthropic", "anthropic", "anthropic._base_client", "families", native="anthropic"),
    Library(
        "anthropic",
        "anthropic",
        "anthropic.lib.tools._beta_runner",
        "anthropic_tools",
        optional=True,
    ),
    Library(
        "anthropic",
        "anthropic",
        "anthropic.lib.tools._beta_session_runner",
        "anthropic_tools",
        optional=True,
    ),
    Library("groq", "groq", "groq._base_client", "families"),
    Library("together", "together", "together._base_client", "families"),
    Library("cerebras", "cerebras-cloud-sdk", "cerebras.cloud.sdk._base_client", "families"),
    Library("fireworks", "fireworks-ai", "fireworks._base_client", "families"),
    Library("writer", "writer-sdk", "writerai._base_client", "families"),
    Library("google_genai", "google-genai", "google.genai._api_client", "google_genai"),
    Library("bedrock", "botocore", "botocore.client", "bedrock"),
    Library("bedrock", "aiobotocore", "aiobotocore.client", "bedrock"),
    Library("mistralai", "mistralai", "mistralai.client.basesdk", "mistral"),
    Library("mistralai", "mistralai", "mistralai.basesdk", "mistral"),
    Library("cohere", "cohere", "cohere.core.http_client", "cohere"),
    Library("ollama", "ollama", "ollama._client", "ollama"),
    Library("litellm", "litellm", "litellm.main", "litellm"),
    Library(
        "huggingface_hub", "huggingface-hub", "huggingface_hub.inference._client", "huggingface"
    ),
    Library("xai", "xai-sdk", "xai_sdk.sync.chat", "xai"),
    Library("xai", "xai-sdk", "xai_sdk.aio.chat", "xai"),
)

# For programs that use no SDK: only if OTELIER_HTTP is set.
HTTP: Final = (
    Library("httpx", "httpx", "httpx._client", "http"),
    Library("httpx2", "httpx2", "httpx2._client", "http"),
    Library("requests", "requests", "requests.sessions", "http_requests"),
    Library("aiohttp", "aiohttp", "aiohttp.client", "http_aiohttp"),
)
