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
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final

from otelier import semconv
from otelier import setting_texts as texts
from otelier.setting_texts import FALSE as FALSE
from otelier.setting_texts import TRUE, Blobs, Capture, InvalidError

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


CAPTURE_ENV: Final = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
OPT_IN_ENV: Final = "OTEL_SEMCONV_STABILITY_OPT_IN"

SETTINGS: Final = (
    Setting(
        "capture",
        CAPTURE_ENV,
        texts.capture,
        "`NO_CONTENT`, `SPAN_ONLY`, `EVENT_ONLY`, `SPAN_AND_EVENT`, `true`, `false`",
        "Where messages, tool arguments and results, queries and documents go. "
        "Default `SPAN_ONLY`; a value that is not understood means `NO_CONTENT`.",
        unsafe=Capture.NO_CONTENT,
    ),
    Setting(
        "disabled",
        "OTELIER_DISABLED",
        texts.names,
        "list of libraries, or `*`",
        "Libraries that are left alone, e.g. `openai,anthropic`. The names in "
        "`OTEL_PYTHON_DISABLED_INSTRUMENTATIONS` count too.",
    ),
    Setting(
        "http",
        "OTELIER_HTTP",
        texts.flag,
        "`true`, `false`",
        "See calls that a program makes by `httpx`, `httpx2`, `requests` or `aiohttp` without an "
        "SDK. Default `false`.",
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
    ),
    Setting(
        "message_bytes",
        "OTELIER_CONTENT_MESSAGE_BYTES",
        texts.size,
        "bytes (`64k`)",
        "Budget for one message's JSON, in bytes of UTF-8. Longer texts in it are cut and say how "
        "much is missing; the JSON stays valid. Default `128k`.",
    ),
    Setting(
        "span_bytes",
        "OTELIER_CONTENT_SPAN_BYTES",
        texts.size,
        "bytes (`1m`)",
        "Budget for all content of one span, in bytes of UTF-8. The oldest messages in the middle "
        "go first. Default `1m`.",
    ),
    Setting(
        "tool_definitions",
        "OTELIER_TOOL_DEFINITIONS",
        texts.tools,
        "`full`, `names`",
        "Tool definitions with description and JSON schema, or type and name alone. "
        "Default `full`.",
    ),
    Setting(
        "blobs",
        "OTELIER_BLOBS",
        texts.blobs,
        "`hash`, `inline`, `upload`",
        "Images, audio and files in messages: type, size and SHA-256 of the base64 text as sent "
        "(`hash`, default), the base64 itself (`inline`), or a reference to an upload.",
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
    ),
    Setting(
        "redact_patterns",
        "OTELIER_REDACT_PATTERNS",
        texts.text,
        "path of a file",
        "Your own patterns of secrets, one regular expression a line, `#` for comments; each match "
        "is replaced. A file that cannot be read means that content is left out.",
    ),
    Setting(
        "redact_keep",
        "OTELIER_REDACT_KEEP",
        texts.names,
        "list of names",
        "Names whose values are not redacted because of the name, e.g. `session_token,secret`.",
    ),
    Setting(
        "mask",
        "OTELIER_MASK",
        texts.text,
        "`module:function`",
        "Your own masking of content: called with (attribute name, value), returns the value to "
        "record. If it fails, the content is left out.",
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
    chunk_times: bool = False
    metrics_fingerprint: bool = False
    configure_sdk: bool = True
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
    disabled = texts.names(environ.get("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", ""))
    settings = Settings(**chosen)
    if disabled:
        settings = replace(settings, disabled=settings.disabled | disabled)
    return settings, problems


def load(**overrides: Any) -> Settings:
    """Settings from the process environment; keyword arguments win.

    Raises nothing: unknown keywords and wrong values are warned of, once each.
    """
    settings, problems = read(os.environ)
    for problem in problems:
        logger.warning("otelier: %s", problem)
    known = {f.name for f in fields(Settings)}
    for name in overrides.keys() - known:
        logger.warning("otelier: instrument() has no setting %r; it is ignored.", name)
    readers = {setting.field: setting for setting in SETTINGS}
    accepted: dict[str, Any] = {}
    for name, value in overrides.items():
        if name not in known or value is None:
            continue
        if isinstance(value, str):
            try:
                value = readers[name].read(value)
            except InvalidError as wanted:
                logger.warning("otelier: %s has a wrong value; use %s.", name, wanted)
                value = readers[name].unsafe
                if value is None:
                    continue
        accepted[name] = value
    return replace(settings, **accepted) if accepted else settings


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
