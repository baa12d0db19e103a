"""Which of the machine's settings bend what a test does."""

from __future__ import annotations

import os
from collections.abc import Iterator

_PREFIXES = (
    *("OTEL_", "OTELIER_", "OPENAI_", "ANTHROPIC_", "AZURE_", "GROQ_", "GOOGLE_", "GEMINI_"),
    *("VERTEX_", "AWS_", "MISTRAL_", "COHERE_", "CO_", "OLLAMA_", "LITELLM_", "HF_", "XAI_"),
)
# Asked by the libraries below exporters and SDKs, before the settings of these.
_NETWORK = ("_PROXY", "_CA_BUNDLE")


def bending(network: bool = False) -> Iterator[str]:
    """The names that are set: settings and keys of what is tested; the network's, if asked."""
    for name in list(os.environ):
        if name.startswith(_PREFIXES) or (network and name.upper().endswith(_NETWORK)):
            yield name
