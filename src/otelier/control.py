"""Starting and stopping otelier in this process."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Collection, Mapping
from os import PathLike
from threading import RLock
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from opentelemetry.trace import NoOpTracerProvider

from otelier import (
    children,
    forks,
    guard,
    loading,
    processor,
    runtime,
    sdk_setup,
    settings,
    tightening,
)
from otelier.hooks import registry
from otelier.runtime import Runtime
from otelier.semconv import Generation
from otelier.setting_texts import Blobs, Capture

if TYPE_CHECKING:
    from opentelemetry._logs import LoggerProvider
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider

    from otelier.content import Mask

Path: TypeAlias = str | PathLike[str]

_TAKEN: Final = (
    "a library that was imported earlier has made the TracerProvider of its own telemetry the "
    "program's; otelier records no spans, lest they go to its makers. Set the program's own, or "
    "call otelier.instrument(), before that import."
)
_PROVIDERS: Final = ("tracer_provider", "meter_provider", "logger_provider")


def instrument(
    *,
    tracer_provider: TracerProvider | None = None,
    meter_provider: MeterProvider | None = None,
    logger_provider: LoggerProvider | None = None,
    capture: Capture
    | Literal["NO_CONTENT", "SPAN_ONLY", "EVENT_ONLY", "SPAN_AND_EVENT"]
    | bool
    | None = None,
    mask: Callable[[str, Any], Any] | str | None = None,
    redact: bool | None = None,
    redact_patterns: Path | None = None,
    redact_keep: Collection[str] | None = None,
    disabled: Collection[str] | None = None,
    http: bool | None = None,
    message_bytes: int | str | None = None,
    span_bytes: int | str | None = None,
    tool_definitions: Literal["full", "names"] | None = None,
    blobs: Blobs | Literal["hash", "inline", "upload"] | None = None,
    blob_uri: str | None = None,
    emit_event: bool | None = None,
    baggage: bool | None = None,
    propagate: Collection[str] | str | None = None,
    mcp_meta: bool | None = None,
    stream_usage: bool | None = None,
    threads: bool | None = None,
    services: bool | None = None,
    framework_steps: bool | None = None,
    cost: bool | None = None,
    prices: Path | None = None,
    cost_aliases: Collection[str] | None = None,
    compat: Collection[str] | None = None,
    provider_hosts: Mapping[str, str] | str | None = None,
    generation: Generation
    | Literal["gen_ai_latest_experimental", "gen_ai_latest_experimental/dup"]
    | None = None,
    chunk_times: bool | None = None,
    metrics_fingerprint: bool | None = None,
    configure_sdk: bool | None = None,
    flush_on_sigterm: bool | None = None,
    export_bytes: int | str | None = None,
    store: Path | None = None,
    store_keep: str | None = None,
    store_size: int | str | None = None,
    trace_file: Path | None = None,
    tree_messages: bool | None = None,
) -> None:
    """Hook every supported library of this process, now or when it is imported.

    Where otelier runs already (``opentelemetry-instrument``, an earlier call), what tightens is in
    force at once, also for what has begun; what loosens is refused; a line says which is which.

    An option that is not given is as its environment variable says (in parentheses; the reference
    of settings has what they mean), and each takes what that takes. A name that is no option is a
    ``TypeError``. Nothing else raises: a wrong value is warned of, and where it is about content
    the strict one takes its place.

    Args:
        tracer_provider: Makes the spans. Default: the global one; where there is none the
            OpenTelemetry SDK is set up from its ``OTEL_*`` variables.
        meter_provider: The same for metrics.
        logger_provider: The same for events.
        capture: Where messages, arguments, results and documents go; ``False`` is ``NO_CONTENT``
            (OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT).
        mask: Your own masking of content: called with (attribute name, value), returns what is
            recorded; or its name, ``module:function`` (OTELIER_MASK).
        redact: Replace keys, tokens and passwords found in content (OTELIER_REDACT).
        redact_patterns: A file of your own patterns of secrets (OTELIER_REDACT_PATTERNS).
        redact_keep: Names whose values are no secrets (OTELIER_REDACT_KEEP).
        disabled: Libraries that are left alone, or ``*`` (OTELIER_DISABLED).
        http: See calls that are made without an SDK (OTELIER_HTTP).
        message_bytes: Budget of one message's JSON (OTELIER_CONTENT_MESSAGE_BYTES).
        span_bytes: Budget of all content of a span (OTELIER_CONTENT_SPAN_BYTES).
        tool_definitions: Whole, or their names alone (OTELIER_TOOL_DEFINITIONS).
        blobs: What stands for images, audio and files (OTELIER_BLOBS).
        blob_uri: Where ``blobs="upload"`` writes (OTELIER_BLOB_URI).
        emit_event: Emit the event of operation details (OTEL_INSTRUMENTATION_GENAI_EMIT_EVENT).
        baggage: Make ``session()`` values W3C baggage (OTELIER_BAGGAGE).
        propagate: Hosts that get the trace context of model calls (OTELIER_PROPAGATE).
        mcp_meta: Send the trace context with MCP requests (OTELIER_MCP_META).
        stream_usage: Ask OpenAI-compatible hosts for the usage of streams (OTELIER_STREAM_USAGE).
        threads: Work in threads, processes and pools keeps its parent (OTELIER_THREADS).
        services: Start the other OpenTelemetry instrumentations that are installed, so that a
            trace goes on in other services and workers (OTELIER_SERVICES).
        framework_steps: Inner steps of frameworks are spans, too (OTELIER_FRAMEWORK_STEPS).
        cost: Put the cost on model calls (OTELIER_COST).
        prices: A file of your own prices (OTELIER_PRICES).
        cost_aliases: Further names of the cost (OTELIER_COST_ALIASES).
        compat: Whose names are written as well (OTELIER_COMPAT).
        provider_hosts: Who answers behind a proxy (OTELIER_PROVIDER_HOSTS).
        generation: Released names, the conventions' newest, or both
            (OTEL_SEMCONV_STABILITY_OPT_IN).
        chunk_times: Measure the time between chunks (OTELIER_TIME_PER_OUTPUT_CHUNK).
        metrics_fingerprint: Tell metrics apart by OpenAI's fingerprint
            (OTELIER_METRICS_SYSTEM_FINGERPRINT).
        configure_sdk: Set the OpenTelemetry SDK up where nobody has (OTELIER_CONFIGURE_SDK).
        flush_on_sigterm: Send what is finished before SIGTERM ends the program
            (OTELIER_FLUSH_ON_SIGTERM).
        export_bytes: Most that is sent at once; 0 is no limit (OTELIER_EXPORT_BYTES).
        store: The file that the exporter ``otelier`` writes (OTELIER_STORE).
        store_keep: How long spans stay there, such as ``30d`` (OTELIER_STORE_KEEP).
        store_size: How large it may become; 0 is no limit (OTELIER_STORE_SIZE).
        trace_file: Where the exporter ``otelier_file`` writes (OTELIER_TRACE_FILE).
        tree_messages: Show messages in the terminal tree (OTELIER_TREE_MESSAGES).
    """
    apply({name: value for name, value in locals().items() if value is not None})


class _Asked:
    """What a call of :func:`instrument` asks, looked at before anything is done."""

    __slots__ = ("mask", "names", "providers", "values")

    def __init__(
        self, values: dict[str, Any], mask: Mask | None, providers: dict[str, Any], names: list[str]
    ) -> None:
        self.values = values
        self.mask = mask
        self.providers = providers
        # All names that were given.
        self.names = names


# Held for what takes no time; nothing of the program's runs meanwhile.
_lock = RLock()
_starting = False
# What others ask while one thread starts.
_waiting: list[_Asked] = []


@forks.in_child
def _forked() -> None:
    global _lock, _starting
    _lock, _starting = RLock(), False
    _waiting.clear()


def apply(options: dict[str, Any]) -> None:
    """What :func:`instrument` does with options that are there. Never raises."""
    global _starting
    try:
        asked = _read(options)
    except Exception:
        # Neither the program nor another instrumentor may end with us.
        guard.failed("control.instrument")
        asked = _Asked({"capture": Capture.NO_CONTENT}, None, {}, ["capture"])
    running = runtime.current()
    if running is not None and running.gives_way:
        uninstrument()
    with _lock:
        run = runtime.current()
        starts = run is None and not _starting
        if starts:
            _starting = True
        elif run is None:
            _waiting.append(asked)
    if starts:
        _start(asked)
    elif run is not None:
        _tighten(run, asked)


def _read(options: dict[str, Any]) -> _Asked:
    options = dict(options)
    providers: dict[str, Any] = {name: options.pop(name) for name in _PROVIDERS if name in options}
    mask = options.get("mask")
    named = [*providers, *options]
    if mask is not None and not issubclass(type(mask), str):
        options.pop("mask")
    else:
        mask = None
    values, problems = settings.given(options)
    for problem in problems:
        guard.say_once(problem, problem)
    return _Asked(values, mask, providers, named)


def _start(asked: _Asked) -> None:
    global _starting
    try:
        chosen = settings.load(**asked.values)
        settings.tell_exporters(asked.values)
        providers = asked.providers
        if "tracer_provider" not in providers:
            if sdk_setup.taken():
                guard.say_once("taken", _TAKEN)
                providers = {**providers, "tracer_provider": NoOpTracerProvider()}
            elif chosen.configure_sdk and not sdk_setup.provided():
                sdk_setup.configure()
        run = Runtime(chosen, **providers, mask=asked.mask)
        services = chosen.services
        while True:
            for other in (others := [*_waiting]):
                _look(other)
                _met(run, other)
                services = services or bool(other.values.get("services"))
            with _lock:
                del _waiting[: len(others)]
                if not _waiting:
                    runtime.start(run)
                    _starting = False
                    break
        processor.install(run)
        if settings.stores():
            from otelier import pace  # Only where it is needed.

            pace.keep(*run.records())
        registry.register()
        children.install()
        _tell_misspelt(asked)
        if services:
            _start_services(run, providers)
        if chosen.flush_on_sigterm and sdk_setup.configured():
            from otelier import termination

            termination.install()
    except Exception:
        guard.failed("control.instrument")
        guard.say_once("start", "could not start; the program runs without it")
    finally:
        _starting = False


def _start_services(run: Runtime, providers: Mapping[str, Any]) -> None:
    from otelier import services  # Only where it is asked for.

    # Of both lists: the one for everybody has names of theirs that are none of ours.
    named = settings.disabled_lists(settings.process_environment())
    services.start(run.settings.disabled.union(*named), providers)


def _tell_misspelt(asked: _Asked) -> None:
    for line in registry.misspelt(asked.values.get("disabled", frozenset())):
        guard.say_once(line, "%s", line)


def _look(asked: _Asked) -> None:
    """Find a mask that is named: with no lock held, for that imports the program's module."""
    if asked.mask is None and asked.values.get("mask"):
        asked.mask = loading.module("content").find_mask(asked.values["mask"])


