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
    # Other versions have it at another module; in a module that is there it must be.
    moved: bool = False


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
    Library("openai", "openai", "openai.resources.live.live", "openai_websocket", optional=True),
    Library(
        "openai",
        "openai",
        "openai.lib.responses_tool_runner",
        "openai_tools",
        optional=True,
    ),
    Library(
        "openai",
        "openai",
        "openai.lib.decisions_tool_runner",
        "openai_decisions",
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
    *(
        Library("google_genai", "google-genai", module, "google_genai_loops", optional=True)
        for module in ("google.genai.models", "google.genai.chats")
    ),
    Library(
        "google_genai",
        "google-genai",
        "google.genai._extra_utils",
        "google_genai_tools",
        optional=True,
    ),
    Library(
        "google_genai",
        "google-genai",
        "google.genai._interactions._base_client",
        "families",
        optional=True,
    ),
    Library(
        "google_genai",
        "google-genai",
        "google.genai._gaos.basesdk",
        "google_genai_interactions",
        optional=True,
    ),
    Library(
        "google_genai",
        "google-genai",
        "google.genai._gaos.utils.response_helpers",
        "google_genai_interactions",
        optional=True,
    ),
    Library("bedrock", "botocore", "botocore.client", "bedrock"),
    Library("bedrock", "aiobotocore", "aiobotocore.client", "bedrock"),
    *(
        Library("mistralai", "mistralai", f"{root}.{module}", "mistral", native, moved=True)
        for root in (
            "mistralai.client",
            "mistralai.azure.client",
            "mistralai.gcp.client",
            # Before 2.0.
            "mistralai",
            "mistralai_azure",
            "mistralai_gcp",
        )
        for module, native in (("basesdk", "mistral"), ("utils.eventstreaming", None))
    ),
    Library(
        "mistralai",
        "mistralai",
        "mistralai.extra.run.context",
        "mistral_tools",
        native="mistral_tools",
        optional=True,
    ),
    Library("cohere", "cohere", "cohere.core.http_client", "cohere"),
    Library("cohere", "cohere", "cohere.client", "cohere_embed"),
    Library("ollama", "ollama", "ollama._client", "ollama"),
    Library("litellm", "litellm", "litellm", "litellm"),
    Library(
        "litellm",
        "litellm",
        "litellm.integrations.opentelemetry",
        "litellm_native",
        optional=True,
    ),
    Library(
        "huggingface_hub", "huggingface-hub", "huggingface_hub.inference._client", "huggingface"
    ),
    Library(
        "huggingface_hub",
        "huggingface-hub",
        "huggingface_hub.inference._generated._async_client",
        "huggingface",
    ),
    Library("xai", "xai-sdk", "xai_sdk.sync.chat", "xai", native="xai"),
    Library("xai", "xai-sdk", "xai_sdk.aio.chat", "xai", native="xai"),
    Library("xai", "xai-sdk", "xai_sdk.sync.image", "xai", native="xai"),
    Library("xai", "xai-sdk", "xai_sdk.aio.image", "xai", native="xai"),
)

# For programs that use no SDK: only if OTELIER_HTTP is set.
HTTP: Final = (
    Library("httpx", "httpx", "httpx._client", "http"),
    Library("httpx2", "httpx2", "httpx2._client", "http"),
    Library("requests", "requests", "requests.sessions", "http_requests"),
    Library("aiohttp", "aiohttp", "aiohttp.client", "http_aiohttp"),
)

# Where requests leave: only if OTELIER_PROPAGATE names hosts.
PROPAGATION: Final = tuple(
    Library("propagate", distribution, module, "propagating")
    for distribution, module in (
        ("httpx", "httpx._client"),
        ("httpx2", "httpx2._client"),
        ("requests", "requests.adapters"),
        ("aiohttp", "aiohttp.client_reqrep"),
        ("botocore", "botocore.endpoint"),
        ("aiobotocore", "aiobotocore.endpoint"),
    )
)

# The standard library's threads and pools of them: only if OTELIER_THREADS is set.
THREADS: Final = tuple(
    Library("threads", "otelier", module, "threads")
    for module in ("threading", "concurrent.futures.thread", "multiprocessing.pool")
)

# OpenTelemetry's own exporters, whoever made them: their batches are bounded.
EXPORTERS: Final = tuple(
    Library(
        "otlp", "opentelemetry-exporter-otlp", f"opentelemetry.exporter.otlp.proto.{module}", "otlp"
    )
    for module in (
        "http.trace_exporter",
        "http._log_exporter",
        "grpc.trace_exporter",
        "grpc._log_exporter",
    )
)

# What may stand in a list of libraries to leave alone.
NAMES: Final = frozenset(
    name
    for library in (*LIBRARIES, *HTTP, *PROPAGATION, *THREADS, *EXPORTERS)
    for name in (library.name, library.distribution)
) | {"*"}
