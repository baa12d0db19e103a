"""The environments in which frameworks are tested: what is installed, and which files run there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / ".cache" / "frameworks"
NEWEST = ROOT / ".cache" / "newest" / "frameworks"
PINS = ROOT / "requirements" / "frameworks"
TOOLS = ("pytest>=8", "pytest-timeout>=2", "pytest-xdist>=3.6")


@dataclass(frozen=True)
class Row:
    """One environment: what is installed, and the test files that run in it."""

    name: str
    packages: tuple[str, ...]
    files: tuple[str, ...]
    # Run only when the oldest versions are asked for.
    oldest: bool = False
    # Environment variables of the framework's own that keep it off the network.
    environment: tuple[tuple[str, str], ...] = ()
    # With the newest versions of everything, in an environment beside the one with pinned versions.
    newest: bool = False

    @property
    def distribution(self) -> str:
        """The framework's own package: the first."""
        return re.split(r"[\[<>=!~]", self.packages[0])[0]

    @property
    def folder(self) -> Path:
        return (NEWEST if self.newest else CACHE) / self.name

    @property
    def pins(self) -> Path:
        """The versions of all that is installed: ``make update`` renews the file."""
        return PINS / f"{self.name}.txt"


def ordered(version: str) -> list[int]:
    """Sorts versions from the oldest to the newest."""
    return [int(part) for part in re.findall(r"\d+", version)]


# Servers whose tools ask models, and which are served by HTTP.
_FOR_MCP = ("openai", "opentelemetry-instrumentation-starlette")

# What ``pip install 'otelier[services]'`` brings.
_FOR_SERVICES = tuple(
    f"opentelemetry-instrumentation-{name}"
    for name in (
        *("aiohttp-client", "aiohttp-server", "asgi", "celery", "django", "fastapi", "flask"),
        *("httpx", "requests", "starlette"),
    )
)

# Of all frameworks, in the newest environment of each.
_ALL = ("test_who.py",)
_LANGCHAIN = (
    "test_langchain.py",
    "test_langchain_graphs.py",
    "test_langchain_models.py",
    "test_langchain_deep.py",
    "test_langchain_edges.py",
    "test_whose.py",
)
_OPENAI_AGENTS = (
    "test_openai_agents.py",
    "test_openai_agents_mcp.py",
    "test_openai_agents_models.py",
    "test_openai_agents_realtime.py",
    "test_openai_agents_settings.py",
)
_HAYSTACK = ("test_haystack.py", "test_haystack_agents.py")
_SEMANTIC_KERNEL = (
    "test_semantic_kernel.py",
    "test_semantic_kernel_kernels.py",
    "test_semantic_kernel_teams.py",
    "test_semantic_kernel_edges.py",
)
# CrewAI tells its makers of every run, and asks whether it may.
_AT_HOME = tuple(
    (f"CREWAI_{name}", "true")
    for name in ("DISABLE_TELEMETRY", "DISABLE_TRACKING", "DISABLE_VERSION_CHECK", "TESTING")
)
# Stores that need no server; one of them tells its makers of its use.
_STORES = ("chromadb>=1.5", "faiss-cpu", "qdrant-client>=1.20", "lancedb>=0.40", "pandas")
_IN_LLAMA_INDEX = ("chroma", "faiss", "qdrant", "lancedb")
_OF_STORES = ("chromadb", "qdrant", "lancedb")
_SILENT = (("ANONYMIZED_TELEMETRY", "False"),)

