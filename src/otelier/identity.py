"""Who answers: provider name and server from the host, ids from headers.

Provider names are the conventions' (``gen_ai.provider.name``); a host that nobody knows is named
by its registrable label, never ``openai``; one that nobody can know (this machine, a private
network) by the SDK's own provider, which is then only assumed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlsplit

from otelier import gateways, guard, semconv, truncation
from otelier.expressions import later
from otelier.semconv import Attributes


@dataclass(frozen=True, slots=True)
class Identity:
    """The other side of a call."""

    provider: str
    address: str | None
    port: int | None
    # What price data is matched by; no userinfo, no query.
    url: str
    # Nobody outside of its network can know the host; the name is the SDK's own, the host's, or
    # what its answer shows: no list's prices hold for it.
    assumed: bool = False


# Where nothing else is said, by schemes.
PORTS: Final = {"https": 443, "http": 80, "wss": 443, "ws": 80}
# Anchored at a label boundary: "x.ai" matches api.x.ai, never foox.ai. First match wins.
HOSTS: Final[tuple[tuple[str, str], ...]] = (
    ("api.openai.com", "openai"),
    ("openai.azure.com", "azure.ai.openai"),
    ("openai.azure.us", "azure.ai.openai"),
    ("inference.ml.azure.com", "azure.ai.inference"),
    ("cognitiveservices.azure.com", "azure.ai.openai"),
    ("services.ai.azure.com", "azure.ai.inference"),
    ("models.ai.azure.com", "azure.ai.inference"),
    ("models.inference.ai.azure.com", "azure.ai.inference"),
    ("anthropic.com", "anthropic"),
    ("claude.com", "anthropic"),
    ("generativelanguage.googleapis.com", "gcp.gemini"),
    ("aiplatform.googleapis.com", "gcp.vertex_ai"),
    ("amazonaws.com", "aws.bedrock"),
    ("api.aws", "aws.bedrock"),
    ("oraclecloud.com", "oci"),
    ("openrouter.ai", "openrouter"),
    ("deepseek.com", "deepseek"),
    ("groq.com", "groq"),
    ("x.ai", "x_ai"),
    ("mistral.ai", "mistral_ai"),
    ("perplexity.ai", "perplexity"),
    ("moonshot.ai", "moonshot_ai"),
    ("moonshot.cn", "moonshot_ai"),
    ("cohere.com", "cohere"),
    ("cohere.ai", "cohere"),
    ("together.xyz", "together_ai"),
    ("together.ai", "together_ai"),
    ("fireworks.ai", "fireworks_ai"),
    ("cerebras.ai", "cerebras"),
    ("writer.com", "writer"),
    ("nvidia.com", "nvidia"),
    ("sambanova.ai", "sambanova"),
    ("huggingface.co", "huggingface"),
    ("huggingface.cloud", "huggingface"),
    ("dashscope.aliyuncs.com", "dashscope"),
    ("dashscope-intl.aliyuncs.com", "dashscope"),
    ("z.ai", "zai"),
    ("bigmodel.cn", "zai"),
    ("minimax.io", "minimax"),
    ("models.github.ai", "github_models"),
    ("ai-gateway.vercel.sh", "vercel_ai_gateway"),
    ("watsonx.ai", "ibm.watsonx.ai"),
    ("ml.cloud.ibm.com", "ibm.watsonx.ai"),
)

_BEDROCK: Final = "aws.bedrock"
_MULTI_REGION: Final = later(r"aiplatform\.[a-z0-9-]+\.rep\.googleapis\.com")
_SECOND_LEVEL: Final = frozenset({"ac", "co", "com", "edu", "gov", "net", "org"})


def by_host(
    host: str,
    port: int | None,
    chosen: Mapping[str, str] | None = None,
    fallback: str | None = None,
) -> str:
    """Provider name for a host; ``chosen`` is the user's own table of host or host:port.

    ``fallback`` is the name for hosts that nobody knows, else they are named by themselves.
    """
    host = host.lower().rstrip(".")
    if chosen:
        named = chosen.get(f"{host}:{port}") or chosen.get(host)
        if named:
            return named
    for suffix, provider in HOSTS:
        if host == suffix or host.endswith("." + suffix):
            if provider == _BEDROCK and ".bedrock" not in f".{host}":
                continue  # Another service of theirs.
            return provider
    # The region is in the first label, or a label of its own.
    if host.endswith("-aiplatform.googleapis.com") or _MULTI_REGION.fullmatch(host):
        return "gcp.vertex_ai"
    return fallback or _unlisted(host)


def listed(host: str, port: int | None, chosen: Mapping[str, str]) -> bool:
    """Whether a host is known: by the tables here, or by the user's."""
    return by_host(host, port, chosen, "?") != "?"


