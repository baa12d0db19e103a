"""Starting and stopping otelier in this process."""

from __future__ import annotations

from typing import Any

from otelier import children, guard, processor, runtime, sdk_setup, settings
from otelier.hooks import registry
from otelier.runtime import Runtime


def instrument(**options: Any) -> None:
    """Hook every supported library of this process, now or when it is imported.

    Options: ``tracer_provider``, ``meter_provider``, ``logger_provider`` (default: the global ones;
    where there are none the OpenTelemetry SDK is set up from its ``OTEL_*`` variables, unless
    ``configure_sdk=False``), ``mask`` (a callback, see README), and any field of
    :class:`otelier.settings.Settings`. Never raises; a second call is ignored, with a warning.
    """
    if runtime.current() is not None:
        guard.say_once("twice", "already instrumented; this call is ignored")
        return
    try:
        _start(**options)
    except Exception:
        # Neither the program nor another instrumentor may end with us.
        guard.failed("control.instrument")
        guard.say_once("start", "could not start; the program runs without it")


def _start(
    *,
    tracer_provider: Any = None,
    meter_provider: Any = None,
    logger_provider: Any = None,
    mask: Any = None,
    skip_dep_check: bool = False,
    **overrides: Any,
) -> None:
    chosen = settings.load(**overrides)
    if tracer_provider is None and chosen.configure_sdk and not sdk_setup.provided():
        sdk_setup.configure()
    run = Runtime(chosen, tracer_provider, meter_provider, logger_provider, mask)
    runtime.start(run)
    processor.install(run)
    registry.register(chosen.disabled, chosen.http)
    children.install()
    for number, line in enumerate(registry.misspelt()):
        guard.say_once(f"library {number}", "%s", line)
    if chosen.flush_on_sigterm and sdk_setup.configured():
        from otelier import termination

        termination.install()


def uninstrument() -> None:
    """Restore every library as it was. Calls that are under way end as they began."""
    try:
        registry.unregister()
        runtime.stop()
        if sdk_setup.configured():
            from otelier import termination

            termination.uninstall()
    except Exception:
        guard.failed("control.uninstrument")
