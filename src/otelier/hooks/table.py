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
    # Module of otelier whose ``patch(name, module, patches)`` does it; imported only then.
    hook: str
    # The same for the SDK's own telemetry: a module with ``native(module, patches)``.
    native: str | None = None
    # Not every version has this seam, and without it nothing is missing.
    optional: bool = False
    # Other versions have it at another module; in a module that is there it must be.
    moved: bool = False


LIBRARIES: Final = (
    Library("openai", "openai", "openai._base_client", "sdks.stainless.families"),
    Library(
        "openai",
        "openai",
        "openai._websocket_connection",
        "sdks.stainless.openai_websocket",
        optional=True,
    ),
    Library(
        "openai",
        "openai",
        "openai.resources.realtime.realtime",
        "sdks.stainless.openai_websocket",
        optional=True,
    ),
    Library(
        "openai",
        "openai",
        "openai.resources.beta.realtime.realtime",
        "sdks.stainless.openai_websocket",
        optional=True,
    ),
    Library(
        "openai",
        "openai",
        "openai.resources.responses.responses",
        "sdks.stainless.openai_websocket",
        optional=True,
    ),
    Library(
        "openai",
        "openai",
        "openai.resources.beta.responses.responses",
        "sdks.stainless.openai_websocket",
        optional=True,
    ),
    Library(
        "openai",
        "openai",
        "openai.resources.live.live",
        "sdks.stainless.openai_websocket",
        optional=True,
    ),
    Library(
        "openai",
        "openai",
        "openai.lib.responses_tool_runner",
        "sdks.stainless.openai_tools",
        optional=True,
    ),
    Library(
        "openai",
        "openai",
        "openai.lib.decisions_tool_runner",
        "sdks.stainless.openai_decisions",
        optional=True,
    ),
    Library(
        "anthropic",
        "anthropic",
        "anthropic._base_client",
        "sdks.stainless.families",
        native="sdks.stainless.anthropic_native",
    ),
    Library(
        "anthropic",
        "anthropic",
        "anthropic.lib.tools._beta_runner",
        "sdks.stainless.anthropic_tools",
        optional=True,
    ),
    Library(
        "anthropic",
        "anthropic",
        "anthropic.lib.tools._beta_session_runner",
        "sdks.stainless.anthropic_tools",
        optional=True,
    ),
    Library("groq", "groq", "groq._base_client", "sdks.stainless.families"),
    Library("together", "together", "together._base_client", "sdks.stainless.families"),
    Library(
        "cerebras",
        "cerebras-cloud-sdk",
        "cerebras.cloud.sdk._base_client",
        "sdks.stainless.families",
    ),
    Library("fireworks", "fireworks-ai", "fireworks._base_client", "sdks.stainless.families"),
    Library("writer", "writer-sdk", "writerai._base_client", "sdks.stainless.families"),
    Library("google_genai", "google-genai", "google.genai._api_client", "sdks.google_genai.client"),
    *(
        Library("google_genai", "google-genai", module, "sdks.google_genai.loops", optional=True)
        for module in ("google.genai.models", "google.genai.chats")
    ),
    Library(
        "google_genai",
        "google-genai",
        "google.genai._extra_utils",
        "sdks.google_genai.tools",
        optional=True,
    ),
    Library(
        "google_genai",
        "google-genai",
        "google.genai._interactions._base_client",
        "sdks.stainless.families",
        optional=True,
    ),
    Library(
        "google_genai",
        "google-genai",
        "google.genai._gaos.basesdk",
        "sdks.google_genai.interactions",
        optional=True,
    ),
    Library(
        "google_genai",
        "google-genai",
        "google.genai._gaos.utils.response_helpers",
        "sdks.google_genai.interactions",
        optional=True,
    ),
    Library("bedrock", "botocore", "botocore.client", "sdks.bedrock.client"),
    Library("bedrock", "aiobotocore", "aiobotocore.client", "sdks.bedrock.client"),
    *(
        Library(
            "mistralai", "mistralai", f"{root}.{module}", "sdks.mistral.client", native, moved=True
        )
        for root in (
            "mistralai.client",
            "mistralai.azure.client",
            "mistralai.gcp.client",
            # Before 2.0.
            "mistralai",
            "mistralai_azure",
            "mistralai_gcp",
        )
        for module, native in (("basesdk", "sdks.mistral.native"), ("utils.eventstreaming", None))
    ),
    Library(
        "mistralai",
        "mistralai",
        "mistralai.extra.run.context",
        "sdks.mistral.tools",
        native="sdks.mistral.tools",
        optional=True,
    ),
    Library("cohere", "cohere", "cohere.core.http_client", "sdks.cohere.client"),
    Library("cohere", "cohere", "cohere.client", "sdks.cohere.embed"),
    Library("ollama", "ollama", "ollama._client", "sdks.ollama"),
    Library("litellm", "litellm", "litellm", "sdks.litellm.client"),
    Library(
        "litellm",
        "litellm",
        "litellm.integrations.opentelemetry",
        "sdks.litellm.native",
        optional=True,
    ),
    Library(
        "huggingface_hub",
        "huggingface-hub",
        "huggingface_hub.inference._client",
        "sdks.huggingface",
    ),
    Library(
        "huggingface_hub",
        "huggingface-hub",
        "huggingface_hub.inference._generated._async_client",
        "sdks.huggingface",
    ),
    Library("xai", "xai-sdk", "xai_sdk.sync.chat", "sdks.xai", native="sdks.xai"),
    Library("xai", "xai-sdk", "xai_sdk.aio.chat", "sdks.xai", native="sdks.xai"),
    Library("xai", "xai-sdk", "xai_sdk.sync.image", "sdks.xai", native="sdks.xai"),
    Library("xai", "xai-sdk", "xai_sdk.aio.image", "sdks.xai", native="sdks.xai"),
)

