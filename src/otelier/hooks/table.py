"""All libraries that otelier hooks: where, how, and between which versions that was tested.

A new SDK of the Stainless family is one row. Nothing here imports an SDK.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Library(NamedTuple):
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


_OPTIONAL: Final = "optional"
_MOVED: Final = "moved"


def _sdk(
    name: str, distribution: str, *rows: tuple[str, ...], native: str | None = None
) -> tuple[Library, ...]:
    """The rows of one SDK: which module of ``sdks`` patches it, the SDK's module, and how.

    How: whether every version has it (``_OPTIONAL``), or elsewhere (``_MOVED``).
    """
    return _hooks(name, distribution, "sdks", rows, native)


def _room(name: str, distribution: str, *rows: tuple[str, ...]) -> tuple[Library, ...]:
    """The same of one framework, whose room has its name; ``distribution`` is what these are of."""
    return _hooks(name, distribution, f"frameworks.{name}", rows, None)


def _hooks(
    name: str, distribution: str, folder: str, rows: tuple[tuple[str, ...], ...], native: str | None
) -> tuple[Library, ...]:
    return tuple(
        Library(
            name,
            distribution,
            module,
            f"{folder}.{hook}",
            native,
            optional=_OPTIONAL in how,
            moved=_MOVED in how,
        )
        for hook, module, *how in rows
    )


LIBRARIES: Final = (
    *_sdk(
        "openai",
        "openai",
        ("stainless.families", "openai._base_client"),
        ("stainless.openai_websocket", "openai._websocket_connection", _OPTIONAL),
        ("stainless.openai_websocket", "openai.resources.realtime.realtime", _OPTIONAL),
        ("stainless.openai_websocket", "openai.resources.beta.realtime.realtime", _OPTIONAL),
        ("stainless.openai_websocket", "openai.resources.responses.responses", _OPTIONAL),
        ("stainless.openai_websocket", "openai.resources.beta.responses.responses", _OPTIONAL),
        ("stainless.openai_websocket", "openai.resources.live.live", _OPTIONAL),
        ("stainless.openai_tools", "openai.lib.responses_tool_runner", _OPTIONAL),
        ("stainless.openai_decisions", "openai.lib.decisions_tool_runner", _OPTIONAL),
    ),
    *_sdk(
        "anthropic",
        "anthropic",
        ("stainless.families", "anthropic._base_client"),
        native="sdks.stainless.anthropic_native",
    ),
    *_sdk(
        "anthropic",
        "anthropic",
        ("stainless.anthropic_tools", "anthropic.lib.tools._beta_runner", _OPTIONAL),
        ("stainless.anthropic_tools", "anthropic.lib.tools._beta_session_runner", _OPTIONAL),
    ),
    *_sdk("groq", "groq", ("stainless.families", "groq._base_client")),
    *_sdk("together", "together", ("stainless.families", "together._base_client")),
    *_sdk(
        "cerebras", "cerebras-cloud-sdk", ("stainless.families", "cerebras.cloud.sdk._base_client")
    ),
    *_sdk("fireworks", "fireworks-ai", ("stainless.families", "fireworks._base_client")),
    *_sdk("writer", "writer-sdk", ("stainless.families", "writerai._base_client")),
    *_sdk(
        "google_genai",
        "google-genai",
        ("google_genai.client", "google.genai._api_client"),
        ("google_genai.loops", "google.genai.models", _OPTIONAL),
        ("google_genai.loops", "google.genai.chats", _OPTIONAL),
        ("google_genai.tools", "google.genai._extra_utils", _OPTIONAL),
        ("stainless.families", "google.genai._interactions._base_client", _OPTIONAL),
        ("google_genai.interactions", "google.genai._gaos.basesdk", _OPTIONAL),
        ("google_genai.interactions", "google.genai._gaos.utils.response_helpers", _OPTIONAL),
    ),
    *_sdk("bedrock", "botocore", ("bedrock.client", "botocore.client")),
    *_sdk("bedrock", "aiobotocore", ("bedrock.client", "aiobotocore.client")),
    *(
        row
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
        for row in _sdk(
            "mistralai",
            "mistralai",
            ("mistral.client", f"{root}.{module}", _MOVED),
            native=native,
        )
    ),
    *_sdk(
        "mistralai",
        "mistralai",
        ("mistral.tools", "mistralai.extra.run.context", _OPTIONAL),
        native="sdks.mistral.tools",
    ),
    *_sdk(
        "cohere",
        "cohere",
        ("cohere.client", "cohere.core.http_client"),
        ("cohere.embed", "cohere.client"),
    ),
    *_sdk("ollama", "ollama", ("ollama", "ollama._client")),
    *_sdk(
        "litellm",
        "litellm",
        ("litellm.client", "litellm"),
        ("litellm.native", "litellm.integrations.opentelemetry", _OPTIONAL),
    ),
    *_sdk(
        "huggingface_hub",
        "huggingface-hub",
        ("huggingface", "huggingface_hub.inference._client"),
        ("huggingface", "huggingface_hub.inference._generated._async_client"),
    ),
    *_sdk(
        "lm15",
        "lm15",
        ("lm15", "lm15.transports._sync"),
        ("lm15", "lm15.transports._async"),
        # As DSPy brings it along.
        ("lm15", "dspy._vendor.lm15.transports._sync"),
        ("lm15", "dspy._vendor.lm15.transports._async"),
    ),
    *_sdk(
        "xai",
        "xai-sdk",
        ("xai", "xai_sdk.sync.chat"),
        ("xai", "xai_sdk.aio.chat"),
        ("xai", "xai_sdk.sync.image"),
        ("xai", "xai_sdk.aio.image"),
        native="sdks.xai",
    ),
)

# Agent frameworks: what is above the model calls. A row for each module that holds a seam.
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
        ("stores", "langchain_core.vectorstores.base", _OPTIONAL),
        ("stores", "langchain_core.vectorstores", _OPTIONAL),
    ),
    *_room(
        "langchain", "langchain-chroma", ("answering", "langchain_chroma.vectorstores", _OPTIONAL)
    ),
    *_room(
        "langchain",
        "langchain-community",
        ("answering", "langchain_community.vectorstores.chroma", _OPTIONAL),
        ("answering", "langchain_community.vectorstores.lancedb", _OPTIONAL),
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
        "dspy",
        "dspy",
        # Before 3.0 in a module of another name.
        ("programs", "dspy.primitives.module", _MOVED),
        ("programs", "dspy.primitives.program", _MOVED),
        ("tools", "dspy.adapters.types.tool", _MOVED),
        ("tools", "dspy.primitives.tool", _MOVED),
        ("tools", "dspy.predict.react", _MOVED),
        ("calls", "dspy.predict.react_v2", _OPTIONAL),
        ("models", "dspy.clients.base_lm"),
        ("models", "dspy.clients.execution", _OPTIONAL),
        ("threads", "dspy.utils.parallelizer"),
        ("wording", "dspy.utils.exceptions", _OPTIONAL),
        ("wording", "dspy.predict.react", _OPTIONAL),
        ("warned", "dspy.clients._deprecation", _OPTIONAL),
        ("searches", "dspy.retrievers.retrieve", _MOVED),
        ("searches", "dspy.retrieve.retrieve", _MOVED),
        ("searches", "dspy.retrievers.embeddings", _OPTIONAL),
        ("searches", "dspy.dsp.colbertv2", _OPTIONAL),
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
        "smolagents",
        "smolagents",
        ("agents", "smolagents.agents"),
        ("calls", "smolagents.agents", _OPTIONAL),
        ("threads", "smolagents.agents", _OPTIONAL),
        ("tools", "smolagents.tools"),
        ("code", "smolagents.local_python_executor"),
        ("threads", "smolagents.local_python_executor", _OPTIONAL),
        ("models", "smolagents.models"),
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
        ("stores", "llama_index.core.vector_stores.types", _OPTIONAL),
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
        "agno",
        "agno",
        ("runs", "agno.agent.agent"),
        ("runs", "agno.team.team"),
        ("runs", "agno.workflow.workflow"),
        ("sessions", "agno.agent._run", _OPTIONAL),
        ("sessions", "agno.team._init", _OPTIONAL),
        ("threads", "agno.agent.agent", _OPTIONAL),
        ("threads", "agno.team._init", _OPTIONAL),
        ("tools", "agno.tools.function"),
        ("inner", "agno.workflow.step", _OPTIONAL),
        ("searches", "agno.knowledge.knowledge", _OPTIONAL),
        ("llms", "agno.models.base"),
    ),
    *_room(
        "google_adk",
        "google-adk",
        ("native", "google.adk.telemetry"),
        ("metering", "google.adk.telemetry._metrics", _OPTIONAL),
        ("users", "google.adk.telemetry.tracing", _OPTIONAL),
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
    *_room(
        "semantic_kernel",
        "semantic-kernel",
        ("functions", "semantic_kernel.utils.telemetry.model_diagnostics.function_tracer"),
        ("native", "semantic_kernel.utils.telemetry.model_diagnostics.decorators"),
        ("switches", "semantic_kernel.utils.telemetry.agent_diagnostics.decorators"),
        ("older", "semantic_kernel.utils.telemetry.agent_diagnostics.decorators", _OPTIONAL),
        ("older", "semantic_kernel.functions.kernel_function", _OPTIONAL),
        ("older", "semantic_kernel.kernel", _OPTIONAL),
        ("calls", "semantic_kernel.filters.kernel_filters_extension"),
        ("streams", "semantic_kernel.functions.kernel_function"),
        ("prompts", "semantic_kernel.kernel"),
        ("loops", "semantic_kernel.connectors.ai.chat_completion_client_base"),
        ("threads", "semantic_kernel.agents.agent"),
        ("agents", "semantic_kernel.agents.chat_completion.chat_completion_agent"),
        ("agents", "semantic_kernel.agents.open_ai.openai_assistant_agent", _OPTIONAL),
        ("agents", "semantic_kernel.agents.open_ai.openai_responses_agent", _OPTIONAL),
        ("agents", "semantic_kernel.agents.azure_ai.azure_ai_agent", _OPTIONAL),
        ("agents", "semantic_kernel.agents.bedrock.bedrock_agent", _OPTIONAL),
        ("agents", "semantic_kernel.agents.copilot_studio.copilot_studio_agent", _OPTIONAL),
        ("agents", "semantic_kernel.agents.autogen.autogen_conversable_agent", _OPTIONAL),
        ("chats", "semantic_kernel.agents.group_chat.agent_group_chat"),
        ("orchestrations", "semantic_kernel.agents.orchestration.orchestration_base", _OPTIONAL),
        ("messages", "semantic_kernel.agents.runtime.in_process.in_process_runtime", _OPTIONAL),
        (
            "processes",
            "semantic_kernel.processes.local_runtime.local_kernel_process_context",
            _OPTIONAL,
        ),
        ("processes", "semantic_kernel.processes.local_runtime.local_step", _OPTIONAL),
        ("searches", "semantic_kernel.data.vector", _OPTIONAL),
        ("memories", "semantic_kernel.memory.semantic_text_memory", _OPTIONAL),
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

# The standard library's threads, processes and pools of them: only if OTELIER_THREADS is set.
THREADS: Final = tuple(
    Library("threads", "otelier", module, "hooks.threads")
    for module in ("threading", "concurrent.futures.thread", "multiprocessing.pool")
) + tuple(
    # Pools of processes after those of threads, which take the same functions from them.
    Library("threads", "otelier", module, "hooks.processes")
    for module in ("multiprocessing.process", "concurrent.futures.process", "multiprocessing.pool")
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
