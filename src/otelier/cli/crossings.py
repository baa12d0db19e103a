"""Doctor's part about other services: where a trace breaks for want of an instrumentation.

What crosses to another process (HTTP, queues) is told by OpenTelemetry's own instrumentations, each
a distribution of its own. A row tells which library needs which.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from importlib.metadata import entry_points
from typing import Final

from otelier.cli.libraries import installed_version, is_there

_SERVER: Final = "requests to it begin traces of their own"
_CLIENT: Final = "whom it asks does not go on with the trace"
_QUEUE: Final = "its messages do not carry the trace"
_PREFIX: Final = "opentelemetry-instrumentation-"
# Of pyproject.toml: what ``pip install 'otelier[services]'`` brings.
EXTRA: Final = frozenset(
    {"aiohttp-client", "aiohttp-server", "asgi", "celery", "django", "fastapi", "flask"}
    | {"httpx", "requests", "starlette"}
)
# Distribution, entry point and distribution of its instrumentation, what is missing without.
_ROWS: Final = (
    ("fastapi", "fastapi", "fastapi", _SERVER),
    ("starlette", "starlette", "starlette", _SERVER),
    ("django", "django", "django", _SERVER),
    ("flask", "flask", "flask", _SERVER),
    ("falcon", "falcon", "falcon", _SERVER),
    ("pyramid", "pyramid", "pyramid", _SERVER),
    ("tornado", "tornado", "tornado", _SERVER),
    ("aiohttp", "aiohttp-server", "aiohttp-server", _SERVER),
    ("aiohttp", "aiohttp-client", "aiohttp-client", _CLIENT),
    ("httpx", "httpx", "httpx", _CLIENT),
    ("httpx2", "httpx2", "httpx", _CLIENT),
    ("requests", "requests", "requests", _CLIENT),
    ("celery", "celery", "celery", _QUEUE),
    ("pika", "pika", "pika", _QUEUE),
    ("aio-pika", "aio-pika", "aio-pika", _QUEUE),
    ("kafka-python", "kafka", "kafka-python", _QUEUE),
    ("aiokafka", "aiokafka", "aiokafka", _QUEUE),
    ("confluent-kafka", "confluent_kafka", "confluent-kafka", _QUEUE),
    ("remoulade", "remoulade", "remoulade", _QUEUE),
)
# Installed as a part of another, whose instrumentation is enough.
_WITHIN: Final = {"starlette": "fastapi"}
# Versions that have this module go on with a trace themselves.
_ITSELF: Final = {"fastapi": "fastapi.telemetry"}


def look(switched_off: Collection[str]) -> Iterator[str]:
    """A line for each library whose traces end with it, and the line that installs what is missing.

    No library is imported.
    """
    there = {point.name for point in entry_points(group="opentelemetry_instrumentor")}
    missing: set[str] = set()
    known = 0
    for distribution, name, instrumentation, without in _ROWS:
        version = installed_version(distribution)
        within = _WITHIN.get(distribution)
        if version is None or (within is not None and installed_version(within) is not None):
            continue
        known += 1
        own = _ITSELF.get(distribution)
        if own is not None and is_there(own):
            continue
        if name not in there:
            missing.add(instrumentation)
            yield f"{distribution} {version}: {without} without {_PREFIX}{instrumentation}"
        elif name in switched_off or "*" in switched_off:
            yield f"{distribution} {version}: {without}: {name} is disabled by a setting"
    if missing:
        words = ["'otelier[services]'"] if missing & EXTRA else []
        words += [f"{_PREFIX}{each}" for each in sorted(missing - EXTRA)]
        yield "install what is missing: pip install " + " ".join(words)
    if known and not missing:
        yield (
            "carried on by what is installed, under opentelemetry-instrument, otelier run, or "
            "otelier.instrument(services=True)"
        )
    if not known:
        yield "no library that asks other services, or is asked, is installed"
