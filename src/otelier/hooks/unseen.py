"""What libraries that are hooked can also do, and otelier makes no span of: told, not hidden.

``otelier doctor`` prints the rows of what is installed; the site's pages have them, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Unseen:
    """Calls of one library that leave no span of ours."""

    # As in table.LIBRARIES.
    distribution: str
    # What the user calls, as it stands in a program.
    what: str
    # What of it is seen nevertheless, or why nothing is: one line.
    why: str


UNSEEN: Final = (
    Unseen(
        "openai",
        "sessions of live.connect, live.create, live.forks, live.sideband",
        "no turns, and billed by the second; responses that live.connect delegates are seen",
    ),
    Unseen(
        "openai",
        "realtime.translations.connect",
        "a continuous stream without answers, whose usage is not told",
    ),
    Unseen(
        "openai",
        "realtime.calls, realtime.client_secrets",
        "the sound goes between OpenAI and the caller; realtime.connect to such a call is seen",
    ),
    Unseen(
        "openai",
        "batches, evals.runs, fine_tuning",
        "jobs: OpenAI makes the model calls later, and results come as files",
    ),
    Unseen(
        "openai",
        "beta.threads, beta.assistants",
        "deprecated by OpenAI in favour of responses, which are seen",
    ),
    Unseen(
        "openai",
        "beta.agents, beta.chatkit",
        "agents that run at OpenAI (beta): what they do is polled, or sent as events of many turns",
    ),
    Unseen(
        "openai",
        "audio.voices, content_provenance_checks",
        "they make or check a file: no model is asked by name, and nothing is generated",
    ),
    Unseen(
        "anthropic",
        "beta.sessions, beta.deployments.run, beta.dreams",
        "agents that run at Anthropic; tools that run here for them are seen",
    ),
    Unseen(
        "anthropic",
        "beta.agents, beta.memory_stores, beta.skills, files",
        "what is kept at Anthropic is managed by them, and no model is called",
    ),
    Unseen(
        "anthropic",
        "messages.batches.create",
        "a job: its answers are counted when its results are read, which is seen",
    ),
    Unseen(
        "anthropic",
        "attempts that BetaRefusalFallbackMiddleware retries",
        "one span, of the answer that came: what a refused attempt cost is not told with it",
    ),
    Unseen(
        "groq",
        "batches",
        "jobs: Groq makes the model calls later, and results come as files",
    ),
    Unseen(
        "together",
        "rerank, videos, realtime",
        "a ranking, jobs that are polled, and sessions of sound: paths of Together's own",
    ),
    Unseen(
        "together",
        "batches, evals, fine_tuning",
        "jobs: Together makes the model calls later, and results come as files",
    ),
    Unseen(
        "fireworks-ai",
        "batch_inference_jobs, evaluation_jobs, fine tuning",
        "jobs: Fireworks makes the model calls later, and results come as files",
    ),
    Unseen(
        "writer-sdk",
        "applications, graphs.question, vision, translation, tools.web_search",
        "agents and tools of Writer's own, whose answers tell no tokens",
    ),
    Unseen(
        "google-genai",
        "aio.live.connect, aio.live.music.connect",
        "sessions over a WebSocket; the program's own tool calls in them can be declared",
    ),
    Unseen(
        "google-genai",
        "batches, tunings, caches",
        "jobs: Google makes their calls later, and results come with the job or as files",
    ),
    Unseen(
        "google-genai",
        "operations.get of a video",
        "the video itself is fetched later; that it was begun is seen",
    ),
    Unseen(
        "google-genai",
        "file_search_stores, computeTokens, local tokenizers",
        "no model is called",
    ),
    Unseen(
        "botocore",
        "bedrock-runtime InvokeModelWithBidirectionalStream",
        "speech over HTTP/2, which botocore cannot do; SDKs that can are not hooked",
    ),
    Unseen(
        "botocore",
        "AgenticRetrieveStream, OptimizePrompt, StartFlowExecution, InvokeGuardrailChecks",
        "other operations of these services of Bedrock are seen",
    ),
    Unseen(
        "botocore",
        "results of bedrock-runtime StartAsyncInvoke, CreateModelInvocationJob",
        "a job: its results go to S3; that one was started with StartAsyncInvoke is seen",
    ),
    Unseen(
        "botocore",
        "bedrock-agentcore InvokeCodeInterpreter, InvokeBrowser, InvokeWebSearch, memory",
        "tools and stores of AgentCore; its InvokeAgentRuntime and InvokeHarness are seen",
    ),
    Unseen(
        "botocore",
        "bedrock-agentcore InvokeAgentRuntime of MCP servers",
        "a server of tools and no agent: an MCP client shows it",
    ),
    Unseen(
        "mistralai",
        "classifiers.classify, classifiers.classify_chat",
        "no operation of the conventions; moderations are seen",
    ),
    Unseen(
        "mistralai",
        "audio.realtime, audio.sessions, audio.agents",
        "sessions of sound over a WebSocket",
    ),
    Unseen(
        "mistralai",
        "workflows, batch.jobs, rag, context_search_indexes, connectors.call_tool",
        "they run at Mistral; results come apart from the call that began them",
    ),
    Unseen(
        "cohere",
        "classify, batches, embed_jobs, audio.transcriptions",
        "no operation of the conventions, or jobs whose results are fetched later",
    ),
    Unseen(
        "ollama",
        "web_search, web_fetch",
        "tools of Ollama's cloud: no model is called",
    ),
    Unseen(
        "huggingface-hub",
        "classification, detection and question answering tasks",
        "their answers are labels and spans of text; tasks that generate or embed are seen",
    ),
    Unseen(
        "xai-sdk",
        "video, batch, collections.search",
        "jobs that are polled, and a store; chat and images are seen",
    ),
    Unseen(
        "litellm",
        "anthropic.messages.create (synchronous)",
        "it makes no call of its own: the asynchronous one, and completion, are seen",
    ),
    Unseen(
        "litellm",
        "batches, fine_tuning, files, vector_stores, realtime, passthrough routes",
        "jobs and stores, and bytes that LiteLLM does not read",
    ),
    Unseen(
        "lm15",
        "live sessions, batches",
        "sessions over a WebSocket, and jobs whose results are fetched later",
    ),
    Unseen(
        "mcp",
        "notifications: progress, log messages, cancellation",
        "nobody answers them; requests are seen, also those of servers to their clients",
    ),
    Unseen(
        "openai-agents",
        "models of realtime and voice agents, runs of hosted tools",
        "sessions of sound, and tools that run at OpenAI: the model call's messages have these",
    ),
    Unseen(
        "llama-index-core",
        "embeddings without an SDK, ingestion pipelines",
        "no agent, tool or search; embeddings by an SDK are seen",
    ),
    Unseen(
        "claude-agent-sdk",
        "model calls of the CLI without a message (titles, compaction)",
        "they are in the totals of the agent's run",
    ),
    Unseen(
        "google-adk",
        "model calls of run_live",
        "sessions over a WebSocket; tools that they call are seen",
    ),
    Unseen(
        "crewai",
        "writes to memory, memories before CrewAI 1.10",
        "searches in memory and knowledge are seen",
    ),
    Unseen(
        "dspy",
        "code that an interpreter executes, tools of Avatar",
        "what the code calls is seen; declare the rest with @otelier.tool",
    ),
    Unseen(
        "smolagents",
        "tools in remote sandboxes, calls of tools that it refuses",
        "they do not run in this process, or not at all",
    ),
    Unseen(
        "haystack-ai",
        "retrievers of your own called outside of a pipeline, embedders in this process",
        "nothing of Haystack's runs there; declare them with @otelier.retrieval",
    ),
    Unseen(
        "agno",
        "runs in the background after they are handed over, agents of other servers",
        "they go on without the call that began them",
    ),
    Unseen(
        "semantic-kernel",
        "agents of your own made of Agent itself, model calls inside the Assistants API",
        "what such agents call is seen; OpenAI makes the calls of assistants",
    ),
)


def of(distribution: str) -> list[Unseen]:
    """The rows of one library."""
    return [row for row in UNSEEN if row.distribution == distribution]
