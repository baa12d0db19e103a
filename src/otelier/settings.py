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
from enum import Enum
from pathlib import Path
from typing import Any, Final

from otelier import semconv

logger = logging.getLogger("otelier")

TRUE: Final = frozenset({"1", "true", "yes", "on"})
FALSE: Final = frozenset({"0", "false", "no", "off"})


class Capture(Enum):
    """Where the content of messages, tools and retrievals goes."""

    NO_CONTENT = "NO_CONTENT"
    SPAN_ONLY = "SPAN_ONLY"
    EVENT_ONLY = "EVENT_ONLY"
    SPAN_AND_EVENT = "SPAN_AND_EVENT"

    @property
    def spans(self) -> bool:
        """Whether spans carry content."""
        return self in (Capture.SPAN_ONLY, Capture.SPAN_AND_EVENT)

    @property
    def events(self) -> bool:
        """Whether events carry content."""
        return self in (Capture.EVENT_ONLY, Capture.SPAN_AND_EVENT)


class Blobs(Enum):
    """What stands for an image, a sound or a file in recorded content."""

    HASH = "hash"
    INLINE = "inline"
    UPLOAD = "upload"


class InvalidError(ValueError):
    """A setting's text that its reader does not understand."""


def _flag(text: str) -> bool:
    lowered = text.lower()
    if lowered in TRUE:
        return True
    if lowered in FALSE:
        return False
    raise InvalidError("true or false")


def _size(text: str) -> int:
    units = {"": 1, "k": 1024, "kb": 1024, "kib": 1024, "m": 1 << 20, "mb": 1 << 20, "mib": 1 << 20}
    digits = text.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ")
    unit = text[len(digits) :].strip().lower()
    if not digits.isdecimal() or unit not in units or int(digits) * units[unit] < 256:
        raise InvalidError("a number of bytes of at least 256, such as 65536 or 64k")
    return int(digits) * units[unit]


def _size_or_off(text: str) -> int:
    if text.lower() in FALSE:
        return 0
    try:
        return max(_size(text), 16_384)
    except InvalidError as wanted:
        raise InvalidError(f"{wanted}, or off") from None


def _names(text: str) -> frozenset[str]:
    return frozenset(part.strip().lower() for part in text.split(",") if part.strip())


def _text(text: str) -> str:
    return text


def _capture(text: str) -> Capture:
    lowered = text.lower()
    if lowered in TRUE:
        return Capture.SPAN_ONLY
    if lowered in FALSE:
        return Capture.NO_CONTENT
    try:
        return Capture[text.upper()]
    except KeyError:
        raise InvalidError(
            "NO_CONTENT, SPAN_ONLY, EVENT_ONLY, SPAN_AND_EVENT, true or false"
        ) from None


def _blobs(text: str) -> Blobs:
    try:
        return Blobs(text.lower())
    except ValueError:
        raise InvalidError("hash, inline or upload") from None


def _generation(text: str) -> semconv.Generation:
    # The variable is shared by all conventions: words of other domains are not ours to judge.
    words = _names(text)
    if "gen_ai_latest_experimental/dup" in words:
        return semconv.DUPLICATE
    return semconv.LATEST if "gen_ai_latest_experimental" in words else semconv.COMPAT


def _tools(text: str) -> bool:
    if text.lower() in ("full", "names"):
        return text.lower() == "full"
    raise InvalidError("full or names")


def _aliases(text: str) -> frozenset[str]:
    names = _names(text)
    if names - semconv.COST_ALIASES.keys():
        raise InvalidError("a list of " + ", ".join(semconv.COST_ALIASES))
    return names


def _compat(text: str) -> frozenset[str]:
    names = _names(text)
    if names - {"openinference"}:
        raise InvalidError("a list of openinference")
    return names


