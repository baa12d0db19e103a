"""``mistralai``: one client for Mistral's own API, one for Azure, one for Google Cloud.

All three are made by the Speakeasy generator, each with a base and streams of its own.
"""

from __future__ import annotations

from typing import Any, Final

from otelier.call import Call
from otelier.hooks import calling, speakeasy
from otelier.hooks.patching import Patches
from otelier.protocols import Route
from otelier.protocols.mistral.chat import find
from otelier.sdks.mistral import native as mistral_native

# Who answers at a host that nobody knows, by a word of the client's module.
_PROVIDERS: Final = (("azure", "azure.ai.inference"), ("gcp", "gcp.vertex_ai"))


def patch(library: str, module: Any, patches: Patches) -> str:
    """Patch a client's base, or its streams; what was patched. Raises LookupError."""
    provider = next((name for word, name in _PROVIDERS if word in module.__name__), "mistral_ai")
    return speakeasy.patch(module, opener(provider), patches)


def opener(provider: str) -> calling.Open:
    """Begins a call, unless Mistral's own span shows it by the user's choice."""
    begin = speakeasy.opener("mistralai", find, provider)

    def open_call(owner: Any, args: Any, kwargs: Any) -> tuple[Call, Route] | None:
        if mistral_native.chosen(owner.sdk_configuration):
            return None
        return begin(owner, args, kwargs)

    return open_call
