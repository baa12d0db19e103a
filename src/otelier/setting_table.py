"""All settings as a table: the site's reference is made of it, doctor reads it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from otelier import setting_texts as texts
from otelier import tightening
from otelier.setting_texts import Capture
from otelier.tightening import Direction


class Setting(NamedTuple):
    """One environment variable: how it is read and what it means, for the reference and doctor."""

    field: str
    env: str
    read: Callable[[str], Any]
    values: str
    help: str
    # What a wrong value falls back to, where the ordinary default would not be the safe one.
    unsafe: Any = None
    # Which way it tightens; None where a later instrument() can do neither.
    stricter: Direction | None = None


CAPTURE_ENV: Final = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
OPT_IN_ENV: Final = "OTEL_SEMCONV_STABILITY_OPT_IN"
DISABLED_ENV: Final = "OTELIER_DISABLED"
# Shared with every other instrumentation.
OTHERS_DISABLED_ENV: Final = "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"

SETTINGS: Final = (
    Setting(
        "capture",
        CAPTURE_ENV,
        texts.capture,
        "`NO_CONTENT`, `SPAN_ONLY`, `EVENT_ONLY`, `SPAN_AND_EVENT`, `true`, `false`",
        "Where messages, tool arguments and results, queries and documents go. "
        "Default `SPAN_ONLY`; a value that is not understood means `NO_CONTENT`.",
        unsafe=Capture.NO_CONTENT,
        stricter=tightening.CAPTURE,
    ),
    Setting(
        "disabled",
        DISABLED_ENV,
        texts.names,
        "list of libraries, or `*`",
        "Libraries that are left alone, e.g. `openai,anthropic`. The names in "
        "`OTEL_PYTHON_DISABLED_INSTRUMENTATIONS` count too, but for `httpx`, `httpx2` and "
        "`requests`, which are OpenTelemetry's own there.",
        stricter=tightening.MORE,
    ),
    Setting(
        "http",
        "OTELIER_HTTP",
        texts.flag,
        "`true`, `false`",
        "See calls that a program makes by `httpx`, `httpx2`, `requests` or `aiohttp` without an "
        "SDK. Default `false`.",
        stricter=tightening.OFF,
    ),
    Setting(
        "generation",
        OPT_IN_ENV,
        texts.generation,
        "`gen_ai_latest_experimental`, `gen_ai_latest_experimental/dup`",
        "Metric and attribute names: by default the released ones, with the first value those of "
        "the conventions' main branch, with `/dup` both.",
    ),
    Setting(
        "emit_event",
        "OTEL_INSTRUMENTATION_GENAI_EMIT_EVENT",
        texts.flag,
        "`true`, `false`",
        "Emit the event `gen_ai.client.inference.operation.details`. Default: when the capture "
        "mode names events.",
        stricter=tightening.OFF,
    ),
    Setting(
        "message_bytes",
        "OTELIER_CONTENT_MESSAGE_BYTES",
        texts.size,
        "bytes (`64k`)",
        "Budget for one message's JSON, in bytes of UTF-8. Longer texts in it are cut and say how "
        "much is missing; the JSON stays valid. Default `128k`.",
        stricter=tightening.LESS,
    ),
    Setting(
        "span_bytes",
        "OTELIER_CONTENT_SPAN_BYTES",
        texts.size,
        "bytes (`1m`)",
        "Budget for all content of one span, in bytes of UTF-8. The oldest messages in the middle "
        "go first. Default `1m`.",
        stricter=tightening.LESS,
    ),
    Setting(
        "tool_definitions",
        "OTELIER_TOOL_DEFINITIONS",
        texts.tools,
        "`full`, `names`",
        "Tool definitions with description and JSON schema, or type and name alone. "
        "Default `full`.",
        stricter=tightening.OFF,
    ),
    Setting(
        "blobs",
        "OTELIER_BLOBS",
        texts.blobs,
        "`hash`, `inline`, `upload`",
        "Images, audio and files in messages: type, size and SHA-256 of the base64 text as sent "
        "(`hash`, default), the base64 itself (`inline`), or a reference to an upload.",
        stricter=tightening.BLOBS,
    ),
    Setting(
        "blob_uri",
        "OTELIER_BLOB_URI",
        texts.text,
        "fsspec URI",
        "Where `OTELIER_BLOBS=upload` writes, e.g. `s3://bucket/prefix`. Needs `fsspec`.",
    ),
    Setting(
        "redact",
        "OTELIER_REDACT",
        texts.flag,
        "`true`, `false`",
        "Replace keys, tokens and passwords found in content by `[REDACTED]`. Default `true`.",
        stricter=tightening.ON,
    ),
    Setting(
        "redact_patterns",
        "OTELIER_REDACT_PATTERNS",
        texts.text,
        "path of a file",
        "Your own patterns of secrets, one regular expression a line, `#` for comments; each match "
        "is replaced. A file that cannot be read means that content is left out.",
        stricter=tightening.BOTH,
    ),
    Setting(
        "redact_keep",
        "OTELIER_REDACT_KEEP",
        texts.names,
        "list of names",
        "Names whose values are not redacted because of the name, e.g. `session_token,secret`.",
        stricter=tightening.FEWER,
    ),
    Setting(
        "mask",
        "OTELIER_MASK",
        texts.text,
        "`module:function`",
        "Your own masking of content: called with (attribute name, value), returns the value to "
        "record. If it fails, the content is left out.",
        stricter=tightening.BOTH,
    ),
    Setting(
        "cost",
        "OTELIER_COST",
        texts.flag,
        "`true`, `false`",
        "Put `gen_ai.usage.cost` (USD) on model calls. Default `true`.",
    ),
    Setting(
        "prices",
        "OTELIER_PRICES",
        texts.text,
        "path of a JSON file",
        "Your own prices, asked before the public price list. The guide about cost has its format.",
    ),
    Setting(
        "cost_aliases",
        "OTELIER_COST_ALIASES",
        texts.aliases,
        "`operation.cost`, `llm.cost.total`, `gen_ai.usage.cost.amount`",
        "Further names to write the cost under, for backends that read those.",
    ),
    Setting(
        "compat",
        "OTELIER_COMPAT",
        texts.compat,
        "`openinference`",
        "Also write what readers of OpenInference read alone, for Phoenix: kinds of spans, "
        "`input.value`, `output.value`.",
    ),
    Setting(
        "provider_hosts",
        "OTELIER_PROVIDER_HOSTS",
        texts.hosts,
        "list of `host=provider`",
        "Who answers behind a proxy or gateway, e.g. `llm.internal:4000=openai`.",
    ),
    Setting(
        "baggage",
        "OTELIER_BAGGAGE",
        texts.flag,
        "`true`, `false`",
        "Make the ids of `session()`, and its metadata that are texts, W3C baggage, which HTTP "
        "instrumentations send with every request, providers' included. Default `false`: they stay "
        "in the process.",
        stricter=tightening.OFF,
    ),
    Setting(
        "propagate",
        "OTELIER_PROPAGATE",
        texts.listed_hosts,
        "list of `host`, `host:port`, `*.domain`",
        "Send `traceparent` (and `tracestate`, no baggage) with model calls to these hosts, and to "
        "no other: your own vLLM or gateway, e.g. `llm.internal:8000`. Default: to none.",
        stricter=tightening.FEWER,
    ),
    Setting(
        "mcp_meta",
        "OTELIER_MCP_META",
        texts.flag,
        "`true`, `false`",
        "Send the trace context in `params._meta` of MCP requests (`traceparent`, `tracestate`, "
        "and `baggage` where the program has set some), as the conventions say, so that an MCP "
        "server's spans are in its client's trace. Default `true`; `false` leaves requests as they "
        "are without otelier, and stops what `mcp` 2 sends by itself.",
        stricter=tightening.OFF,
    ),
    Setting(
        "stream_usage",
        "OTELIER_STREAM_USAGE",
        texts.flag,
        "`true`, `false`",
        "Ask OpenAI-compatible hosts for the usage of streams (`stream_options.include_usage`) "
        "where the program does not, and keep the chunk that answers it from the program. "
        "Default `false`.",
        stricter=tightening.OFF,
    ),
    Setting(
        "threads",
        "OTELIER_THREADS",
        texts.flag,
        "`true`, `false`",
        "Work that is handed to threads, to other processes and to pools of these keeps the span "
        "that was current there as its parent. Default `false`; `otelier run` sets it to `true`.",
    ),
    Setting(
        "services",
        "OTELIER_SERVICES",
        texts.flag,
        "`true`, `false`",
        "Start the other OpenTelemetry instrumentations that are installed (HTTP servers and "
        "clients, Celery, databases), where the program starts otelier itself. Default `false`; "
        "`opentelemetry-instrument` and `otelier run` start them anyway.",
    ),
    Setting(
        "framework_steps",
        "OTELIER_FRAMEWORK_STEPS",
        texts.all_or_none,
        "`all`, `none`",
        "Inner steps of agent frameworks (nodes of a graph, links of a chain) as plain internal "
        "spans, beside their agents, tools and searches. Default `none`.",
    ),
    Setting(
        "chunk_times",
        "OTELIER_TIME_PER_OUTPUT_CHUNK",
        texts.flag,
        "`true`, `false`",
        "Record the time between chunks of streams as a metric. Default `false` (about 9 µs a "
        "chunk, after the stream).",
    ),
    Setting(
        "metrics_fingerprint",
        "OTELIER_METRICS_SYSTEM_FINGERPRINT",
        texts.flag,
        "`true`, `false`",
        "Tell metrics of OpenAI's answers apart by `openai.response.system_fingerprint`, which has "
        "many values. Default `false`.",
    ),
    Setting(
        "configure_sdk",
        "OTELIER_CONFIGURE_SDK",
        texts.flag,
        "`true`, `false`",
        "Set the OpenTelemetry SDK up from its `OTEL_*` variables when nobody else has. "
        "Default `true`.",
    ),
    Setting(
        "flush_on_sigterm",
        "OTELIER_FLUSH_ON_SIGTERM",
        texts.flag,
        "`true`, `false`",
        "Send what is finished before SIGTERM ends a program that has no handler for it, for 2 s "
        "at most. Only where otelier has set the SDK up. Default `true`.",
    ),
    Setting(
        "export_bytes",
        "OTELIER_EXPORT_BYTES",
        texts.size_or_off,
        "bytes (`4m`), `off`",
        "Most that the OTLP exporters send at once: larger batches are sent in parts, and of a "
        "span that is too large alone content gives way. Default `4m`, which most receivers take; "
        "of one that takes less it is learned from its refusals.",
    ),
    Setting(
        "store",
        "OTELIER_STORE",
        texts.text,
        "path, or URL of a ClickHouse",
        "The store that the exporter `otelier` writes and that `otelier trace` and the other "
        "commands read. Default: `otelier/traces.db` in your data folder (`$XDG_DATA_HOME` or "
        "`~/.local/share`, `~/Library/Application Support`, `%LOCALAPPDATA%`). One with a URL is "
        "only read.",
    ),
    Setting(
        "store_keep",
        "OTELIER_STORE_KEEP",
        texts.age,
        "age (`30d`, `12h`), `off`",
        "How long spans stay in the store, by their start. Default `off`: while there is room.",
    ),
    Setting(
        "store_size",
        "OTELIER_STORE_SIZE",
        texts.store_size,
        "bytes (`8g`), `off`",
        "How large the store's file may become; then the oldest spans go. Default `8g`.",
    ),
    Setting(
        "trace_file",
        "OTELIER_TRACE_FILE",
        texts.text,
        "path",
        "Where the exporter `otelier_file` writes OTLP JSON lines. Default `otelier-traces.jsonl`.",
    ),
    Setting(
        "tree_messages",
        "OTELIER_TREE_MESSAGES",
        texts.flag,
        "`true`, `false`",
        "Show messages below each step in the terminal tree. Default `false`.",
    ),
)
