"""The handler that every callback manager of LangChain's gets, and what it hears of."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextvars import ContextVar
from importlib import import_module
from typing import Any, Final

from otelier import guard, runtime
from otelier.frameworks import steps
from otelier.frameworks.langchain import chains, models, others, searches, tools
from otelier.frameworks.langchain.open_runs import runs
from otelier.hooks.patching import Patches

# One for each base class: managers of runs that are under way keep theirs.
handlers: Final[dict[type, Any]] = {}


def patch(library: str, module: Any, patches: Patches) -> str:
    """Register the handler with what configures callback managers.

    That imports this module when the first run is configured, and not before.
    """
    register = vars(module).get("register_configure_hook")
    hooks = vars(module).get("_configure_hooks")
    if register is None or type(hooks) is not list:
        raise LookupError(f"no register_configure_hook in {module.__name__}")
    handler = the_handler()
    # The default reaches all threads.
    held: ContextVar[Any] = ContextVar("otelier-langchain", default=handler)
    register(held, True)

    def forget() -> None:
        hooks[:] = [each for each in hooks if each[0] is not held]
        runs.clear()

    patches.undone(forget)
    return "register_configure_hook"


def the_handler() -> Any:
    """The one handler, also of a run whose callbacks were copied, or sent to another process."""
    base = import_module("langchain_core.callbacks.base").BaseCallbackHandler
    if base not in handlers:
        handlers[base] = _made(base)()
    return handlers[base]


def _heard(hear: Callable[..., None]) -> Callable[..., None]:
    """A method of the handler: guarded, and of no effect where nothing is to be seen."""

    @functools.wraps(hear)
    def heard(*args: Any, **kwargs: Any) -> None:
        try:
            if runtime.current() is None:
                return
            if not _stands_down():
                hear(*args, **kwargs)
            elif hear.__name__ == "on_chat_model_start":
                others.model_begins(kwargs["run_id"])
        except Exception:
            guard.failed(f"langchain.{hear.__name__}")

    return heard


def _stands_down() -> bool:
    return steps.stands_down("langchain", others.found)


def _made(base: Any) -> Any:
    class Handler(base):  # type: ignore[misc]
        """LangChain's runs, as they begin and end."""

        # In the task and the context of the run itself.
        run_inline = True
        raise_error = False
        ignore_retry = True
        ignore_custom_event = True

        def __reduce__(self) -> Any:
            return the_handler, ()

        @_heard
        def on_chain_start(
            self,
            serialized: Any,
            inputs: Any,
            *,
            run_id: Any,
            parent_run_id: Any = None,
            tags: Any = None,
            metadata: Any = None,
            name: Any = None,
            run_type: Any = None,
            **_: Any,
        ) -> None:
            chains.begin(serialized, inputs, run_id, parent_run_id, tags, metadata, name, run_type)

        @_heard
        def on_chain_end(self, outputs: Any, *, run_id: Any, inputs: Any = None, **_: Any) -> None:
            chains.end(run_id, outputs, inputs, None)

        @_heard
        def on_chain_error(self, error: Any, *, run_id: Any, inputs: Any = None, **_: Any) -> None:
            chains.end(run_id, None, inputs, error)

        @_heard
        def on_tool_start(
            self,
            serialized: Any,
            input_str: Any,
            *,
            run_id: Any,
            parent_run_id: Any = None,
            inputs: Any = None,
            name: Any = None,
            tool_call_id: Any = None,
            metadata: Any = None,
            **_: Any,
        ) -> None:
            tools.begin(
                *(serialized, input_str, run_id, parent_run_id),
                *(inputs, name, tool_call_id, metadata),
            )

        @_heard
        def on_tool_end(self, output: Any, *, run_id: Any, **_: Any) -> None:
            tools.end(run_id, output, None)

        @_heard
        def on_tool_error(self, error: Any, *, run_id: Any, **_: Any) -> None:
            tools.end(run_id, None, error)

        @_heard
        def on_retriever_start(
            self,
            serialized: Any,
            query: Any,
            *,
            run_id: Any,
            parent_run_id: Any = None,
            metadata: Any = None,
            **_: Any,
        ) -> None:
            searches.begin(query, run_id, parent_run_id, metadata)

        @_heard
        def on_retriever_end(self, documents: Any, *, run_id: Any, **_: Any) -> None:
            searches.end(run_id, documents, None)

        @_heard
        def on_retriever_error(self, error: Any, *, run_id: Any, **_: Any) -> None:
            searches.end(run_id, None, error)

        @_heard
        def on_chat_model_start(
            self,
            serialized: Any,
            messages: Any,
            *,
            run_id: Any,
            parent_run_id: Any = None,
            metadata: Any = None,
            invocation_params: Any = None,
            batch_size: Any = None,
            **_: Any,
        ) -> None:
            asked = messages[0] if messages else None
            models.begin(asked, run_id, parent_run_id, metadata, invocation_params, batch_size)

        # A prompt in the place of messages, and all else alike.
        on_llm_start = on_chat_model_start

        @_heard
        def on_llm_end(self, response: Any, *, run_id: Any, **_: Any) -> None:
            models.end(run_id, response, None)

        @_heard
        def on_llm_error(self, error: Any, *, run_id: Any, response: Any = None, **_: Any) -> None:
            models.end(run_id, response, error)

    return Handler