def _hosts(text: str) -> Mapping[str, str]:
    pairs = {}
    for part in text.split(","):
        if part.strip():
            host, equals, provider = part.partition("=")
            if not equals or not host.strip() or not provider.strip():
                raise InvalidError("a list of host=provider or host:port=provider")
            pairs[host.strip().lower()] = provider.strip()
    return pairs


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
        _capture,
        "`NO_CONTENT`, `SPAN_ONLY`, `EVENT_ONLY`, `SPAN_AND_EVENT`, `true`, `false`",
        "Where messages, tool arguments and results, queries and documents go. "
        "Default `SPAN_ONLY`; a value that is not understood means `NO_CONTENT`.",
        unsafe=Capture.NO_CONTENT,
    ),
    Setting(
        "disabled",
        "OTELIER_DISABLED",
        _names,
        "list of libraries, or `*`",
        "Libraries that are left alone, e.g. `openai,anthropic`. The names in "
        "`OTEL_PYTHON_DISABLED_INSTRUMENTATIONS` count too.",
    ),
    Setting(
        "http",
        "OTELIER_HTTP",
        _flag,
        "`true`, `false`",
        "See calls that a program makes by `httpx`, `httpx2`, `requests` or `aiohttp` without an "
        "SDK. Default `false`.",
    ),
    Setting(
        "generation",
        OPT_IN_ENV,
        _generation,
        "`gen_ai_latest_experimental`, `gen_ai_latest_experimental/dup`",
        "Metric and attribute names: by default the released ones, with the first value those of "
        "the conventions' main branch, with `/dup` both.",
    ),
    Setting(
        "emit_event",
        "OTEL_INSTRUMENTATION_GENAI_EMIT_EVENT",
        _flag,
        "`true`, `false`",
        "Emit the event `gen_ai.client.inference.operation.details`. Default: when the capture "
        "mode names events.",
    ),
    Setting(
        "message_bytes",
        "OTELIER_CONTENT_MESSAGE_BYTES",
        _size,
        "bytes (`64k`)",
        "Budget for one message's JSON, in bytes of UTF-8. Longer texts in it are cut and say how "
        "much is missing; the JSON stays valid. Default `128k`.",
    ),
    Setting(
        "span_bytes",
        "OTELIER_CONTENT_SPAN_BYTES",
        _size,
        "bytes (`1m`)",
        "Budget for all content of one span, in bytes of UTF-8. The oldest messages in the middle "
        "go first. Default `1m`.",
    ),
    Setting(
        "tool_definitions",
        "OTELIER_TOOL_DEFINITIONS",
        _tools,
        "`full`, `names`",
        "Tool definitions with description and JSON schema, or type and name alone. "
        "Default `full`.",
    ),
    Setting(
        "blobs",
        "OTELIER_BLOBS",
        _blobs,
        "`hash`, `inline`, `upload`",
        "Images, audio and files in messages: type, size and SHA-256 of the base64 text as sent "
        "(`hash`, default), the base64 itself (`inline`), or a reference to an upload.",
    ),
    Setting(
        "blob_uri",
        "OTELIER_BLOB_URI",
        _text,
        "fsspec URI",
        "Where `OTELIER_BLOBS=upload` writes, e.g. `s3://bucket/prefix`. Needs `fsspec`.",
    ),
    Setting(
        "redact",
        "OTELIER_REDACT",
        _flag,
        "`true`, `false`",
        "Replace keys, tokens and passwords found in content by `[REDACTED]`. Default `true`.",
    ),
    Setting(
        "redact_patterns",
        "OTELIER_REDACT_PATTERNS",
        _text,
        "path of a file",
        "Your own patterns of secrets, one regular expression a line, `#` for comments; each match "
        "is replaced. A file that cannot be read means that content is left out.",
    ),
    Setting(
        "redact_keep",
        "OTELIER_REDACT_KEEP",
        _names,
        "list of names",
        "Names whose values are not redacted because of the name, e.g. `session_token,secret`.",
    ),
    Setting(
        "mask",
        "OTELIER_MASK",
        _text,
        "`module:function`",
        "Your own masking of content: called with (attribute name, value), returns the value to "
        "record. If it fails, the content is left out.",
    ),
    Setting(
        "cost",
        "OTELIER_COST",
        _flag,
        "`true`, `false`",
        "Put `gen_ai.usage.cost` (USD) on model calls. Default `true`.",
    ),
    Setting(
        "prices",
        "OTELIER_PRICES",
        _text,
        "path of a JSON file",
        "Your own prices, asked before the public price list. Format: see [Cost](#cost).",
    ),
    Setting(
        "cost_aliases",
        "OTELIER_COST_ALIASES",
        _aliases,
        "`operation.cost`, `llm.cost.total`, `gen_ai.usage.cost.amount`",
        "Further names to write the cost under, for backends that read those.",
    ),
    Setting(
        "compat",
        "OTELIER_COMPAT",
        _compat,
        "`openinference`",
        "Also write what readers of OpenInference read alone, for Phoenix: kinds of spans, "
        "`input.value`, `output.value`.",
    ),
    Setting(
        "provider_hosts",
        "OTELIER_PROVIDER_HOSTS",
        _hosts,
        "list of `host=provider`",
        "Who answers behind a proxy or gateway, e.g. `llm.internal:4000=openai`.",
    ),
    Setting(
        "baggage",
        "OTELIER_BAGGAGE",
        _flag,
        "`true`, `false`",
        "Send `session()` values along as W3C baggage with every outgoing request, providers' "
        "included. Default `false`: they stay in the process.",
    ),
    Setting(
        "chunk_times",
        "OTELIER_TIME_PER_OUTPUT_CHUNK",
        _flag,
        "`true`, `false`",
        "Record the time between chunks of streams as a metric. Default `false` (about 9 µs a "
        "chunk, after the stream).",
    ),
    Setting(
        "metrics_fingerprint",
        "OTELIER_METRICS_SYSTEM_FINGERPRINT",
        _flag,
        "`true`, `false`",
        "Tell metrics of OpenAI's answers apart by `openai.response.system_fingerprint`, which has "
        "many values. Default `false`.",
    ),
    Setting(
        "configure_sdk",
        "OTELIER_CONFIGURE_SDK",
        _flag,
        "`true`, `false`",
        "Set the OpenTelemetry SDK up from its `OTEL_*` variables when nobody else has. "
        "Default `true`.",
    ),
    Setting(
        "export_bytes",
        "OTELIER_EXPORT_BYTES",
        _size_or_off,
        "bytes (`4m`), `off`",
        "Most that the OTLP exporters send at once: larger batches are sent in parts, and of a "
        "span that is too large alone content gives way. Default `4m`, which most receivers take; "
        "of one that takes less it is learned from its refusals.",
    ),
    Setting(
        "trace_file",
        "OTELIER_TRACE_FILE",
        _text,
        "path",
        "Where the exporter `otelier_file` writes OTLP JSON lines. Default `otelier-traces.jsonl`.",
    ),
    Setting(
        "tree_messages",
        "OTELIER_TREE_MESSAGES",
        _flag,
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
    disabled = _names(environ.get("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", ""))
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


def no_color() -> bool:
    """Whether the user asked for no colour (https://no-color.org)."""
    return bool(os.environ.get("NO_COLOR"))


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
