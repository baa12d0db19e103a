"""The end of a program whose telemetry goes to the default endpoint, where nobody listens.

The SDK's exporters repeat for ten seconds, each of them, before the program may end. Who chose no
endpoint waits for nobody: then one refused connection is enough. An endpoint that was chosen is
waited for as long as the SDK does, and so is one that listens; while the program runs, all is.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
from collections.abc import Iterator
from typing import Any, Final

from otelier import guard, settings

# Where exporters are found, from a provider: through attributes whose names have one of these.
_LEADS: Final = ("processor", "reader", "exporter", "config", "client")
_DEEP: Final = 8
# What ends an exporter's wait for its next attempt (SDK 1.35 and later).
_EVENTS: Final = ("_shutdown_event", "_shutdown_in_progress")
# Before that one of them slept.
_SLEEPER: Final = "opentelemetry.exporter.otlp.proto.grpc.exporter"
_LOCAL: Final = ("localhost", "127.0.0.1", "::1")
_SECONDS: Final = 0.5

# Set when nobody is waited for any more.
_over = threading.Event()
# The providers that end so, and the process in which their exporters were made.
_watched: tuple[Any, ...] = ()
_made_in: int | None = None


def watch(*providers: Any) -> None:
    """See to the end of these providers, which were just made; before their own ``atexit``.

    Only where the environment names no endpoint.
    """
    if settings.sdk_off():
        return
    for name, value in settings.otel_environment().items():
        named = name.startswith("OTEL_EXPORTER_OTLP_") and name.endswith("ENDPOINT")
        if value and (named or name == "OTEL_CONFIG_FILE"):
            return
    global _watched, _made_in
    _watched, _made_in = providers, os.getpid()
    _interrupt_sleep()
    atexit.register(give_up)


def _interrupt_sleep() -> None:
    module: Any = sys.modules.get(_SLEEPER)
    if hasattr(module, "sleep"):
        module.sleep = _over.wait


def give_up() -> None:
    """The process ends now: wait for nobody who does not listen. Never raises."""
    try:
        refused: dict[tuple[str, int], bool] = {}
        for exporter in exporters(_watched):
            place = _place(getattr(exporter, "_endpoint", None))
            if place is None:
                continue
            if place not in refused:
                refused[place] = _refuses(place)
            if refused[place]:
                _stop_waiting(exporter)
                guard.say_once(
                    "export",
                    "nothing listens at %s:%d, where telemetry goes by default: it is lost. Start "
                    "a collector there, set OTEL_EXPORTER_OTLP_ENDPOINT, or use `otelier run`, "
                    "which needs no backend.",
                    *place,
                )
    except Exception:
        guard.failed("unheard.give_up")


def exporters(providers: tuple[Any, ...]) -> Iterator[Any]:
    """All exporters that the providers hold, and what these are made of."""
    seen: set[int] = set()
    level = list(providers)
    for _ in range(_DEEP):
        found: list[Any] = []
        for held in level:
            if id(held) in seen:
                continue
            seen.add(id(held))
            yield held
            for name, value in getattr(held, "__dict__", {}).items():
                if any(lead in name for lead in _LEADS):
                    found += value if isinstance(value, list | tuple | set) else [value]
        level = [each for each in found if type(each).__module__.startswith("opentelemetry.")]


def _place(endpoint: Any) -> tuple[str, int] | None:
    """Host and port of an endpoint of this machine; gRPC's has no scheme."""
    if not isinstance(endpoint, str):
        return None
    from urllib.parse import urlsplit

    parts = urlsplit(endpoint if "://" in endpoint else f"http://{endpoint}")
    if parts.hostname not in _LOCAL or parts.port is None:
        return None
    return parts.hostname, parts.port


def _refuses(place: tuple[str, int]) -> bool:
    """Whether nobody listens: this machine says so at once."""
    import socket

    try:
        socket.create_connection(place, timeout=_SECONDS).close()
    except ConnectionRefusedError:
        return True
    except OSError:
        return False
    return False


def _stop_waiting(exporter: Any) -> None:
    """Each batch that is left is tried once."""
    global _over
    forked = os.getpid() != _made_in
    if forked and not _over.is_set():
        # Its lock may have been held by another thread when the process forked.
        _over = _set()
        _interrupt_sleep()
    _over.set()
    for owner in (exporter, getattr(exporter, "_client", None)):
        for name in _EVENTS:
            event = getattr(owner, name, None)
            if not isinstance(event, threading.Event):
                continue
            if forked:
                setattr(owner, name, _set())
            else:
                event.set()


def _set() -> threading.Event:
    event = threading.Event()
    event.set()
    return event
