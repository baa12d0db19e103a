"""Whether the framework's steps are ours to show, or another instrumentation's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from otelier.frameworks import steps
from otelier.hooks import foreign

LIBRARY: Final = "semantic_kernel"
_AGENTS: Final = "semantic_kernel.agents.chat_completion.chat_completion_agent"
# What others would wrap. All that runs asks the same, as the answer is kept.
_SEAMS: Final = (
    (_AGENTS, "ChatCompletionAgent", "get_response"),
    (_AGENTS, "ChatCompletionAgent", "invoke"),
    (_AGENTS, "ChatCompletionAgent", "invoke_stream"),
    ("semantic_kernel.kernel", "Kernel", "invoke"),
    ("semantic_kernel.kernel", "Kernel", "invoke_prompt"),
    ("semantic_kernel.functions.kernel_function", "KernelFunction", "invoke"),
)


def shown() -> bool:
    """Whether otelier runs, and nobody else shows the steps."""
    return steps.shown(LIBRARY, _wrappers)


def _wrappers() -> Iterator[Any]:
    return foreign.wrappers(_SEAMS)
