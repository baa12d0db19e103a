"""OpenTelemetry's OTLP exporters: what they send at once fits what the receiver takes.

Their classes are patched, so that whoever made the batch processor has it, too. A batch that is too
large is sent in parts; of one span or log record that is too large alone, content gives way. If the
receiver says that it takes less than :data:`otelier.settings` allows (HTTP 413, gRPC
RESOURCE_EXHAUSTED), the exporter's limit is halved and the batch sent again.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final
from weakref import WeakKeyDictionary

from otelier import batches, guard, loading, runtime
from otelier.hooks.patching import Patches

# Exporter class -> the size of one item, and the function of ``giving_way`` that makes a smaller
# one of it.
_KINDS: Final = {
    "OTLPSpanExporter": (batches.of_span, "span"),
    "OTLPLogExporter": (batches.of_log, "log"),
}
# Nobody takes less than that.
_LEAST: Final = 64 * 1024

# What the receivers of exporters were found to take.
_limits: WeakKeyDictionary[Any, int] = WeakKeyDictionary()


class _Refusal(threading.local):
    """Whether the receiver called what this thread sends now too large."""

    seen = False


_refusal = _Refusal()


def _note(record: logging.LogRecord) -> bool:
    """A filter that lets all pass, and sees refusals."""
    if batches.too_large(record):
        _refusal.seen = True
    return True


def patch(library: str, module: Any, patches: Patches) -> str:
    """Patch one exporter's module; what was patched. Raises LookupError."""
    for name, (size_of, lighten) in _KINDS.items():
        owner = getattr(module, name, None)
        if owner is not None and "export" in owner.__dict__:
            patches.wrap(owner, "export", _splitting(size_of, lighten))
            for logger in _loggers(owner):
                _watch(logger)
            return f"{module.__name__}.{name}.export"
    raise LookupError(f"{module.__name__}.{{{','.join(_KINDS)}}}.export")


def _loggers(owner: type) -> list[logging.Logger]:
    """The loggers that an exporter and its bases report failures by."""
    names = {base.__module__ for base in owner.__mro__ if "exporter" in base.__module__}
    return [logging.getLogger(name) for name in names]


def _watch(logger: logging.Logger) -> None:
    # Before others: a filter that drops a record ends the look at it.
    if _note not in logger.filters:
        logger.filters.insert(0, _note)


def _splitting(size_of: Callable[[Any], int], lighten: str) -> Callable[[Any, Any, Any, Any], Any]:
    def export(wrapped: Callable[..., Any], exporter: Any, args: Any, kwargs: Any) -> Any:
        try:
            parts = _parts(exporter, args, kwargs, size_of)
        except Exception:
            guard.failed("otlp.split")
            parts = None
        if parts is None:
            return wrapped(*args, **kwargs)
        return _send(wrapped, exporter, parts, size_of, lighten)

    return export


Parts = list[tuple[Sequence[Any], int]]


def _parts(exporter: Any, args: Any, kwargs: Any, size_of: Callable[[Any], int]) -> Parts | None:
    """The batch in parts that fit, or None where there is nothing for us to do."""
    run = runtime.current()
    if run is None or len(args) != 1 or kwargs or not isinstance(args[0], list | tuple):
        return None
    most = run.settings.export_bytes
    if not most:
        return None
    parts: Parts = list(batches.split(args[0], size_of, min(most, _limits.get(exporter, most))))
    if len(parts) == 1:
        parts[0] = (args[0], parts[0][1])  # What fits is sent as it came.
    return parts or None


def _send(
    wrapped: Callable[..., Any],
    exporter: Any,
    parts: Parts,
    size_of: Callable[[Any], int],
    lighten: str,
) -> Any:
    """Send the parts, one after another; the first failure ends it, as it ends a whole batch."""
    result = None
    waiting = parts[::-1]
    while waiting:
        batch, size = waiting.pop()
        limit = _limit(exporter)
        if size > limit:
            if len(batch) > 1:  # The limit has become smaller meanwhile.
                waiting.extend([*batches.split(batch, size_of, limit)][::-1])
                continue
            batch = [_lighter(batch[0], limit - batches.of_head(batch[0]), lighten)]
            size = size_of(batch[0]) + batches.of_head(batch[0])
        _refusal.seen = False
        result = wrapped(batch)
        if _failed(result):
            if _refusal.seen and _shrink(exporter, size):
                waiting.append((batch, size))
                continue
            break
    return result


def _limit(exporter: Any) -> int:
    run = runtime.current()
    most = run.settings.export_bytes if run is not None else 0
    return min(most or 1 << 62, _limits.get(exporter, 1 << 62))


def _lighter(item: Any, limit: int, lighten: str) -> Any:
    try:
        # Few programs have one that is too large alone.
        return getattr(loading.module("giving_way"), lighten)(item, limit)
    except Exception:
        guard.failed("otlp.lighten")
        return item


def _failed(result: Any) -> bool:
    return getattr(result, "name", "") == "FAILURE"


def _shrink(exporter: Any, size: int) -> bool:
    """Halve what is sent at once to this receiver; whether that may help."""
    refused = min(size, _limit(exporter))
    smaller = max(refused // 2, _LEAST)
    if smaller >= refused:
        guard.say_once(
            "too large",
            "the receiver of telemetry refuses requests of %d bytes as too large; what is in them "
            "is lost. Raise its limit (HTTP body size, gRPC message size).",
            refused,
        )
        return False
    _limits[exporter] = smaller
    guard.say_once(
        "smaller",
        "the receiver of telemetry refuses requests of %d bytes as too large; from now on less is "
        "sent at once. OTELIER_EXPORT_BYTES sets how much, or raise the receiver's limit.",
        refused,
    )
    return True
