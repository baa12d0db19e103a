"""Names that otelier emits: attributes, metrics, events, and their buckets.

The names are those of the OpenTelemetry GenAI semantic conventions (main, October 2026). Where the
released generation differs, both are here and :class:`Generation` chooses. ``otelier.*`` is ours:
facts that the conventions have no name for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

Scalar: TypeAlias = str | bool | int | float
Value: TypeAlias = Scalar | Sequence[str] | Sequence[bool] | Sequence[int] | Sequence[float]
Attributes: TypeAlias = dict[str, Value]

# --- operation, provider, server --------------------------------------------------------------
OPERATION_NAME: Final = "gen_ai.operation.name"
PROVIDER_NAME: Final = "gen_ai.provider.name"
SERVER_ADDRESS: Final = "server.address"
SERVER_PORT: Final = "server.port"
ERROR_TYPE: Final = "error.type"
HTTP_STATUS: Final = "http.response.status_code"
OUTPUT_TYPE: Final = "gen_ai.output.type"
CONVERSATION_ID: Final = "gen_ai.conversation.id"
CONVERSATION_COMPACTED: Final = "gen_ai.conversation.compacted"

# --- request ----------------------------------------------------------------------------------
REQUEST_MODEL: Final = "gen_ai.request.model"
REQUEST_MAX_TOKENS: Final = "gen_ai.request.max_tokens"
REQUEST_TEMPERATURE: Final = "gen_ai.request.temperature"
REQUEST_TOP_P: Final = "gen_ai.request.top_p"
REQUEST_TOP_K: Final = "gen_ai.request.top_k"
REQUEST_FREQUENCY_PENALTY: Final = "gen_ai.request.frequency_penalty"
REQUEST_PRESENCE_PENALTY: Final = "gen_ai.request.presence_penalty"
REQUEST_STOP_SEQUENCES: Final = "gen_ai.request.stop_sequences"
REQUEST_SEED: Final = "gen_ai.request.seed"
REQUEST_CHOICE_COUNT: Final = "gen_ai.request.choice.count"
REQUEST_STREAM: Final = "gen_ai.request.stream"
REQUEST_STREAM_CURSOR: Final = "gen_ai.request.stream_cursor"
REQUEST_REASONING_LEVEL: Final = "gen_ai.request.reasoning.level"
REQUEST_PREVIOUS_RESPONSE_ID: Final = "gen_ai.request.previous_response.id"
REQUEST_ENCODING_FORMATS: Final = "gen_ai.request.encoding_formats"
EMBEDDINGS_DIMENSIONS: Final = "gen_ai.embeddings.dimension.count"
PROMPT_NAME: Final = "gen_ai.prompt.name"
PROMPT_VERSION: Final = "gen_ai.prompt.version"
# And a variable's name behind it.
PROMPT_VARIABLE: Final = "gen_ai.prompt.variable."

# --- response ---------------------------------------------------------------------------------
RESPONSE_ID: Final = "gen_ai.response.id"
RESPONSE_MODEL: Final = "gen_ai.response.model"
RESPONSE_STATUS: Final = "gen_ai.response.status"
RESPONSE_FINISH_REASONS: Final = "gen_ai.response.finish_reasons"
RESPONSE_TIME_TO_FIRST_CHUNK: Final = "gen_ai.response.time_to_first_chunk"

# --- usage ------------------------------------------------------------------------------------
USAGE_INPUT: Final = "gen_ai.usage.input_tokens"
USAGE_OUTPUT: Final = "gen_ai.usage.output_tokens"
USAGE_REASONING: Final = "gen_ai.usage.reasoning.output_tokens"
USAGE_CACHE_READ: Final = "gen_ai.usage.cache_read.input_tokens"
USAGE_CACHE_WRITE: Final = "gen_ai.usage.cache_write.input_tokens"
USAGE_CACHE_CREATION: Final = "gen_ai.usage.cache_creation.input_tokens"
USAGE_TEXT_INPUT: Final = "gen_ai.usage.text.input_tokens"
USAGE_IMAGE_INPUT: Final = "gen_ai.usage.image.input_tokens"
USAGE_AUDIO_INPUT: Final = "gen_ai.usage.audio.input_tokens"
USAGE_TEXT_OUTPUT: Final = "gen_ai.usage.text.output_tokens"
USAGE_IMAGE_OUTPUT: Final = "gen_ai.usage.image.output_tokens"
USAGE_AUDIO_OUTPUT: Final = "gen_ai.usage.audio.output_tokens"
USAGE_TEXT_CACHE_READ: Final = "gen_ai.usage.text.cache_read.input_tokens"
USAGE_IMAGE_CACHE_READ: Final = "gen_ai.usage.image.cache_read.input_tokens"
USAGE_AUDIO_CACHE_READ: Final = "gen_ai.usage.audio.cache_read.input_tokens"

# --- content ----------------------------------------------------------------------------------
INPUT_MESSAGES: Final = "gen_ai.input.messages"
OUTPUT_MESSAGES: Final = "gen_ai.output.messages"
SYSTEM_INSTRUCTIONS: Final = "gen_ai.system_instructions"
TOOL_DEFINITIONS: Final = "gen_ai.tool.definitions"
TOOL_CALL_ARGUMENTS: Final = "gen_ai.tool.call.arguments"
TOOL_CALL_RESULT: Final = "gen_ai.tool.call.result"
RETRIEVAL_QUERY: Final = "gen_ai.retrieval.query.text"
RETRIEVAL_DOCUMENTS: Final = "gen_ai.retrieval.documents"

# --- steps ------------------------------------------------------------------------------------
TOOL_NAME: Final = "gen_ai.tool.name"
TOOL_TYPE: Final = "gen_ai.tool.type"
TOOL_DESCRIPTION: Final = "gen_ai.tool.description"
TOOL_CALL_ID: Final = "gen_ai.tool.call.id"
AGENT_NAME: Final = "gen_ai.agent.name"
AGENT_ID: Final = "gen_ai.agent.id"
AGENT_DESCRIPTION: Final = "gen_ai.agent.description"
WORKFLOW_NAME: Final = "gen_ai.workflow.name"
DATA_SOURCE_ID: Final = "gen_ai.data_source.id"
RETRIEVAL_TOP_K: Final = "gen_ai.retrieval.top_k"

# --- the Model Context Protocol ----------------------------------------------------------------
MCP_METHOD: Final = "mcp.method.name"
MCP_SESSION_ID: Final = "mcp.session.id"
MCP_PROTOCOL_VERSION: Final = "mcp.protocol.version"
MCP_RESOURCE_URI: Final = "mcp.resource.uri"
JSONRPC_REQUEST_ID: Final = "jsonrpc.request.id"
RPC_STATUS_CODE: Final = "rpc.response.status_code"
NETWORK_TRANSPORT: Final = "network.transport"
NETWORK_PROTOCOL: Final = "network.protocol.name"

# --- providers' own ---------------------------------------------------------------------------
OPENAI_API_TYPE: Final = "openai.api.type"
OPENAI_REQUEST_SERVICE_TIER: Final = "openai.request.service_tier"
OPENAI_RESPONSE_SERVICE_TIER: Final = "openai.response.service_tier"
OPENAI_SYSTEM_FINGERPRINT: Final = "openai.response.system_fingerprint"
BEDROCK_GUARDRAIL_ID: Final = "aws.bedrock.guardrail.id"
BEDROCK_KNOWLEDGE_BASE_ID: Final = "aws.bedrock.knowledge_base.id"

# --- evaluation -------------------------------------------------------------------------------
EVALUATION_NAME: Final = "gen_ai.evaluation.name"
EVALUATION_SCORE: Final = "gen_ai.evaluation.score.value"
EVALUATION_LABEL: Final = "gen_ai.evaluation.score.label"
EVALUATION_EXPLANATION: Final = "gen_ai.evaluation.explanation"

# --- session and user -------------------------------------------------------------------------
SESSION_ID: Final = "session.id"
USER_ID: Final = "user.id"
TAGS: Final = "otelier.tags"
METADATA: Final = "otelier.metadata."

# --- cost (USD); the conventions' pull request 443 is not merged: the names that backends read
COST: Final = "gen_ai.usage.cost"
COST_SOURCE: Final = "otelier.cost.source"
# The cost is of what was told before the answer was cut off.
COST_PARTIAL: Final = "otelier.cost.partial"
COST_INPUT: Final = "otelier.cost.input"
COST_OUTPUT: Final = "otelier.cost.output"
COST_CACHE_READ: Final = "otelier.cost.cache_read"
COST_CACHE_WRITE: Final = "otelier.cost.cache_write"

# --- ours -------------------------------------------------------------------------------------
PROVIDER_PREFIX: Final = "otelier.provider."
PROVIDER_REQUEST_ID: Final = "otelier.provider.request_id"
PROVIDER_ORGANIZATION: Final = "otelier.provider.organization"
PROVIDER_UPSTREAM: Final = "otelier.provider.upstream"
PROVIDER_SERVICE_TIER: Final = "otelier.provider.service_tier"
PROVIDER_ERROR_CODE: Final = "otelier.provider.error_code"
CONTENT_TRUNCATED: Final = "otelier.content.truncated"
CONTENT_TRUNCATED_CHARACTERS: Final = "otelier.content.truncated_characters"
CONTENT_DROPPED_MESSAGES: Final = "otelier.content.dropped_messages"
# The call returned before its answer was complete; what that used is on the call that fetches it.
BACKGROUND: Final = "otelier.response.background"
STREAM_END: Final = "otelier.stream.end"
STEP_NAME: Final = "otelier.step.name"
ARGUMENTS: Final = "otelier.arguments"
RESULT: Final = "otelier.result"
CACHE_WRITE_5M: Final = "otelier.usage.cache_write_5m.input_tokens"
CACHE_WRITE_1H: Final = "otelier.usage.cache_write_1h.input_tokens"
WEB_SEARCHES: Final = "otelier.usage.web_searches"
FILE_SEARCHES: Final = "otelier.usage.file_searches"
IMAGE_TOOL_INPUT: Final = "otelier.usage.image_generation.input_tokens"
IMAGE_TOOL_OUTPUT: Final = "otelier.usage.image_generation.output_tokens"
AUDIO_SECONDS: Final = "otelier.usage.audio_seconds"
COUNTED_TOKENS: Final = "otelier.count_tokens.input_tokens"
BATCH_ID: Final = "otelier.batch.id"
# With the type of result: succeeded, errored, canceled, expired.
BATCH_COUNT: Final = "otelier.batch."
# What agents and workflows sum up: not under gen_ai.usage., where backends add spans up again.
COST_TOTAL: Final = "otelier.cost.total"
# Of a step: what it costs by itself, as the program says (a paid search, a GPU's minute).
COST_STEP: Final = "otelier.cost.step"
UNPRICED_CALLS: Final = "otelier.cost.unpriced_calls"
UNCOUNTED_CALLS: Final = "otelier.usage.uncounted_calls"
EMBEDDINGS_INPUTS: Final = "otelier.embeddings.inputs"

# --- operation names --------------------------------------------------------------------------
CHAT: Final = "chat"
TEXT_COMPLETION: Final = "text_completion"
GENERATE_CONTENT: Final = "generate_content"
EMBEDDINGS: Final = "embeddings"
RETRIEVAL: Final = "retrieval"
FETCH_RESPONSE: Final = "fetch_response"
INVOKE_AGENT: Final = "invoke_agent"
INVOKE_WORKFLOW: Final = "invoke_workflow"
EXECUTE_TOOL: Final = "execute_tool"
# Not in the conventions' list, which is open: calls that are no inference.
MODERATION: Final = "moderation"
COUNT_TOKENS: Final = "count_tokens"
CANCEL_RESPONSE: Final = "cancel_response"
BATCH_RESULTS: Final = "batch_results"
RERANK: Final = "rerank"
OCR: Final = "ocr"
APPLY_GUARDRAIL: Final = "apply_guardrail"

INFERENCE: Final = frozenset({CHAT, TEXT_COMPLETION, GENERATE_CONTENT})
PRICED: Final = INFERENCE | {EMBEDDINGS}
# These have usage only where the call that began the answer has none (otelier.background).
FETCHES: Final = frozenset({FETCH_RESPONSE, CANCEL_RESPONSE})

# --- events -----------------------------------------------------------------------------------
EVENT_DETAILS: Final = "gen_ai.client.inference.operation.details"
EVENT_EXCEPTION: Final = "gen_ai.client.operation.exception"
EVENT_EVALUATION: Final = "gen_ai.evaluation.result"

CONTENT_ATTRIBUTES: Final = frozenset(
    {
        INPUT_MESSAGES,
        OUTPUT_MESSAGES,
        SYSTEM_INSTRUCTIONS,
        TOOL_DEFINITIONS,
        TOOL_CALL_ARGUMENTS,
        TOOL_CALL_RESULT,
        RETRIEVAL_QUERY,
        RETRIEVAL_DOCUMENTS,
        ARGUMENTS,
        RESULT,
    }
)

# --- metrics ----------------------------------------------------------------------------------
SECONDS_BUCKETS: Final = tuple(0.01 * 2**n for n in range(14))
TOKEN_BUCKETS: Final = tuple(4**n for n in range(14))
AGENT_BUCKETS: Final = tuple(0.1 * 2**n for n in range(13))
WORKFLOW_BUCKETS: Final = (1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200)
MCP_BUCKETS: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300)
COUNT_BUCKETS: Final = (1, 2, 4, 8, 16, 32, 64, 128)

TOKEN_TYPE: Final = "gen_ai.token.type"
TOKEN_MODALITY: Final = "gen_ai.token.modality"


class Instrument(NamedTuple):
    """One metric: its name, unit, description and histogram bounds (None for a counter)."""

    name: str
    unit: str
    description: str
    buckets: tuple[float, ...] | None


OPERATION_DURATION: Final = Instrument(
    "gen_ai.client.operation.duration", "s", "GenAI operation duration", SECONDS_BUCKETS
)
TOKEN_USAGE: Final = Instrument(
    "gen_ai.client.token.usage", "{token}", "Input and output tokens used", TOKEN_BUCKETS
)
FIRST_CHUNK: Final = Instrument(
    "gen_ai.client.operation.time_to_first_chunk", "s", "Time to the first chunk", SECONDS_BUCKETS
)
PER_CHUNK: Final = Instrument(
    "gen_ai.client.operation.time_per_output_chunk",
    "s",
    "Time between chunks after the first",
    SECONDS_BUCKETS,
)
INFERENCE_DURATION: Final = Instrument(
    "gen_ai.client.inference.duration", "s", "Inference duration", SECONDS_BUCKETS
)
INFERENCE_FIRST_CHUNK: Final = Instrument(
    "gen_ai.client.inference.time_to_first_chunk", "s", "Time to the first chunk", SECONDS_BUCKETS
)
INFERENCE_PER_CHUNK: Final = Instrument(
    "gen_ai.client.inference.time_per_output_chunk",
    "s",
    "Time between chunks after the first",
    SECONDS_BUCKETS,
)
INFERENCE_INPUT: Final = Instrument(
    "gen_ai.client.inference.operation.input_tokens",
    "{token}",
    "Input tokens of one operation",
    TOKEN_BUCKETS,
)
INFERENCE_OUTPUT: Final = Instrument(
    "gen_ai.client.inference.operation.output_tokens",
    "{token}",
    "Output tokens of one operation",
    TOKEN_BUCKETS,
)
USED_INPUT: Final = Instrument(
    "gen_ai.client.inference.usage.input_tokens", "{token}", "Input tokens used", None
)
USED_OUTPUT: Final = Instrument(
    "gen_ai.client.inference.usage.output_tokens", "{token}", "Output tokens used", None
)
USED_CACHE_READ: Final = Instrument(
    "gen_ai.client.inference.usage.cache_read.input_tokens", "{token}", "Tokens from cache", None
)
USED_CACHE_WRITE: Final = Instrument(
    "gen_ai.client.inference.usage.cache_write.input_tokens", "{token}", "Tokens to cache", None
)
USED_REASONING: Final = Instrument(
    "gen_ai.client.inference.usage.reasoning.output_tokens", "{token}", "Reasoning tokens", None
)
EMBEDDINGS_DURATION: Final = Instrument(
    "gen_ai.client.embeddings.duration", "s", "Embeddings duration", SECONDS_BUCKETS
)
EMBEDDINGS_INPUT: Final = Instrument(
    "gen_ai.client.embeddings.operation.input_tokens",
    "{token}",
    "Input tokens of one embeddings operation",
    TOKEN_BUCKETS,
)
# What main measures by a metric of its own instead of the operation's duration.
DURATIONS: Final[Mapping[str, Instrument]] = {
    **dict.fromkeys(INFERENCE, INFERENCE_DURATION),
    EMBEDDINGS: EMBEDDINGS_DURATION,
}
OPERATION_COST: Final = Instrument(
    "gen_ai.client.operation.cost", "USD", "Cost of operations", None
)
AGENT_DURATION: Final = Instrument(
    "gen_ai.invoke_agent.duration", "s", "Agent invocation duration", AGENT_BUCKETS
)
AGENT_INFERENCES: Final = Instrument(
    "gen_ai.invoke_agent.inference_calls",
    "{inference_call}",
    "Model calls of one agent invocation",
    COUNT_BUCKETS,
)
AGENT_TOOLS: Final = Instrument(
    "gen_ai.invoke_agent.tool_calls", "{tool_call}", "Tool calls of one agent run", COUNT_BUCKETS
)
TOOL_DURATION: Final = Instrument(
    "gen_ai.execute_tool.duration", "s", "Tool execution duration", SECONDS_BUCKETS
)
WORKFLOW_DURATION: Final = Instrument(
    "gen_ai.invoke_workflow.duration", "s", "Workflow duration", WORKFLOW_BUCKETS
)
MCP_CLIENT_DURATION: Final = Instrument(
    "mcp.client.operation.duration", "s", "MCP request duration, at its sender", MCP_BUCKETS
)
MCP_SERVER_DURATION: Final = Instrument(
    "mcp.server.operation.duration", "s", "MCP request duration, at its receiver", MCP_BUCKETS
)


class Generation(NamedTuple):
    """Which generation of names is written: the released one, main's, or both."""

    released: bool
    latest: bool


COMPAT: Final = Generation(released=True, latest=False)
LATEST: Final = Generation(released=False, latest=True)
DUPLICATE: Final = Generation(released=True, latest=True)

# The schema that the attributes follow; no GenAI release exists yet, this is the last published.
SCHEMA_URL: Final = "https://opentelemetry.io/schemas/1.41.0"

COST_ALIASES: Final[Mapping[str, str]] = {
    "operation.cost": "operation.cost",
    "llm.cost.total": "llm.cost.total",
    "gen_ai.usage.cost.amount": "gen_ai.usage.cost.amount",
}

# OpenInference's names, of what otelier reads on others' spans, and writes where a setting asks.
OPENINFERENCE_KIND: Final = "openinference.span.kind"
OPENINFERENCE_INPUT: Final = "input.value"
OPENINFERENCE_OUTPUT: Final = "output.value"
OPENINFERENCE_MIME_TYPES: Final = {
    OPENINFERENCE_INPUT: "input.mime_type",
    OPENINFERENCE_OUTPUT: "output.mime_type",
}
OPENINFERENCE_CONTENT: Final = (*OPENINFERENCE_MIME_TYPES, *OPENINFERENCE_MIME_TYPES.values())
