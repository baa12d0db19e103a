"""Settings: the environment, read once into one frozen object.

This is the only module that reads ``os.environ``. A value that cannot be understood gives one
warning and the safe default; nothing here raises.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from otelier import semconv
from otelier import setting_texts as texts
from otelier.setting_table import CAPTURE_ENV as CAPTURE_ENV
from otelier.setting_table import DISABLED_ENV, OTHERS_DISABLED_ENV, SETTINGS
from otelier.setting_texts import FALSE as FALSE
from otelier.setting_texts import TRUE, Blobs, Capture, InvalidError

logger = logging.getLogger("otelier")

BY_NAME: Final = {setting.field: setting for setting in SETTINGS}
_BY_FIELD: Final = {setting.field: setting.env for setting in SETTINGS}
# In the list for everybody these are OpenTelemetry's instrumentations, which send a trace's ids to
# all hosts: who switches them off may ask for OTELIER_PROPAGATE, or OTELIER_HTTP, in their place.
_OTHERS_OWN: Final = frozenset({"httpx", "httpx2", "requests"})
_VARIABLES: Final = frozenset(_BY_FIELD.values())
# What programs have to bring to `otelier receive`. It is a secret, and nothing to instrument by.
TOKEN_ENV: Final = "OTELIER_TOKEN"
_KNOWN: Final = {**_BY_FIELD, "token": TOKEN_ENV}

# The exporter into the local store, of spans and of events.
STORE_EXPORTER: Final = "otelier"
# The exporter into a file of OTLP JSON lines.
FILE_EXPORTER: Final = "otelier_file"
# Not the user's: ``otelier run`` tells the program's processes by it where to leave reports.
RUN_REPORTS: Final = "_OTELIER_RUN_REPORTS"
# What code gave to ``instrument()``.
_in_code: Final[dict[str, Any]] = {}
_EXPORTERS: Final = ("OTEL_TRACES_EXPORTER", "OTEL_LOGS_EXPORTER")


class Settings(NamedTuple):
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
    provider_hosts: Mapping[str, str] = MappingProxyType({})
    baggage: bool = False
    propagate: frozenset[str] = frozenset()
    mcp_meta: bool = True
    stream_usage: bool = False
    threads: bool = False
    services: bool = False
    framework_steps: bool = False
    chunk_times: bool = False
    metrics_fingerprint: bool = False
    configure_sdk: bool = True
    flush_on_sigterm: bool = True
    export_bytes: int = 4 * 1024 * 1024
    store: str = ""
    store_keep: int = 0
    store_size: int = 8 << 30
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
            private = setting.unsafe is Capture.NO_CONTENT
            kept = "Until then no content is captured" if private else "The default is used"
            problems.append(
                f"{setting.env} has a value that is not understood; use {wanted}. {kept}."
            )
            if setting.unsafe is not None:
                chosen[setting.field] = setting.unsafe
    if any(name.startswith("OTELIER_") and name not in _KNOWN.values() for name in environ):
        from otelier import spelling

        problems += spelling.unknown_settings(environ, _KNOWN)
    disabled = others_disabled(environ) - _OTHERS_OWN
    settings = Settings(**chosen)
    if disabled:
        settings = settings._replace(disabled=settings.disabled | disabled)
    return settings, problems


def others_disabled(environ: Mapping[str, str] = os.environ) -> frozenset[str]:
    """Names of instrumentations that an environment has loaders leave out; ``*`` is all."""
    return texts.names(environ.get(OTHERS_DISABLED_ENV, ""))


def load(**overrides: Any) -> Settings:
    """Settings from the process environment; keyword arguments win.

    Wrong values are warned of, once each: where they are about content the strict one is used.
    """
    settings, problems = read(os.environ)
    accepted, wrong = given(overrides)
    for problem in (*problems, *wrong):
        logger.warning("otelier: %s", problem)
    return settings._replace(**accepted) if accepted else settings


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


def tell_exporters(values: Mapping[str, Any]) -> None:
    """What code gave, as :func:`given` reads it: for exporters, to which the SDK hands nothing."""
    _in_code.clear()
    _in_code.update(values)


def of_exporters() -> Settings:
    """What exporters go by."""
    return read(os.environ)[0]._replace(**_in_code)


def trace_file() -> str:
    """Path of the file that the exporter ``otelier_file`` appends to."""
    return of_exporters().trace_file


def receiver_token() -> str | None:
    """What programs have to bring to ``otelier receive``, if ``OTELIER_TOKEN`` says it."""
    return os.environ.get(TOKEN_ENV, "").strip() or None


def tree_messages() -> bool:
    """Whether the terminal tree shows messages."""
    return of_exporters().tree_messages


def store() -> str:
    """The store that is read where none is named: a path, or a URL (which may hold a password)."""
    named = of_exporters().store
    return named if is_url(named) else str(store_path())


def store_path() -> Path:
    """The file that the exporter ``otelier`` writes: what the setting says, else the user's own.

    A store that has a URL is filled by others, and only read.
    """
    return store_file(of_exporters().store)


def store_file(named: str) -> Path:
    """The same for a value of the setting."""
    if not named or is_url(named):
        folder = data_folder()
        return Path("otelier-traces.db") if folder is None else folder / "traces.db"
    try:
        return Path(named).expanduser()
    except RuntimeError:  # No home.
        return Path(named)


def is_url(store: str) -> bool:
    """Whether a store is no file of this machine."""
    return "://" in store


def run_reports() -> str:
    """The folder in which processes under ``otelier run`` tell of themselves; empty elsewhere."""
    return os.environ.get(RUN_REPORTS, "")


def has_screen() -> bool:
    """Whether this process can show windows, or names the browser itself (on Linux)."""
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))


def data_folder() -> Path | None:
    """Where the user's programs keep what is the user's; None where there is no place."""
    return _folder("XDG_DATA_HOME", ".local/share", "Library/Application Support")


def cache_folder() -> Path | None:
    """Where the user's programs keep what they can make again; None where there is no place."""
    return _folder("XDG_CACHE_HOME", ".cache", "Library/Caches")


def _folder(variable: str, below_home: str, of_macs: str) -> Path | None:
    """Our folder of a kind, by what each system calls it."""
    try:
        if os.name == "nt":
            base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
        elif sys.platform == "darwin":
            base = Path.home() / of_macs
        else:
            base = os.environ.get(variable) or Path.home() / below_home
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


def traces_exporters(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The exporters of spans that an environment names."""
    return _listed(environ, _EXPORTERS[0])


def _listed(environ: Mapping[str, str], variable: str) -> tuple[str, ...]:
    words = environ.get(variable, "").split(",")
    return tuple(name for word in words if (name := word.strip()))


def stores() -> bool:
    """Whether the environment names the exporter into the local store."""
    return any(STORE_EXPORTER in _listed(os.environ, variable) for variable in _EXPORTERS)


def sdk_off() -> bool:
    """Whether whoever runs the program wants no telemetry at all."""
    return os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"


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
