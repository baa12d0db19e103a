"""What installed SDKs have: tests of what came later are skipped on older ones."""

from __future__ import annotations

import inspect
from importlib.metadata import PackageNotFoundError, version

import pytest


def _version(name: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in version(name).split(".")[:2])
    except PackageNotFoundError:
        return (0,)


def _httpx2_works() -> bool:
    """Whether the anyio that is installed goes with httpx2."""
    try:
        from anyio import Lock
    except ImportError:
        return True
    return "fast_acquire" in inspect.signature(Lock).parameters


# ``stream_options``, ``Stream.close`` and ``with_streaming_response`` came until then.
openai_streams = pytest.mark.skipif(
    _version("openai") < (1, 26), reason="this openai has no stream_options yet"
)
openai_responses = pytest.mark.skipif(
    _version("openai") < (1, 66), reason="this openai has no responses yet"
)
openai_helpers = pytest.mark.skipif(
    _version("openai") < (1, 92), reason="this openai has no chat.completions.stream yet"
)
anthropic_runners = pytest.mark.skipif(
    _version("anthropic") < (0, 66), reason="this anthropic has no tool runner yet"
)
anthropic_betas = pytest.mark.skipif(
    _version("anthropic") < (0, 34), reason="this anthropic has no beta messages yet"
)
httpx2 = pytest.mark.skipif(not _httpx2_works(), reason="this anyio is too old for httpx2")
