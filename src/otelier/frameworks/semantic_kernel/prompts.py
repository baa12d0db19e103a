"""Prompts that the program runs without a name: the framework makes one up for each."""

from __future__ import annotations

from typing import Any, Final

from opentelemetry.context import Context, create_key

from otelier import context as ctx
from otelier import runtime
from otelier.frameworks.semantic_kernel import streams
from otelier.hooks.patching import Patches

_NAMELESS: Final = create_key("otelier-semantic-kernel-prompt")
_WHOLE: Final = "invoke_prompt"
_STREAM: Final = "invoke_prompt_stream"


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap what runs a prompt that is no function of the kernel's."""
    kernel = getattr(module, "Kernel", None)
    if kernel is None or _WHOLE not in kernel.__dict__:
        raise LookupError(f"Kernel.{_WHOLE}")
    patches.wrap(kernel, _WHOLE, streams.within(_inside))
    if _STREAM in kernel.__dict__:
        patches.wrap(kernel, _STREAM, _streamed)
    return f"Kernel.{_WHOLE}"


def nameless() -> bool:
    """Whether the prompt that runs now is one of those; once for each."""
    held: Any = ctx.current().get(_NAMELESS)
    return bool(held) and held.pop()


def _named(args: Any, kwargs: Any) -> bool:
    return bool(args[1:2] and args[1]) or bool(kwargs.get("function_name"))


def _inside(kernel: Any, args: Any, kwargs: Any) -> Context | None:
    return None if _named(args, kwargs) else ctx.with_value(ctx.current(), _NAMELESS, [True])


def _streamed(wrapped: Any, kernel: Any, args: Any, kwargs: Any) -> Any:
    inner = wrapped(*args, **kwargs)
    if runtime.current() is None:
        return inner
    return streams.read(inner, lambda: _inside(kernel, args, kwargs))
