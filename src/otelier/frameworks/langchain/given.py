"""Handlers that a run is given: where one shows all of it, ours gives way in that run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from otelier import guard, runtime
from otelier.frameworks.langchain import agents, callbacks, others
from otelier.hooks.patching import Patches

# By base class, what stands in the place of our handler.
_besides: Final[dict[type, Any]] = {}


def patch(library: str, module: Any, patches: Patches) -> str:
    """Look at each callback manager when it is configured."""
    if "_configure" not in vars(module):
        raise LookupError(f"no _configure in {module.__name__}")
    patches.wrap(module, "_configure", _configured)
    return "_configure"


def _configured(wrapped: Callable[..., Any], _: Any, args: Any, kwargs: Any) -> Any:
    manager = wrapped(*args, **kwargs)
    try:
        # What was about to begin before has, and was not told to us.
        agents.begins()
        # Most have ours alone.
        if len(manager.handlers) > 1 and runtime.current() is not None:
            shown = others.of_run(manager.handlers)
            if shown is not None:
                _give_way(manager, shown[1])
                guard.say_once(
                    f"langchain beside {shown[0]}",
                    "a run of langchain is shown by %s already; otelier leaves its steps alone",
                    shown[0],
                )
    except Exception:
        guard.failed("langchain.given")
    return manager


def _give_way(manager: Any, find: others.Find) -> None:
    """Leave the runs of ``manager`` to who shows them already, but for the calls of models."""
    ours = {id(handler) for handler in callbacks.handlers.values()}
    for name in ("handlers", "inheritable_handlers"):
        setattr(manager, name, [each for each in getattr(manager, name) if id(each) not in ours])
    for base in callbacks.handlers:
        if base not in _besides:
            _besides[base] = _made(base)
        manager.add_handler(_besides[base](find), False)


def _made(base: Any) -> Any:
    class Beside(base):  # type: ignore[misc]
        """Hears of models alone."""

        run_inline = True
        raise_error = False
        ignore_chain = True
        ignore_agent = True
        ignore_retriever = True
        ignore_retry = True
        ignore_custom_event = True

        def __init__(self, find: others.Find) -> None:
            self._find = find

        def __reduce__(self) -> Any:
            # Where it is read again, ours gives way again.
            return callbacks.the_handler, ()

        def on_chat_model_start(
            self, serialized: Any, asked: Any, *, run_id: Any, **_: Any
        ) -> None:
            try:
                if runtime.current() is not None:
                    others.model_begins(run_id, self._find)
            except Exception:
                guard.failed("langchain.beside")

        on_llm_start = on_chat_model_start

    return Beside
