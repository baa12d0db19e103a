"""Where a recorded request went, and which variable holds the key for there.

A span has a host and a port. The path before an endpoint is the one that the provider's reference
gives; for hosts that nobody knows it is assumed, and a note says so.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from otelier import identity, semconv, wire
from otelier.viewer.facts import Attributes, text
from otelier.web.shown.again.notes import Notes


class Known(NamedTuple):
    """A provider's hosts: the variable of the key, and the path before the endpoints."""

    variable: str
    path: str


class Place(NamedTuple):
    """Where a request goes."""

    base_url: str
    variable: str
    provider: str
    """Whose the host is; ``?`` where nobody knows."""


# What a host that is nobody's gets: a provider's key would be sent to whoever made the span.
_ANY_KEY: Final = "API_KEY"
_UNKNOWN: Final = "?"
# Who speaks OpenAI's dialect, by the references of their APIs. Others need what a span does not
# have: a project, a version, a signature.
OPENAI: Final[Mapping[str, Known]] = {
    "openai": Known("OPENAI_API_KEY", "/v1"),
    "azure.ai.openai": Known("AZURE_OPENAI_API_KEY", "/openai/v1"),
    "anthropic": Known("ANTHROPIC_API_KEY", "/v1"),
    "gcp.gemini": Known("GEMINI_API_KEY", "/v1beta/openai"),
    "openrouter": Known("OPENROUTER_API_KEY", "/api/v1"),
    "deepseek": Known("DEEPSEEK_API_KEY", "/v1"),
    "groq": Known("GROQ_API_KEY", "/openai/v1"),
    "x_ai": Known("XAI_API_KEY", "/v1"),
    "mistral_ai": Known("MISTRAL_API_KEY", "/v1"),
    "perplexity": Known("PERPLEXITY_API_KEY", ""),
    "moonshot_ai": Known("MOONSHOT_API_KEY", "/v1"),
    "cohere": Known("COHERE_API_KEY", "/compatibility/v1"),
    "together_ai": Known("TOGETHER_API_KEY", "/v1"),
    "fireworks_ai": Known("FIREWORKS_API_KEY", "/inference/v1"),
    "cerebras": Known("CEREBRAS_API_KEY", "/v1"),
    "writer": Known("WRITER_API_KEY", "/v1"),
    "nvidia": Known("NVIDIA_API_KEY", "/v1"),
    "sambanova": Known("SAMBANOVA_API_KEY", "/v1"),
    "huggingface": Known("HF_TOKEN", "/v1"),
    "dashscope": Known("DASHSCOPE_API_KEY", "/compatible-mode/v1"),
    "zai": Known("ZAI_API_KEY", "/api/paas/v4"),
    "minimax": Known("MINIMAX_API_KEY", "/v1"),
    "github_models": Known("GITHUB_TOKEN", "/inference"),
    "vercel_ai_gateway": Known("AI_GATEWAY_API_KEY", "/v1"),
}
ANTHROPIC: Final[Mapping[str, Known]] = {"anthropic": Known("ANTHROPIC_API_KEY", "")}
GEMINI: Final[Mapping[str, Known]] = {"gcp.gemini": Known("GEMINI_API_KEY", "")}
_HOST: Final = re.compile(r"[a-z0-9_]([a-z0-9_.-]{0,251}[a-z0-9_])?")


def place(
    attributes: Attributes, speaks: Mapping[str, Known], path: str, notes: Notes
) -> Place | None:
    """Where a span's request went; None where the span does not say, or not enough.

    ``speaks``: the known providers of a wire format. ``path``: that of all other servers.
    """
    host = _host(text(attributes, semconv.SERVER_ADDRESS))
    if host is None:
        return None
    told = wire.count(attributes.get(semconv.SERVER_PORT))
    port = told if told is not None and 0 < told < 1 << 16 else None
    provider = identity.by_host(host.strip("[]"), port, None, _UNKNOWN)
    known = speaks.get(provider)
    if known is None and provider != _UNKNOWN:
        return None
    scheme = _scheme(host.strip("[]"), port, known is not None)
    beside = "" if port in (None, identity.PORTS[scheme]) else f":{port}"
    base_url = f"{scheme}://{host}{beside}{known.path if known else path}"
    if known is None:
        notes.add("scheme and path of the base URL are not recorded, this is assumed", base_url)
    return Place(base_url, known.variable if known else _ANY_KEY, provider)


def _host(address: str) -> str | None:
    """An address as URLs have it; None where it is no host's."""
    try:
        number = ipaddress.IPv6Address(address.strip("[]"))
        # A zone may be any text, and is this machine's alone.
        return None if number.scope_id else f"[{number.compressed}]"
    except ValueError:
        pass
    try:
        host = address.lower() if address.isascii() else address.encode("idna").decode()
    except UnicodeError:
        return None
    return host if _HOST.fullmatch(host) else None


def _scheme(host: str, port: int | None, known: bool) -> str:
    for scheme in ("https", "http"):
        if port == identity.PORTS[scheme]:
            return scheme
    return "http" if not known and identity.unknowable(host) else "https"
