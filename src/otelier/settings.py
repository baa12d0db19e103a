"""Settings: the environment, read once into one frozen object.

This is the only module that reads ``os.environ``. A value that cannot be understood gives one
warning and the safe default; nothing here raises. :data:`SETTINGS` is the table that README.md's
list is checked against.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from otelier import semconv, tightening
from otelier import setting_texts as texts
from otelier.setting_texts import FALSE as FALSE
from otelier.setting_texts import TRUE, Blobs, Capture, InvalidError
from otelier.tightening import Direction

logger = logging.getLogger("otelier")


@dataclass(frozen=True, slots=True)
class Setting:
    """One environment variable: how it is read and what it means, for README and doctor."""

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
        "`OTEL_PYTHON_DISABLED_INSTRUMENTATIONS` count too.",
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
        "Your own prices, asked before the public price list. Format: see [Cost](#cost).",
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
        "Send `session()` values along as W3C baggage with every outgoing request, providers' "
        "included. Default `false`: they stay in the process.",
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
        "Work that is handed to threads and their pools keeps the span that was current there as "
        "its parent. Default `false`; `otelier run` sets it to `true`.",
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


BY_NAME: Final = {setting.field: setting for setting in SETTINGS}
_BY_FIELD: Final = {setting.field: setting.env for setting in SETTINGS}
_VARIABLES: Final = frozenset(_BY_FIELD.values())


@dataclass(frozen=True, slots=True)
class Settings:
    """What the user chose. Made by :func:`load`; never changed afterwards."""

    capture: Capture = Capture.SPAN_ONLY
    disabled: frozenset[str] = frozenset()
    http: bool = False
    generation: semconv.Generation = semconv.COMPAT
    emit_event: bool | None = None
    message_bytes: int = 128 * 1024
    span_bytes: int = 1024 * 1024
    tool_definitions: bool = True
    blobs: Blobs = Blobs.HASH
    blob_uri: str = ""
    redact: bool = True
    redact_patterns: str = ""
    redact_keep: frozenset[str] = frozenset()
    mask: str = ""
    cost: bool = True
    prices: str = ""
    cost_aliases: frozenset[str] = frozenset()
    compat: frozenset[str] = frozenset()
    provider_hosts: Mapping[str, str] = field(default_factory=dict)
    baggage: bool = False
    propagate: frozenset[str] = frozenset()
    stream_usage: bool = False
    threads: bool = False
    chunk_times: bool = False
    metrics_fingerprint: bool = False
    configure_sdk: bool = True
    flush_on_sigterm: bool = True
    export_bytes: int = 4 * 1024 * 1024
    trace_file: str = "otelier-traces.jsonl"
    tree_messages: bool = False

    @property
    def openinference(self) -> bool:
        """Whether spans are written for readers of OpenInference, too."""
        return "openinference" in self.compat

    @property
    def events(self) -> bool:
        """Whether the details event is emitted."""
        return self.capture.events if self.emit_event is None else self.emit_event


def read(environ: Mapping[str, str]) -> tuple[Settings, list[str]]:
    """Settings from ``environ``, and one line for each value that was not understood."""
    chosen: dict[str, Any] = {}
    problems: list[str] = []
    for setting in SETTINGS:
        text = environ.get(setting.env, "").strip()
        if not text:
            continue
        try:
            chosen[setting.field] = setting.read(text)
        except InvalidError as wanted:
            # The text itself is not repeated: it may be a secret in the wrong variable.
            kept = " (content is not captured)" if setting.unsafe is Capture.NO_CONTENT else ""
            problems.append(
                f"{setting.env} has a value that is not understood; use {wanted}. "
                f"The default is used{kept}."
            )
            if setting.unsafe is not None:
                chosen[setting.field] = setting.unsafe
    if any(name.startswith("OTELIER_") and name not in _VARIABLES for name in environ):
        from otelier import spelling

        problems += spelling.unknown_settings(environ, _BY_FIELD)
    disabled = texts.names(environ.get(OTHERS_DISABLED_ENV, ""))
    settings = Settings(**chosen)
    if disabled:
        settings = replace(settings, disabled=settings.disabled | disabled)
    return settings, problems


def load(**overrides: Any) -> Settings:
    """Settings from the process environment; keyword arguments win.

    Wrong values are warned of, once each: where they are about content the strict one is used.
    """
    settings, problems = read(os.environ)
    accepted, wrong = given(overrides)
    for problem in (*problems, *wrong):
        logger.warning("otelier: %s", problem)
    return replace(settings, **accepted) if accepted else settings


def given(overrides: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Settings that code gives, as texts or values; and a line for each that is wrong.

    What is about content and wrong is there with its strict value: the ordinary default, which is
    the strict one but for ``capture``.
    """
    accepted: dict[str, Any] = {}
    problems: list[str] = []
    for name, value in overrides.items():
        setting = BY_NAME[name]
        try:
            accepted[name] = setting.read(texts.of(value))
        except Exception as problem:  # What a program gives may be anything.
            wanted = problem if isinstance(problem, InvalidError) else "what is documented"
            problems.append(f"{name} has a wrong value; use {wanted}.")
            if setting.unsafe is not None:
                accepted[name] = setting.unsafe
            elif setting.stricter is not None:
                accepted[name] = getattr(Settings(), name)
    return accepted, problems


