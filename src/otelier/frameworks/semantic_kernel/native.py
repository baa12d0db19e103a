"""Model calls of the framework's own spans, by its switch: they stay, and are completed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from otelier import context as ctx
from otelier import guard, natives, runtime, semconv, theirs
from otelier.frameworks.semantic_kernel import elsewhere, switches
from otelier.hooks.patching import Patches
from otelier.semconv import Attributes

SCOPE: Final = "semantic_kernel.utils.telemetry.model_diagnostics.decorators"
_OPERATIONS: Final = {
    "chat": semconv.CHAT,
    "text_completions": semconv.TEXT_COMPLETION,
    # Of older versions.
    "chat.completions": semconv.CHAT,
    "chat.streaming_completions": semconv.CHAT,
    "text.completions": semconv.TEXT_COMPLETION,
    "text.streaming_completions": semconv.TEXT_COMPLETION,
}
_SEAM: Final = "_get_completion_span"
# Around the name of a class, as its text has it.
_CLASS: Final = ("<class '", "'>")


def patch(library: str, module: Any, patches: Patches) -> str:
    """Look at its spans, and keep content out of its events where none is wanted."""
    if _SEAM not in module.__dict__:
        raise LookupError(f"{module.__name__}.{_SEAM}")
    patches.undone(_forget)
    switches.tighten(module, patches)
    patches.wrap(module, _SEAM, _made)
    return f"spans of {SCOPE}"


# What ends the look at its spans, once there is one: most programs have not switched them on.
_watching: Final[list[Callable[[], None]]] = []


def _watch() -> None:
    if not _watching and runtime.current() is not None:
        _watching.append(natives.watch(SCOPE, natives.Native(begins, ends, mirrors=True)))


def _forget() -> None:
    while _watching:
        _watching.pop()()


def _made(wrapped: Any, module: Any, args: Any, kwargs: Any) -> Any:
    try:
        _watch()
    except Exception:
        guard.failed("semantic_kernel.watch")
    span = wrapped(*args, **kwargs)
    try:
        operation, model = begins(span)
        if not elsewhere.goes(span, ctx.current()) and operation is not None:
            # What goes out beneath it is to know it for what it is.
            span.set_attribute(semconv.OPERATION_NAME, operation)
            theirs.rename(span, " ".join(filter(None, (operation, model))))
    except Exception:
        guard.failed("semantic_kernel.native")
    return span


def begins(span: Any) -> tuple[str | None, str | None]:
    """What a span is, by its name; it has no attributes yet."""
    if not span.is_recording():
        return None, None
    return natives.by_name(span, _OPERATIONS)


def ends(span: Any, present: Mapping[str, Any]) -> Attributes:
    """What a span of its says otherwise than the conventions."""
    found: Attributes = {}
    error = present.get(semconv.ERROR_TYPE)
    if isinstance(error, str) and error.startswith(_CLASS[0]):
        found[semconv.ERROR_TYPE] = error.removeprefix(_CLASS[0]).removesuffix(_CLASS[1])
    return found