def _tighten(run: Runtime, asked: _Asked) -> None:
    """What a later call asks of otelier that runs."""
    try:
        # A program may have set variables since: those are asked, too.
        asked.values = {**settings.since(run.stated), **asked.values}
        _look(asked)
        with _lock:
            told, news = _met(run, asked)
        registry.leave_alone()
        _tell_misspelt(asked)
        if asked.values.get("services"):
            given = {name: run.given_to(name) for name in _PROVIDERS}
            _start_services(run, {name: each for name, each in given.items() if each is not None})
    except Exception:
        guard.failed("control.tighten")
        # Whatever was asked: no less than that.
        run.tighten({"capture": Capture.NO_CONTENT})
        told, news = "what was asked could not be done: capture=NO_CONTENT is in force now", True
    # A notebook's cell is run again and again, and is as good as the first time.
    level = logging.WARNING if news else logging.INFO
    guard.say_once(f"{level} {told}", "already instrumented: %s", told, level=level)


def _met(run: Runtime, asked: _Asked) -> tuple[str, bool]:
    """Tighten ``run``; a line of which of what was asked is in force, and whether that is news."""
    names = [*dict.fromkeys([*asked.names, *asked.values])]
    before = {name: run.value(name) for name in settings.BY_NAME}
    lookers = run.lookers
    run.tighten(asked.values, asked.mask)
    changed = run.lookers is not lookers
    force: list[str] = []
    refused: list[str] = []
    ignored: list[str] = []
    for name in names:
        if name in _PROVIDERS:
            if run.given_to(name) is not asked.providers[name]:
                ignored.append(name)
            continue
        setting = settings.BY_NAME[name]
        value = asked.values.get(name)
        if name in ("mask", "redact_patterns") or (name == "services" and value):
            force.append(name)
        elif setting.stricter is None:
            if run.value(name) != value:
                ignored.append(name)
        else:
            met = run.value(name)
            loosens = setting.stricter.refuses(value, met)
            if loosens:
                refused.append(f"{name}={tightening.shown(value)}")
            changed = changed or met != before[name]
            if not loosens or met != before[name]:
                force.append(f"{name}={tightening.shown(met)}")
    parts = []
    if force:
        parts.append(f"{', '.join(force)} {'is' if len(force) == 1 else 'are'} in force now")
    if refused:
        parts.append(f"refused, since it would loosen what is in force: {', '.join(refused)}")
    if ignored:
        parts.append(f"ignored, since only the first call decides it: {', '.join(ignored)}")
    news = bool(changed or refused or ignored)
    return "; ".join(parts) or "this call changes nothing", news


def flush(timeout: float | None = 5.0) -> bool:
    """Send what is finished now: for functions that are frozen, notebooks and short jobs.

    Spans, events and metrics of the providers that otelier uses, in ``timeout`` seconds at most,
    with None as long as their exporters take.
    Whether all of it was sent in time; True where otelier does not run. Never raises.
    """
    return children.send(float("inf") if timeout is None else timeout)


def uninstrument() -> None:
    """Restore every library as it was. Calls that are under way end as they began."""
    try:
        registry.unregister()
        services: Any = sys.modules.get("otelier.services")
        if services is not None:
            services.stop()
        runtime.stop()
        if sdk_setup.configured():
            from otelier import termination

            termination.uninstall()
    except Exception:
        guard.failed("control.uninstrument")
