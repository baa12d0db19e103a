"""The older group chat: agents take turns in one generator, which is a workflow."""

from __future__ import annotations

from typing import Any, Final

from opentelemetry.context import Context

from otelier import context as ctx
from otelier.frameworks.semantic_kernel import others, streams, works
from otelier.handle import Handle
from otelier.hooks.calling import argument
from otelier.hooks.patching import Patches

_SEAMS: Final = ("invoke", "invoke_stream")


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap the generators of a chat."""
    chat = getattr(module, "AgentGroupChat", None)
    found = [name for name in _SEAMS if chat is not None and name in chat.__dict__]
    if not found:
        raise LookupError("AgentGroupChat.invoke")
    for name in found:
        patches.wrap(chat, name, _run)
    return "AgentGroupChat.invoke"


def _run(wrapped: Any, chat: Any, args: Any, kwargs: Any) -> Any:
    inner = wrapped(*args, **kwargs)
    # One agent's turn is that agent's.
    if argument(args, kwargs, 0, "agent") is not None:
        return inner
    called = ctx.current()
    return streams.read(inner, lambda: _begin(called))


def _begin(called: Context) -> Handle | None:
    if not others.shown():
        return None
    work = works.begin(None, called)
    return None if work is None else work.handle
