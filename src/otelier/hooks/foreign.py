"""Other instrumentations of the same library: where one is active, ours stands down."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from otelier import guard, model_runs

_OTHERS: Final = (
    "opentelemetry.instrumentation.",
    "openinference.",
    "traceloop.",
    "openlit",
    "logfire",
    "langfuse",
    "mlflow",
    "ddtrace",
)

# Methods that others wrap, by library: module, class, method.
_TARGETS: Final[dict[str, tuple[tuple[str, str, str], ...]]] = {
    "openai": (
        ("openai", "OpenAI", "request"),
        ("openai.resources.chat.completions", "Completions", "create"),
        ("openai.resources.responses", "Responses", "create"),
        ("openai.resources.embeddings", "Embeddings", "create"),
    ),
    "anthropic": (
        ("anthropic.resources.messages", "Messages", "create"),
        ("anthropic.resources.messages", "Messages", "stream"),
    ),
    "google_genai": (
        ("google.genai.models", "Models", "generate_content"),
        ("google.genai.models", "AsyncModels", "generate_content"),
    ),
    "cohere": (
        ("cohere.client_v2", "ClientV2", "chat"),
        ("cohere.client", "Client", "chat"),
        ("cohere.client", "Client", "embed"),
    ),
    "groq": (("groq.resources.chat.completions", "Completions", "create"),),
    # Not botocore's own instrumentation: its spans are enriched.
    "bedrock": (("botocore.client", "ClientCreator", "create_client"),),
    # Functions of the package itself, found through a module of its that has it as a member.
    "litellm": (
        ("litellm.main", "litellm", "completion"),
        ("litellm.main", "litellm", "acompletion"),
    ),
    "mistralai": (
        ("mistralai.client.chat", "Chat", "complete"),
        ("mistralai.client.chat", "Chat", "stream"),
        ("mistralai.chat", "Chat", "complete"),
        ("mistralai.chat", "Chat", "stream"),
    ),
    "together": (("together.resources.chat.completions", "CompletionsResource", "create"),),
}

_MOST_LAYERS: Final = 16

# Once per library and runtime: the answer, kept by the runtime's identity.
_answers: dict[str, tuple[Any, str | None]] = {}


def stands_in(library: str, run: Any) -> bool:
    """Whether another instrumentation takes this library's calls; said once."""
    known = _answers.get(library)
    if known is not None and known[0] is run and known[1] is None:
        return False  # As of nearly every call.
    if not _others(library, run, find, "its calls"):
        return False
    model_runs.elsewhere()
    return True


def shown_by(library: str, run: Any, candidates: Callable[[], Iterable[Any]]) -> bool:
    """Whether one of ``candidates`` (handlers, wrappers) is another instrumentation's; said once.

    They are asked for once in the life of ``run``.
    """

    def found(_: str) -> str | None:
        names = (_module(each) for each in candidates())
        return next((name for name in names if name.startswith(_OTHERS)), None)

    return _others(library, run, found, "its steps")


def _others(library: str, run: Any, find: Callable[[str], str | None], what: str) -> bool:
    known = _answers.get(library)
    if known is None or known[0] is not run:
        found = find(library)
        known = _answers[library] = (run, found)
        if found is not None:
            guard.say_once(
                f"foreign {library}",
                "%s is instrumented by %s already; otelier leaves %s alone. "
                "Uninstall or disable one of the two.",
                library,
                found,
                what,
            )
    return known[1] is not None


def _module(candidate: Any) -> str:
    """Where a wrapper, or the class of an object, was written."""
    name = _wrapper_module(candidate)
    return name or str(getattr(type(candidate), "__module__", ""))


def forget() -> None:
    """Forget the runtime that was."""
    _answers.clear()


def find(library: str) -> str | None:
    """The module of another instrumentation's wrapper on this library, or None."""
    names = map(_wrapper_module, wrappers(_TARGETS.get(library, ())))
    return next((name for name in names if name.startswith(_OTHERS)), None)


def wrappers(targets: Iterable[tuple[str, str, str]]) -> Iterator[Any]:
    """Methods, given by module, class and name, and what they wrap, layer by layer."""
    for module, owner, method in targets:
        target = getattr(getattr(sys.modules.get(module), owner, None), method, None)
        for _ in range(_MOST_LAYERS):
            if target is None:
                break
            yield target
            target = getattr(target, "__wrapped__", None)


def _wrapper_module(target: Any) -> str:
    wrapper = getattr(target, "_self_wrapper", None)
    if wrapper is not None:
        owner = getattr(wrapper, "__module__", None) or type(wrapper).__module__
        return str(owner or "")
    code = getattr(target, "__globals__", None)
    return str((code or {}).get("__name__", "")) if code is not None else ""