ROWS = (
    Row(
        "langchain",
        (
            *("langchain>=1.5", "langgraph>=1.2", "langchain-openai>=1.7", "deepagents>=0.7"),
            *("langchain-mcp-adapters", "langgraph-checkpoint-sqlite"),
        ),
        (*_LANGCHAIN, "test_langchain_thousand.py", *_ALL),
    ),
    Row(
        "langchain-beside",
        (
            *("langchain>=1.5", "langgraph>=1.2", "langchain-openai>=1.7", "langfuse"),
            *("opentelemetry-instrumentation-genai-langchain", "langsmith[otel]"),
            *(
                "openinference-instrumentation-langchain",
                "opentelemetry-instrumentation-langchain",
            ),
            # Of the models' calls: what a step costs is counted without them.
            "opentelemetry-instrumentation-genai-openai",
        ),
        ("test_langchain_given.py", "test_langchain_beside.py"),
    ),
    # The first create_agent, which no metadata tells.
    Row(
        "langchain-1.0",
        (
            *("langchain==1.0.5", "langgraph==1.0.5", "langgraph-prebuilt==1.0.5"),
            *("langchain-openai", "langgraph-checkpoint==3.0.1"),
            "langgraph-checkpoint-sqlite==3.0.0",
        ),
        _LANGCHAIN,
        oldest=True,
    ),
    Row(
        "langchain-0.2",
        (
            *("langchain==0.2.17", "langchain-core==0.2.43", "langchain-openai==0.1.25"),
            *("langgraph==0.2.4", "langgraph-checkpoint-sqlite<2", "httpx<0.28"),
        ),
        _LANGCHAIN,
        oldest=True,
    ),
    Row("dspy", ("dspy>=3.4", "numpy", "openai"), ("test_dspy.py", "test_dspy_models.py", *_ALL)),
    # All through LiteLLM.
    Row(
        "dspy-3.0",
        ("dspy==3.0.0", "openai"),
        ("test_dspy.py", "test_dspy_models.py"),
        oldest=True,
    ),
    Row(
        "dspy-oldest",
        # LiteLLM of those months.
        ("dspy==2.6.0", "litellm==1.57.4", "openai<2"),
        ("test_dspy.py", "test_dspy_models.py"),
        oldest=True,
    ),
    Row(
        "dspy-beside",
        (
            *("dspy>=3.4", "openinference-instrumentation-dspy"),
            "opentelemetry-instrumentation-genai-dspy",
            *("opentelemetry-instrumentation-genai-openai", "mlflow-skinny", "pandas"),
            "langchain-core",
        ),
        ("test_dspy_beside.py",),
    ),
    Row(
        "openai_agents",
        ("openai-agents>=0.24",),
        (*_OPENAI_AGENTS, "test_openai_agents_thousand.py", *_ALL),
    ),
    Row(
        "openai_agents-oldest",
        # Of the same months: it makes objects of the SDK's that later ones refuse.
        ("openai-agents==0.0.19", "openai==1.87.0", "mcp==1.30.0"),
        _OPENAI_AGENTS,
        oldest=True,
    ),
    Row(
        "openai_agents-beside",
        (
            *("openai-agents>=0.24", "openinference-instrumentation-openai-agents"),
            "opentelemetry-instrumentation-genai-openai-agents",
            "opentelemetry-instrumentation-openai-agents",
            "opentelemetry-instrumentation-genai-openai",
        ),
        ("test_openai_agents_beside.py",),
    ),
    Row(
        "openai_agents-logfire",
        ("openai-agents>=0.24", "logfire"),
        ("test_openai_agents_logfire.py",),
    ),
    Row(
        "smolagents",
        ("smolagents[openai,litellm]>=1.26",),
        ("test_smolagents.py", "test_smolagents_runs.py", "test_smolagents_models.py", *_ALL),
        environment=(("LITELLM_LOCAL_MODEL_COST_MAP", "True"),),
    ),
    Row(
        "smolagents-beside",
        (
            *("smolagents[openai]>=1.26", "openinference-instrumentation-smolagents"),
            # There are only such versions of it as come before the first.
            "opentelemetry-instrumentation-genai-smolagents>=1.0b0",
            "opentelemetry-instrumentation-genai-openai",
        ),
        ("test_smolagents_beside.py",),
    ),
    # Before, it cannot be imported without torch.
    Row(
        "smolagents-oldest",
        ("smolagents==1.6.0", "openai"),
        ("test_smolagents.py", "test_smolagents_runs.py", "test_smolagents_models.py"),
        oldest=True,
    ),
    Row("instructor", ("instructor>=1.17", "anthropic"), ("test_instructor.py",)),
    # Before, it does not stream with the pydantic of today.
    Row(
        "instructor-oldest",
        ("instructor==1.3.7", "anthropic"),
        ("test_instructor.py",),
        oldest=True,
    ),
    Row("mcp", ("mcp>=2.3", *_FOR_MCP), ("test_mcp.py", "test_mcp_processes.py", *_ALL)),
    Row("mcp-1", ("mcp>=1.30,<2", *_FOR_MCP), ("test_mcp.py", "test_mcp_processes.py", *_ALL)),
    Row(
        "mcp-1-oldest",
        ("mcp==1.3.0", "pydantic<2.11", "openai"),
        ("test_mcp.py", "test_mcp_processes.py"),
        oldest=True,
    ),
    Row(
        "mcp-2-oldest",
        ("mcp==2.0.0", "openai"),
        ("test_mcp.py", "test_mcp_processes.py"),
        oldest=True,
    ),
    Row(
        "mcp-beside",
        (
            *("mcp>=1.30,<2", "fastmcp>=3,<4", "logfire"),
            *("opentelemetry-instrumentation-mcp", "openinference-instrumentation-mcp"),
        ),
        ("test_mcp_beside.py",),
    ),
    Row(
        "mcp-agents",
        (
            *("openai-agents>=0.24", "langchain>=1.5", "langchain-openai>=1.7"),
            *("langchain-mcp-adapters>=0.3", "mcp>=1.30,<2"),
        ),
        ("test_mcp_agents.py",),
    ),
    Row("mcp-fastmcp", ("mcp>=2.3", "fastmcp>=4.2"), ("test_mcp_beside.py",)),
    # A kernel, without a browser.
    Row(
        "notebook", ("ipykernel>=7", "jupyter-client", "openai", "anthropic"), ("test_notebook.py",)
    ),
    Row(
        "pydantic_ai",
        ("pydantic-ai-slim[openai,anthropic]>=2.68",),
        ("test_pydantic_ai.py", *_ALL),
    ),
    Row(
        "pydantic_ai-beside",
        ("pydantic-ai-slim[openai,anthropic]>=2.68", "logfire"),
        ("test_pydantic_ai.py",),
    ),
    Row(
        "pydantic_ai-oldest",
        # Later ones of what it stands on have not what it imports.
        ("pydantic-ai-slim[openai]==1.0.0", "pydantic<2.12", "openai<2", "opentelemetry-sdk<1.37"),
        ("test_pydantic_ai.py",),
        oldest=True,
    ),
    Row(
        "llama_index",
        ("llama-index-core>=0.14", "llama-index-llms-openai", "llama-index-embeddings-openai"),
        ("test_llama_index.py", "test_llama_index_engines.py", *_ALL),
    ),
    Row(
        "llama_index-beside",
        (
            *("llama-index-core>=0.14", "llama-index-llms-openai"),
            *("llama-index-embeddings-openai", "llama-index-observability-otel"),
            "opentelemetry-instrumentation-genai-llama-index",
            "opentelemetry-instrumentation-llamaindex",
            "openinference-instrumentation-llama-index",
            "opentelemetry-instrumentation-genai-openai",
        ),
        ("test_llama_index_beside.py",),
    ),
    Row(
        "llama_index-oldest",
        (
            *("llama-index-core==0.11.0", "llama-index-llms-openai<0.3"),
            *("llama-index-embeddings-openai<0.3", "openai<2"),
        ),
        ("test_llama_index.py", "test_llama_index_engines.py"),
        oldest=True,
    ),
    Row(
        # The oldest one that has agents.
        "llama_index-oldest-agents",
        (
            *("llama-index-core==0.12.36", "llama-index-llms-openai==0.3.38"),
            *("llama-index-embeddings-openai<0.4", "openai<1.80"),
        ),
        ("test_llama_index.py", "test_llama_index_engines.py"),
        oldest=True,
    ),
    Row(
        "haystack",
        ("haystack-ai>=3.4", "qdrant-haystack", "opentelemetry-haystack", "mcp-haystack"),
        (*_HAYSTACK, *_ALL),
    ),
    Row("haystack-2", ("haystack-ai>=2.31,<3",), _HAYSTACK),
    Row(
        "haystack-beside",
        (
            *("haystack-ai>=3.4", "openinference-instrumentation-haystack"),
            *("opentelemetry-instrumentation-haystack", "opentelemetry-haystack"),
            *("langfuse-haystack", "opentelemetry-instrumentation-genai-openai"),
        ),
        ("test_haystack_beside.py",),
    ),
    # What Traceloop has is made for these.
    Row(
        "haystack-2-beside",
        (
            *("haystack-ai>=2.31,<3", "openinference-instrumentation-haystack"),
            *("opentelemetry-instrumentation-haystack", "langfuse-haystack"),
            "opentelemetry-instrumentation-genai-openai",
        ),
        ("test_haystack_beside.py",),
    ),
    # The last one with which the agents of haystack-experimental run.
    Row(
        "haystack-2.24",
        ("haystack-ai==2.24.0", "haystack-experimental==0.19.0.post1", "openai<2"),
        _HAYSTACK,
        oldest=True,
    ),
    Row(
        "haystack-oldest-agents",
        # It needs packages more than it says, and an SDK of the same months.
        ("haystack-ai==2.14.3", "openai<2", "docstring-parser", "jsonschema"),
        _HAYSTACK,
        oldest=True,
    ),
    # Pipelines and searches alone.
    Row("haystack-oldest", ("haystack-ai==2.0.1",), ("test_haystack.py",), oldest=True),
    Row(
        # Frameworks in each other and side by side.
        "crossings",
        (
            *("langchain>=1.5", "langgraph>=1.2", "langchain-openai>=1.7", "openai-agents"),
            *("llama-index-core>=0.14", "llama-index-llms-openai", "llama-index-embeddings-openai"),
            *("fastapi", "httpx", "opentelemetry-instrumentation-fastapi", "cohere"),
        ),
        ("test_crossings.py", "test_rag.py"),
    ),
    Row(
        "langchain-stores",
        (
            *("langchain-community>=0.4", "langchain>=1.5", "langchain-openai>=1.7", "cloudpickle"),
            *("langchain-classic", "rank-bm25", "scikit-learn", "lark"),
            *_STORES,
            *("langchain-chroma", "langchain-qdrant"),
        ),
        ("test_stores_langchain.py",),
        environment=_SILENT,
    ),
    Row(
        "langchain-stores-beside",
        (
            *("langchain-community>=0.4", "langchain-chroma", "langchain-qdrant", *_STORES),
            *(f"opentelemetry-instrumentation-{name}" for name in _OF_STORES),
            *("opentelemetry-instrumentation-langchain", "openinference-instrumentation-langchain"),
        ),
        ("test_stores_beside.py",),
        environment=_SILENT,
    ),
    Row(
        "llama_index-stores",
        (
            *("llama-index-core>=0.14", "llama-index-llms-openai", "llama-index-embeddings-openai"),
            *(f"llama-index-vector-stores-{name}" for name in _IN_LLAMA_INDEX),
            *("llama-index-retrievers-bm25", *_STORES),
        ),
        ("test_stores_llama_index.py",),
        environment=_SILENT,
    ),
    Row(
        # Of the same months: later stores refuse what these ask for.
        "stores-oldest",
        (
            *("langchain-community==0.2.19", "langchain==0.2.17", "langchain-core==0.2.43"),
            *("langchain-openai==0.1.25", "langchain-chroma==0.1.4", "langchain-qdrant==0.1.4"),
            *("langgraph==0.2.4", "langgraph-checkpoint<2", "httpx<0.28", "openai<2"),
            *("llama-index-core==0.11.0", "llama-index-llms-openai<0.3"),
            *("llama-index-embeddings-openai<0.3", "llama-index-retrievers-bm25<0.4"),
            *("llama-index-vector-stores-chroma==0.2.2", "llama-index-vector-stores-faiss==0.2.1"),
            "llama-index-vector-stores-qdrant==0.3.3",
            "llama-index-vector-stores-lancedb==0.2.4",
            *("chromadb==0.5.3", "faiss-cpu==1.8.0", "qdrant-client==1.11.3", "lancedb==0.14.0"),
            *("numpy<2", "pyarrow<19", "pandas", "posthog<4"),
            *("rank-bm25", "scikit-learn", "lark", "cloudpickle"),
        ),
        ("test_stores_langchain.py", "test_stores_llama_index.py"),
        oldest=True,
        environment=_SILENT,
    ),
    Row("claude_agent", ("claude-agent-sdk>=0.2",), ("test_claude_agent.py", *_ALL)),
    Row("claude_agent-mcp-1", ("claude-agent-sdk>=0.2", "mcp>=1.30,<2"), ("test_claude_agent.py",)),
    Row(
        "claude_agent-beside",
        ("claude-agent-sdk>=0.2", "openinference-instrumentation-claude-agent-sdk"),
        ("test_claude_agent.py",),
    ),
    Row(
        "claude_agent-oldest",
        # It takes what mcp has by then.
        ("claude-agent-sdk==0.0.23", "mcp<2"),
        ("test_claude_agent.py",),
        oldest=True,
    ),
    Row(
        "crewai",
        ("crewai>=1.15",),
        ("test_crewai.py", "test_crewai_flows.py", *_ALL),
        environment=_AT_HOME,
    ),
    Row(
        "crewai-beside",
        (
            *("crewai>=1.15", "openinference-instrumentation-crewai"),
            *("opentelemetry-instrumentation-crewai", "opentelemetry-instrumentation-genai-openai"),
        ),
        ("test_crewai_beside.py",),
        environment=_AT_HOME,
    ),
    Row(
        "crewai-oldest",
        ("crewai==0.130.0",),
        ("test_crewai.py", "test_crewai_flows.py"),
        oldest=True,
        environment=_AT_HOME,
    ),
    Row("agno", ("agno>=3.1", "openai"), ("test_agno.py", *_ALL)),
    Row(
        "agno-beside",
        (
            *("agno>=3.1", "openai", "openinference-instrumentation-agno"),
            *("opentelemetry-instrumentation-agno", "opentelemetry-instrumentation-genai-agno"),
            "opentelemetry-instrumentation-genai-openai",
        ),
        ("test_agno_beside.py",),
    ),
    Row("agno-oldest", ("agno==2.0.0", "openai<2", "fastapi"), ("test_agno.py",), oldest=True),
    Row("google_adk", ("google-adk>=2.13",), ("test_google_adk.py", "test_whose.py", *_ALL)),
    Row(
        "google_adk-beside",
        ("google-adk>=2.13", "opentelemetry-instrumentation-google-genai"),
        ("test_google_adk.py",),
    ),
    Row(
        "google_adk-litellm",
        ("google-adk>=2.13", "litellm"),
        ("test_google_adk.py",),
        environment=(("LITELLM_LOCAL_MODEL_COST_MAP", "True"),),
    ),
    Row(
        "google_adk-1",
        ("google-adk==1.20.0",),
        ("test_google_adk.py", "test_whose.py"),
        oldest=True,
    ),
    # It needs one package more than it says.
    Row(
        "google_adk-oldest",
        ("google-adk==1.0.0", "deprecated"),
        ("test_google_adk.py",),
        oldest=True,
    ),
    Row(
        "strands",
        ("strands-agents[openai]>=1.60",),
        ("test_strands.py", "test_whose.py", *_ALL),
    ),
    # Before, its spans are not current.
    Row("strands-oldest", ("strands-agents[openai]==1.2.0",), ("test_strands.py",), oldest=True),
    Row(
        "agent_framework",
        ("agent-framework-core>=1.23", "agent-framework-openai"),
        ("test_agent_framework.py", *_ALL),
    ),
    # Before, its telemetry is off by default.
    Row(
        "agent_framework-oldest",
        ("agent-framework-core==1.10.0", "agent-framework-openai==1.10.0"),
        ("test_agent_framework.py",),
        oldest=True,
    ),
    Row(
        "autogen",
        ("autogen-agentchat>=0.7", "autogen-ext[openai]"),
        ("test_autogen.py", *_ALL),
    ),
    Row(
        "autogen-beside",
        (
            *("autogen-agentchat>=0.7", "autogen-ext[openai]"),
            "openinference-instrumentation-autogen-agentchat",
        ),
        ("test_autogen_beside.py",),
    ),
    # Before, agents have no spans of their own.
    Row(
        "autogen-oldest",
        ("autogen-agentchat==0.6.2", "autogen-ext[openai]==0.6.2"),
        ("test_autogen.py",),
        oldest=True,
    ),
    Row("semantic_kernel", ("semantic-kernel>=1.45",), (*_SEMANTIC_KERNEL, *_ALL)),
    Row(
        "semantic_kernel-beside",
        ("semantic-kernel>=1.45", "openinference-instrumentation-openai"),
        ("test_semantic_kernel_beside.py",),
    ),
    # Before 1.36 its agents always have spans of their own, before 1.32 its functions' say little.
    Row(
        "semantic_kernel-1.32",
        ("semantic-kernel==1.32.0", "httpx"),
        _SEMANTIC_KERNEL,
        oldest=True,
    ),
    Row(
        "semantic_kernel-oldest",
        ("semantic-kernel==1.28.0", "httpx"),
        _SEMANTIC_KERNEL,
        oldest=True,
    ),
    # Services that ask each other, and workers, with the instrumentations that carry a trace.
    Row(
        "services",
        (
            *("fastapi>=0.115", "uvicorn>=0.40", "gunicorn>=23", "flask", "celery>=5.7"),
            *("openai", "httpx", "requests", "aiohttp", *_FOR_SERVICES),
        ),
        (
            *("../services/test_http.py", "../services/test_providers.py"),
            "../services/test_starting.py",
        ),
    ),
    Row(
        "services-workers",
        ("celery>=5.7", "redis", "gevent>=24", "openai", *_FOR_SERVICES),
        ("../services/test_celery.py", "../services/test_processes.py"),
    ),
    Row("services-ray", ("ray>=2.50", "openai"), ("../services/test_clusters.py",)),
    Row("services-dask", ("distributed>=2026", "openai"), ("../services/test_clusters.py",)),
)