# Agent frameworks: what is above the model calls. A row for each module that holds a seam: which
# module of the room patches it, the framework's module, and whether every version has it there.
_OPTIONAL: Final = "optional"
_MOVED: Final = "moved"


def _room(name: str, distribution: str, *rows: tuple[str, ...]) -> tuple[Library, ...]:
    """The rows of one framework; ``distribution`` is what these modules come with."""
    return tuple(
        Library(
            name,
            distribution,
            module,
            f"frameworks.{name}.{hook}",
            optional=_OPTIONAL in how,
            moved=_MOVED in how,
        )
        for hook, module, *how in rows
    )


FRAMEWORKS: Final = (
    *_room(
        "langchain",
        "langchain-core",
        ("callbacks", "langchain_core.tracers.context"),
        ("models", "langchain_core.callbacks.manager", _OPTIONAL),
        ("given", "langchain_core.callbacks.manager", _OPTIONAL),
        ("contexts", "langchain_core.runnables.config", _OPTIONAL),
        ("tools", "langchain_core.tools.base", _OPTIONAL),
        ("tools", "langchain_core.tools", _OPTIONAL),
        ("searches", "langchain_core.retrievers"),
    ),
    *_room(
        "langchain",
        "langchain",
        ("agents", "langchain.agents.factory", _OPTIONAL),
    ),
    *_room(
        "langchain",
        "langgraph",
        ("contexts", "langgraph._internal._runnable", _OPTIONAL),
        ("contexts", "langgraph.utils.runnable", _OPTIONAL),
        ("agents", "langgraph.prebuilt.chat_agent_executor", _OPTIONAL),
    ),
    *_room(
        "openai_agents",
        "openai-agents",
        ("spans", "agents.tracing.spans"),
        ("traces", "agents.tracing.traces"),
        ("naming", "agents.tracing.provider"),
        ("runs", "agents.run"),
        ("agents", "agents.agent"),
        ("calls", "agents.tool_context"),
        ("asking", "agents.run_internal.run_loop", _OPTIONAL),
        ("asking", "agents.run", _OPTIONAL),
    ),
    *_room(
        "mcp",
        "mcp",
        # Version 1, and version 2 with its own spans.
        ("sending", "mcp.shared.session", _MOVED),
        ("sending", "mcp.shared.jsonrpc_dispatcher", _MOVED),
        ("sending", "mcp.shared.direct_dispatcher", _MOVED),
        ("serving", "mcp.client.session", _MOVED),
        ("serving", "mcp.server.lowlevel.server", _MOVED),
        ("serving", "mcp.shared.session", _MOVED),
        ("serving", "mcp.server._otel", _MOVED),
        ("native", "mcp.shared._otel", _OPTIONAL),
        ("transports", "mcp.client.streamable_http", _OPTIONAL),
        ("transports", "mcp.shared.message", _OPTIONAL),
    ),
    *_room(
        "mcp",
        "fastmcp",
        ("fastmcp", "fastmcp.telemetry", _OPTIONAL),
    ),
    *_room(
        "pydantic_ai",
        "pydantic-ai-slim",
        ("switch", "pydantic_ai"),
    ),
    *_room(
        "llama_index",
        "llama-index-core",
        ("dispatching", "llama_index_instrumentation", _MOVED),
        ("dispatching", "llama_index.core.instrumentation", _MOVED),
        ("futures", "workflows.workflow", _OPTIONAL),
        ("futures", "llama_index.core.workflow.workflow", _OPTIONAL),
        ("threads", "llama_index.core.tools.function_tool", _OPTIONAL),
    ),
    *_room(
        "haystack",
        "haystack-ai",
        ("components", "haystack.core.component.component"),
        ("pipelines", "haystack.core.pipeline.pipeline"),
        ("pipelines", "haystack.core.pipeline.async_pipeline", _OPTIONAL),
        ("supers", "haystack.core.super_component.super_component", _OPTIONAL),
        ("agents", "haystack.components.agents.agent", _OPTIONAL),
        ("tools", "haystack.tools.tool", _OPTIONAL),
        ("calls", "haystack.components.agents.tool_calling", _OPTIONAL),
        ("calls", "haystack.components.tools.tool_invoker", _OPTIONAL),
        ("fallbacks", "haystack.components.generators.chat.fallback", _OPTIONAL),
        ("asking", "haystack.tracing.tracer", _OPTIONAL),
        ("asking", "haystack.components.agents.agent", _OPTIONAL),
        *(
            ("threads", f"haystack.components.{module}", _OPTIONAL)
            for module in (
                "retrievers.multi_retriever",
                "retrievers.multi_query_text_retriever",
                "retrievers.multi_query_embedding_retriever",
                "extractors.llm_metadata_extractor",
                "extractors.image.llm_document_content_extractor",
                "fetchers.link_content",
                "tools.tool_invoker",
            )
        ),
    ),
    *_room(
        "haystack",
        "haystack-experimental",
        ("agents", "haystack_experimental.components.agents.agent", _OPTIONAL),
    ),
    *_room(
        "claude_agent",
        "claude-agent-sdk",
        ("queries", "claude_agent_sdk._internal.query"),
        ("prompts", "claude_agent_sdk._internal.transport.subprocess_cli", _OPTIONAL),
        ("tools", "claude_agent_sdk", _OPTIONAL),
    ),
    *_room(
        "crewai",
        "crewai",
        ("crews", "crewai.crew"),
        ("agents", "crewai.agent.core", _MOVED),
        ("agents", "crewai.agent", _MOVED),
        ("agents", "crewai.lite_agent", _OPTIONAL),
        ("tools", "crewai.tools.base_tool"),
        ("tools", "crewai.tools.structured_tool"),
        ("flows", "crewai.flow.runtime", _MOVED),
        ("flows", "crewai.flow.flow", _MOVED),
        ("llms", "crewai.llms.base_llm", _OPTIONAL),
        ("searches", "crewai.knowledge.knowledge", _OPTIONAL),
        ("searches", "crewai.memory.unified_memory", _OPTIONAL),
        ("tasks", "crewai.task", _OPTIONAL),
        ("executors", "crewai.agents.agent_executor", _OPTIONAL),
        ("executors", "crewai.agents.step_executor", _OPTIONAL),
        # Before 1.15.
        ("executors", "crewai.agents.crew_agent_executor", _OPTIONAL),
        ("executors", "crewai.experimental.agent_executor", _OPTIONAL),
    ),
    *_room(
        "google_adk",
        "google-adk",
        ("native", "google.adk.telemetry"),
        ("metering", "google.adk.telemetry._metrics", _OPTIONAL),
        ("tools", "google.adk.flows.llm_flows.functions", _MOVED),
        ("tools", "google.adk.flows.llm_flows._tool_caller", _MOVED),
        ("tools", "google.adk.flows.llm_flows.tools._caller", _MOVED),
        ("tools", "google.adk.flows.llm_flows.tools._live_caller", _MOVED),
        ("tools", "google.adk.tools.function_tool", _OPTIONAL),
        ("tools", "google.adk.tools.agent_tool", _OPTIONAL),
    ),
    *_room(
        "strands",
        "strands-agents",
        ("native", "strands.telemetry.tracer"),
        ("agents", "strands.agent.agent"),
    ),
    *_room(
        "agent_framework",
        "agent-framework-core",
        ("native", "agent_framework.observability"),
        ("tools", "agent_framework._tools"),
        ("agents", "agent_framework._agents", _OPTIONAL),
    ),
    *_room(
        "autogen",
        "autogen-core",
        ("native", "autogen_core._telemetry._genai"),
        ("runtime", "autogen_core._telemetry._tracing"),
        ("tools", "autogen_core.tools._function_tool"),
    ),
    *_room(
        "autogen",
        "autogen-agentchat",
        ("teams", "autogen_agentchat.teams._group_chat._base_group_chat"),
    ),
)

# For programs that use no SDK: only if OTELIER_HTTP is set.
HTTP: Final = (
    Library("httpx", "httpx", "httpx._client", "sdks.http.httpx"),
    Library("httpx2", "httpx2", "httpx2._client", "sdks.http.httpx"),
    Library("requests", "requests", "requests.sessions", "sdks.http.requests"),
    Library("aiohttp", "aiohttp", "aiohttp.client", "sdks.http.aiohttp"),
)

# Where requests leave: only if OTELIER_PROPAGATE names hosts.
PROPAGATION: Final = tuple(
    Library("propagate", distribution, module, "hooks.propagating")
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
    Library("threads", "otelier", module, "hooks.threads")
    for module in ("threading", "concurrent.futures.thread", "multiprocessing.pool")
)

# OpenTelemetry's own exporters, whoever made them: their batches are bounded.
EXPORTERS: Final = tuple(
    Library(
        "otlp",
        "opentelemetry-exporter-otlp",
        f"opentelemetry.exporter.otlp.proto.{module}",
        "hooks.otlp",
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
    for library in (*LIBRARIES, *FRAMEWORKS, *HTTP, *PROPAGATION, *THREADS, *EXPORTERS)
    for name in (library.name, library.distribution)
) | {"*"}