def stated() -> dict[str, str]:
    """The texts of all settings that the environment has now."""
    names = (*variables(), OTHERS_DISABLED_ENV)
    return {name: text for name in names if (text := os.environ.get(name, "").strip())}


def since(before: Mapping[str, str]) -> dict[str, Any]:
    """What the environment says now and did not say when it was ``before``."""
    now = {name: text for name, text in stated().items() if before.get(name) != text}
    if not now:
        return {}
    found, _ = read(now)
    fields = [field for field, name in _BY_FIELD.items() if name in now]
    if OTHERS_DISABLED_ENV in now:
        fields.append("disabled")
    return {field: getattr(found, field) for field in fields}


def variables() -> frozenset[str]:
    """The names of all environment variables that are settings."""
    return _VARIABLES


def disabled_lists(environ: Mapping[str, str]) -> tuple[frozenset[str], frozenset[str]]:
    """The libraries to leave alone: those told to otelier, and those told to everybody."""
    ours, all_ = environ.get(DISABLED_ENV, ""), environ.get(OTHERS_DISABLED_ENV, "")
    return texts.names(ours), texts.names(all_)


def trace_file() -> str:
    """Path of the file that the exporter ``otelier_file`` appends to."""
    return read(os.environ)[0].trace_file


def tree_messages() -> bool:
    """Whether the terminal tree shows messages."""
    return read(os.environ)[0].tree_messages


def cache_folder() -> Path | None:
    """Where the user's programs keep what they can make again; None where there is no place."""
    try:
        if os.name == "nt":
            base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
        elif sys.platform == "darwin":
            base = Path.home() / "Library" / "Caches"
        else:
            base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        return Path(base) / "otelier"
    except (RuntimeError, OSError):  # No home.
        return None


def wants_color(terminal: bool) -> bool:
    """Whether output may have colour, given whether it goes to a terminal.

    https://no-color.org first, then https://force-color.org, then what the terminal can.
    """
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return terminal and os.environ.get("TERM", "").lower() not in ("dumb", "unknown")


def columns() -> int | None:
    """The width that the user asks for by ``COLUMNS``, if it is a positive number."""
    value = os.environ.get("COLUMNS", "")
    return int(value) or None if value.isdecimal() and len(value) < 6 else None


def native_anthropic_is_explicit() -> bool:
    """Whether the user switched the ``anthropic`` SDK's own spans on, or content in them."""
    switch = os.environ.get("ANTHROPIC_OPEN_TELEMETRY", "").strip().lower()
    mode = os.environ.get("ANTHROPIC_OPEN_TELEMETRY_TRACES_CONTENT_MODE", "").strip().lower()
    return switch in TRUE or (mode == "content" and switch != "false")


def native_mistral() -> str:
    """Where the user wants the ``mistralai`` SDK's own spans to go; empty if nowhere."""
    return os.environ.get("MISTRAL_SDK_TELEMETRY", "")


def process_environment() -> Mapping[str, str]:
    """The environment itself, for :func:`read`."""
    return os.environ


def otel_environment() -> dict[str, str]:
    """The ``OTEL_*`` variables that are set (they may hold secrets: for doctor's masking)."""
    return {name: value for name, value in os.environ.items() if name.startswith("OTEL_")}


@contextmanager
def default_environment(defaults: Mapping[str, str]) -> Iterator[None]:
    """The process environment with ``defaults`` where it has nothing, and as before afterwards."""
    added = [name for name in defaults if name not in os.environ]
    for name in added:
        os.environ[name] = defaults[name]
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)