def _unlisted(host: str) -> str:
    import ipaddress

    try:
        ipaddress.ip_address(host)
    except ValueError:
        return registrable(host)
    return host


# Names that are given out on private networks alone (RFC 6762, RFC 8375, ICANN's "internal", RFC
# 2606) and those of Kubernetes and Docker.
_PRIVATE: Final = (
    ".local",
    ".internal",
    ".localhost",
    ".lan",
    ".home.arpa",
    ".test",
    ".svc",
    ".docker",
)


def unknowable(host: str) -> bool:
    """Whether a host's name or address says nothing to those outside of its network."""
    import ipaddress

    host = host.lower().rstrip(".")
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return "." not in host or host.endswith(_PRIVATE)
    return address.is_private or address.is_loopback or address.is_link_local


# Build number and commit, or what a distribution puts in its place ("b8681-Debian").
_LLAMA_CPP: Final = later(r"b\d+-[0-9A-Za-z.]{3,}")
_VLLM: Final = "vllm-"
_LM_STUDIO_PORT: Final = 1234
_OLLAMA_ALONE: Final = semconv.PROVIDER_PREFIX + "load_duration"


def confirmed(assumed: Identity, attributes: Mapping[str, Any], model: str | None) -> Identity:
    """Who answered in place of an ``assumed`` one, by the answer's system fingerprint.

    Ollama writes ``fp_ollama``; llama.cpp its build (``b4567-0a1b2c3d``, its pull request 10917);
    vLLM, in answers that are not streamed, its version or a hash (``vllm-0.11.0-H100-tp8-…``, its
    pull request 40537); LM Studio, by default on port 1234, the model's name. Of Ollama's own
    protocol the time of loading is nobody else's.
    """
    if _OLLAMA_ALONE in attributes:
        return replace(assumed, provider="ollama")
    mark = attributes.get(semconv.OPENAI_SYSTEM_FINGERPRINT)
    if not isinstance(mark, str):
        return assumed
    if mark == "fp_ollama":
        name = "ollama"
    elif _LLAMA_CPP.fullmatch(mark):
        name = "llama_cpp"
    elif mark.startswith(_VLLM):
        name = "vllm"
    elif assumed.port == _LM_STUDIO_PORT and mark == model:
        name = "lm_studio"
    else:
        return assumed
    # Whatever it is called, no list's prices hold for it.
    return replace(assumed, provider=name)


def registrable(host: str) -> str:
    """The label that somebody registered: ``api.acme.co.uk`` gives ``acme``."""
    labels = [label for label in host.split(".") if label]
    if len(labels) < 2:
        return host or "unknown"
    if len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVEL:
        return labels[-3]
    return labels[-2]


@lru_cache(maxsize=512)
def _identify(
    scheme: str,
    host: str,
    port: int | None,
    path: str,
    provider: str | None,
    chosen: frozenset[Any],
    fallback: str | None,
    assumed: str | None,
) -> Identity:
    port = port or PORTS.get(scheme)
    named = provider or by_host(host, port, dict(chosen), "?")
    guessed = False
    if named == "?":
        # A vendor's own protocol is spoken by the vendor; OpenAI's by everybody.
        guessed = not fallback and (bool(host) or assumed is not None) and unknowable(host)
        named = fallback or (assumed if guessed and assumed else _unlisted(host))
    return Identity(
        named,
        host or None,
        port if host else None,
        f"{scheme}://{host}{path}".rstrip("/"),
        guessed,
    )


