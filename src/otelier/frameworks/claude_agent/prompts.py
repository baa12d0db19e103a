"""What the program is asked: prompts as they are written to it, with where they come from."""

from __future__ import annotations

import json
from collections import deque
from typing import Any, Final, NamedTuple

from opentelemetry.context import Context

from otelier import context as ctx
from otelier import guard, runtime
from otelier.hooks.beside import Beside
from otelier.hooks.calling import argument
from otelier.hooks.patching import Patches

# Of a program that never begins with them.
_MOST: Final = 100
# Answers and requests of the protocol between the SDK and the program: no prompts.
_CONTROL: Final = '{"type": "control_'


class Prompt(NamedTuple):
    """One prompt that the program has not begun with."""

    content: Any
    context: Context


_waiting: Final[Beside[deque[Prompt]]] = Beside()


def following(transport: Any) -> Prompt | None:
    """The prompt of the turn that begins now, as far as it is known."""
    waiting = _waiting.of(transport)
    if waiting:
        return waiting.popleft()
    # Before 0.1.5 a text is an argument of the program.
    asked = options(transport).get("_prompt") if waiting is None else None
    return Prompt(asked, ctx.current()) if type(asked) is str else None


def options(transport: Any) -> dict[str, Any]:
    """The members of the SDK's own transport; none of one that the program has written."""
    ours = type(transport).__module__.startswith("claude_agent_sdk.")
    return vars(transport) if ours else {}


def _note(transport: Any, data: Any) -> None:
    run = runtime.current()
    if run is None or type(data) is not str or data.startswith(_CONTROL):
        return
    here = ctx.current()
    content = None
    if run.captures(here).spans:
        message = json.loads(data).get("message")
        content = message.get("content") if type(message) is dict else None
    waiting = _waiting.of(transport)
    if waiting is None:
        waiting = _waiting.put(transport, deque(maxlen=_MOST))
    waiting.append(Prompt(content, here))


def _write(wrapped: Any, transport: Any, args: Any, kwargs: Any) -> Any:
    try:
        _note(transport, argument(args, kwargs, 0, "data"))
    except Exception:
        guard.failed("claude_agent.prompt")
    return wrapped(*args, **kwargs)


def patch(library: str, module: Any, patches: Patches) -> str:
    """Look at what the SDK writes to its program."""
    transport = getattr(module, "SubprocessCLITransport", None)
    if "write" not in vars(transport or object):
        raise LookupError("SubprocessCLITransport.write")
    patches.wrap(transport, "write", _write)
    return "SubprocessCLITransport.write"
