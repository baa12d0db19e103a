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

# Agent frameworks: what is above the model calls.
FRAMEWORKS: Final = (
    Library(
        "langchain",
        "langchain-core",
        "langchain_core.tracers.context",
        "frameworks.langchain.callbacks",
    ),
    *(
        Library(
            "langchain", "langchain-core", "langchain_core.callbacks.manager", hook, optional=True
        )
        for hook in ("frameworks.langchain.models", "frameworks.langchain.given")
    ),
    Library(
        "langchain",
        "langchain-core",
        "langchain_core.runnables.config",
        "frameworks.langchain.contexts",
        optional=True,
    ),
    *(
        Library("langchain", "langchain-core", module, "frameworks.langchain.tools", optional=True)
        for module in ("langchain_core.tools.base", "langchain_core.tools")
    ),
    Library(
        "langchain",
        "langchain-core",
        "langchain_core.retrievers",
        "frameworks.langchain.searches",
    ),
    Library(
        "langchain",
        "langchain",
        "langchain.agents.factory",
        "frameworks.langchain.agents",
        optional=True,
    ),
    *(
        Library("langchain", "langgraph", module, "frameworks.langchain.contexts", optional=True)
        for module in ("langgraph._internal._runnable", "langgraph.utils.runnable")
    ),
    Library(
        "langchain",
        "langgraph",
        "langgraph.prebuilt.chat_agent_executor",
        "frameworks.langchain.agents",
        optional=True,
    ),
    *(
        Library("openai_agents", "openai-agents", module, f"frameworks.openai_agents.{hook}")
        for module, hook in (
            ("agents.tracing.spans", "spans"),
            ("agents.tracing.traces", "traces"),
            ("agents.tracing.provider", "naming"),
            ("agents.run", "runs"),
            ("agents.agent", "agents"),
            ("agents.tool_context", "calls"),
        )
    ),
    *(
        Library(
            "openai_agents",
            "openai-agents",
            module,
            "frameworks.openai_agents.asking",
            optional=True,
        )
        for module in ("agents.run_internal.run_loop", "agents.run")
    ),
    *(
        # Version 1, and version 2 with its own spans.
        Library("mcp", "mcp", f"mcp.shared.{module}", "frameworks.mcp.sending", moved=True)
        for module in ("session", "jsonrpc_dispatcher", "direct_dispatcher")
    ),
    *(
        Library("mcp", "mcp", module, "frameworks.mcp.serving", moved=True)
        for module in (
            "mcp.client.session",
            "mcp.server.lowlevel.server",
            "mcp.shared.session",
            "mcp.server._otel",
        )
    ),
    Library("mcp", "mcp", "mcp.shared._otel", "frameworks.mcp.native", optional=True),
    Library("mcp", "fastmcp", "fastmcp.telemetry", "frameworks.mcp.fastmcp", optional=True),
    *(
        Library("mcp", "mcp", module, "frameworks.mcp.transports", optional=True)
        for module in ("mcp.client.streamable_http", "mcp.shared.message")
    ),
    Library("pydantic_ai", "pydantic-ai-slim", "pydantic_ai", "frameworks.pydantic_ai.switch"),
    *(
        Library(
            "llama_index",
            "llama-index-core",
            module,
            "frameworks.llama_index.dispatching",
            moved=True,
        )
        for module in ("llama_index_instrumentation", "llama_index.core.instrumentation")
    ),
    *(
        Library(
            "llama_index",
            "llama-index-core",
            module,
            "frameworks.llama_index.futures",
            optional=True,
        )
        for module in ("workflows.workflow", "llama_index.core.workflow.workflow")
    ),
    Library(
        "llama_index",
        "llama-index-core",
        "llama_index.core.tools.function_tool",
        "frameworks.llama_index.threads",
        optional=True,
    ),
    Library(
        "claude_agent",
        "claude-agent-sdk",
        "claude_agent_sdk._internal.query",
        "frameworks.claude_agent.queries",
    ),
    Library(
        "claude_agent",
        "claude-agent-sdk",
        "claude_agent_sdk._internal.transport.subprocess_cli",
        "frameworks.claude_agent.prompts",
        optional=True,
    ),
    Library(
        "claude_agent",
        "claude-agent-sdk",
        "claude_agent_sdk",
        "frameworks.claude_agent.tools",
        optional=True,
    ),
    Library("crewai", "crewai", "crewai.crew", "frameworks.crewai.crews"),
    *(
        Library("crewai", "crewai", module, "frameworks.crewai.agents", moved=True)
        for module in ("crewai.agent.core", "crewai.agent")
    ),
    Library("crewai", "crewai", "crewai.lite_agent", "frameworks.crewai.agents", optional=True),
    Library("crewai", "crewai", "crewai.tools.base_tool", "frameworks.crewai.tools"),
    Library("crewai", "crewai", "crewai.tools.structured_tool", "frameworks.crewai.tools"),
    *(
        Library("crewai", "crewai", module, "frameworks.crewai.flows", moved=True)
        for module in ("crewai.flow.runtime", "crewai.flow.flow")
    ),
    Library("crewai", "crewai", "crewai.llms.base_llm", "frameworks.crewai.llms", optional=True),
    *(
        Library("crewai", "crewai", module, "frameworks.crewai.searches", optional=True)
        for module in ("crewai.knowledge.knowledge", "crewai.memory.unified_memory")
    ),
    Library("crewai", "crewai", "crewai.task", "frameworks.crewai.tasks", optional=True),
    *(
        Library("crewai", "crewai", module, "frameworks.crewai.executors", optional=True)
        for module in (
            "crewai.agents.agent_executor",
            "crewai.agents.step_executor",
            # Before 1.15.
            "crewai.agents.crew_agent_executor",
            "crewai.experimental.agent_executor",
        )
    ),
    Library("google_adk", "google-adk", "google.adk.telemetry", "frameworks.google_adk.native"),
    Library(
        "google_adk",
        "google-adk",
        "google.adk.telemetry._metrics",
        "frameworks.google_adk.metering",
        optional=True,
    ),
    *(
        Library("google_adk", "google-adk", module, "frameworks.google_adk.tools", moved=True)
        for module in (
            "google.adk.flows.llm_flows.functions",
            "google.adk.flows.llm_flows._tool_caller",
            "google.adk.flows.llm_flows.tools._caller",
            "google.adk.flows.llm_flows.tools._live_caller",
        )
    ),
    *(
        Library("google_adk", "google-adk", module, "frameworks.google_adk.tools", optional=True)
        for module in ("google.adk.tools.function_tool", "google.adk.tools.agent_tool")
    ),
    Library("strands", "strands-agents", "strands.telemetry.tracer", "frameworks.strands.native"),
    Library("strands", "strands-agents", "strands.agent.agent", "frameworks.strands.agents"),
    Library(
        "agent_framework",
        "agent-framework-core",
        "agent_framework.observability",
        "frameworks.agent_framework.native",
    ),
    Library(
        "agent_framework",
        "agent-framework-core",
        "agent_framework._tools",
        "frameworks.agent_framework.tools",
    ),
    Library(
        "agent_framework",
        "agent-framework-core",
        "agent_framework._agents",
        "frameworks.agent_framework.agents",
        optional=True,
    ),
    *(
        Library("autogen", "autogen-core", f"autogen_core.{module}", f"frameworks.autogen.{hook}")
        for module, hook in (
            ("_telemetry._genai", "native"),
            ("_telemetry._tracing", "runtime"),
            ("tools._function_tool", "tools"),
        )
    ),
    Library(
        "autogen",
        "autogen-agentchat",
        "autogen_agentchat.teams._group_chat._base_group_chat",
        "frameworks.autogen.teams",
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