def identify(
    base_url: Any,
    provider: str | None,
    chosen: Mapping[str, str],
    fallback: str | None = None,
    assumed: str | None = None,
) -> Identity:
    """Identity for a client's base URL (an httpx or httpx2 ``URL``, duck-typed, or text).

    ``provider`` is the name where the client's class says it; the user's table wins over it.
    ``fallback`` is the name for hosts that nobody knows, ``assumed`` for those that nobody outside
    of their network can know.
    """
    if isinstance(base_url, str):
        parts = urlsplit(base_url)
        scheme, host, port, path = parts.scheme, parts.hostname or "", parts.port, parts.path
    else:
        scheme, host = str(base_url.scheme), str(base_url.host)
        port, path = base_url.port, str(base_url.path)
    if chosen:
        provider = chosen.get(f"{host}:{port}") or chosen.get(host) or provider
    return _identify(
        scheme, host, port, path, provider, frozenset(chosen.items()), fallback, assumed
    )


# Headers that are recorded; all others never are.
HEADERS: Final = (
    ("x-request-id", semconv.PROVIDER_REQUEST_ID),
    ("request-id", semconv.PROVIDER_REQUEST_ID),
    ("apim-request-id", semconv.PROVIDER_PREFIX + "apim_request_id"),
    ("x-ms-region", semconv.PROVIDER_PREFIX + "region"),
    ("openai-organization", semconv.PROVIDER_ORGANIZATION),
    ("anthropic-organization-id", semconv.PROVIDER_ORGANIZATION),
    ("anthropic-workspace-id", semconv.PROVIDER_PREFIX + "workspace_id"),
    ("openai-project", semconv.PROVIDER_PREFIX + "project"),
    ("x-generation-id", semconv.PROVIDER_PREFIX + "generation_id"),
    ("x-amzn-requestid", semconv.PROVIDER_REQUEST_ID),
    ("x-debug-trace-id", semconv.PROVIDER_PREFIX + "debug_trace_id"),
    ("mistral-correlation-id", semconv.PROVIDER_REQUEST_ID),
    ("x-litellm-call-id", semconv.PROVIDER_PREFIX + "litellm_call_id"),
    ("x-inference-provider", semconv.PROVIDER_UPSTREAM),
    *gateways.HEADERS,
)
_MAX_HEADER: Final = 256
_HEADER_NAMES: Final = dict(HEADERS)


def known_headers(headers: Any) -> dict[str, str]:
    """Those of response ``headers`` (httpx-like, or a mapping) that are read, in small letters."""
    found: dict[str, str] = {}
    if headers is None:
        return found
    try:
        # httpx decodes every header on each look-up; its raw list is looked through once instead.
        raw = getattr(headers, "raw", None)
        if isinstance(raw, list):
            for key, value in raw:
                name = _RAW_NAMES.get(key.lower())
                if name is not None and name not in found:
                    found[name] = value.decode("latin-1")
        else:
            for key, value in headers.items():
                name = str(key).lower()
                if name in _READ and name not in found:
                    found[name] = str(value)
    except Exception:
        guard.failed("identity.known_headers")
    return found


def put_headers(headers: Any, attributes: Attributes) -> None:
    """Write the ids among response ``headers`` into ``attributes``."""
    put_known(known_headers(headers), attributes)


def put_known(headers: Mapping[str, str], attributes: Attributes) -> None:
    """The same of what :func:`known_headers` has found."""
    try:
        for name, value in headers.items():
            attribute = _HEADER_NAMES.get(name)
            if attribute is None or not value:
                continue
            if "://" in value:
                value = gateways.bare(value)
                if not value:
                    continue
            if len(value) > _MAX_HEADER:
                value = truncation.shortened(value, _MAX_HEADER)
            attributes.setdefault(attribute, value)
            if name in gateways.BEHIND:
                behind = _upstream(name, value)
                if behind:
                    attributes.setdefault(semconv.PROVIDER_UPSTREAM, behind[:_MAX_HEADER])
    except Exception:
        guard.failed("identity.put_headers")


def _upstream(name: str, value: str) -> str | None:
    """Who answered behind a gateway, where one of its other headers shows it."""
    if name == gateways.ADDRESS:
        host = urlsplit(value).hostname
        return by_host(host, None) if host else None
    if name == gateways.NAMED:
        first, slash, _ = value.partition("/")
        return first if slash else None
    return None


_READ: Final = frozenset((*_HEADER_NAMES, *gateways.READ))
_RAW_NAMES: Final = {name.encode(): name for name in _READ}
