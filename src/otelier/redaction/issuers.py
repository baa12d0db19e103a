"""The forms of keys, by the issuers that give them a prefix.

Each row: who, prefixes, and what follows. Lengths and letters are those that the issuers make, as
their documents and the rules of the public scanners (gitleaks, noseyparker, GitHub's "supported
secret scanning patterns") have them; a lower bound is a little below where issuers have changed
lengths before. What follows has to look made by a machine too, see
:func:`otelier.redaction.values.made`: identifiers and file names begin like keys.
"""

from __future__ import annotations

import re
from typing import Final

from otelier.expressions import later

_ALNUM: Final = "A-Za-z0-9"
_URLSAFE: Final = "A-Za-z0-9_-"

# Issuer, prefixes, pattern of what follows the prefix.
_FORMS: Final[tuple[tuple[str, tuple[str, ...], str], ...]] = (
    # Their own names come after `sk-`, and letters of base64url.
    ("OpenAI", ("sk-proj-", "sk-svcacct-", "sk-admin-", "sk-None-"), f"[{_URLSAFE}]{{20,}}"),
    ("Anthropic", ("sk-ant-",), f"[a-z]{{3,8}}[0-9]{{2}}-[{_URLSAFE}]{{20,}}"),
    ("OpenRouter", ("sk-or-v1-",), "[a-f0-9]{32,}"),
    ("Langfuse", ("sk-lf-",), "[a-f0-9]{8}(?:-[a-f0-9]{4}){3}-[a-f0-9]{12}"),
    # DeepSeek, DashScope, Moonshot, Stability, the first OpenAI keys: letters and digits only.
    ("DeepSeek", ("sk-",), f"[{_ALNUM}]{{20,}}"),
    ("LiteLLM", ("sk-",), f"[{_URLSAFE}]{{22}}"),
    ("Groq", ("gsk_",), f"[{_ALNUM}]{{32,}}"),
    ("xAI", ("xai-",), f"[{_ALNUM}]{{32,}}"),
    ("Perplexity", ("pplx-",), f"[{_ALNUM}]{{32,}}"),
    ("Cerebras", ("csk-",), f"[{_ALNUM}]{{32,}}"),
    ("Fireworks", ("fw_",), f"[{_ALNUM}]{{20,}}"),
    ("Hugging Face", ("hf_", "api_org_"), f"[{_ALNUM}]{{30,}}"),
    ("Replicate", ("r8_",), f"[{_ALNUM}]{{32,}}"),
    ("NVIDIA", ("nvapi-",), f"[{_URLSAFE}]{{40,}}"),
    ("Tavily", ("tvly-",), f"(?:dev-|prod-)?[{_ALNUM}]{{20,}}"),
    ("Jina", ("jina_",), f"[{_ALNUM}]{{32,}}"),
    ("LangSmith", ("lsv2_pt_", "lsv2_sk_"), "[a-f0-9]{32}(?:_[a-f0-9]{10})?"),
    ("LangSmith", ("ls__",), "[a-f0-9]{32}"),
    ("Together", ("tgp_v1_",), f"[{_URLSAFE}]{{32,}}"),
    ("Google", ("AIza",), f"[{_URLSAFE}]{{35}}"),
    ("Google", ("AQ.",), f"[{_URLSAFE}]{{40,}}"),
    ("Google", ("ya29.", "GOCSPX-"), f"[{_URLSAFE}]{{24,}}"),
    ("AWS", ("AKIA",), "[A-Z0-9]{16}"),
    ("AWS", ("ASIA", "ABIA", "ACCA"), "(?=[A-Z]{0,15}[0-9])[A-Z0-9]{16}"),
    # Bedrock's long-term keys are base64 of a text that begins with their name.
    ("AWS", ("ABSKQmVkcm9ja0FQSUtleS",), "[A-Za-z0-9+/]{40,}={0,2}"),
    ("GitHub", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), f"[{_ALNUM}]{{36,}}"),
    ("GitHub", ("github_pat_",), "[A-Za-z0-9_]{36,}"),
    ("GitLab", ("glpat-", "gldt-", "glrt-", "glptt-"), f"[{_URLSAFE}]{{20,}}"),
    ("Slack", ("xoxa-", "xoxb-", "xoxe-", "xoxp-", "xoxr-", "xoxs-"), f"[{_ALNUM}-]{{16,}}"),
    ("Slack", ("xapp-",), f"[0-9]-[{_ALNUM}]{{8,}}-[{_ALNUM}-]{{16,}}"),
    ("Stripe", ("sk_live_", "sk_test_", "rk_live_", "rk_test_"), f"[{_ALNUM}]{{16,}}"),
    ("Stripe", ("whsec_",), "[A-Za-z0-9+/]{24,}={0,2}"),
    ("SendGrid", ("SG.",), rf"[{_URLSAFE}]{{16,}}\.[{_URLSAFE}]{{16,}}"),
    ("npm", ("npm_",), f"[{_ALNUM}]{{36}}"),
    ("PyPI", ("pypi-",), f"AgE[{_URLSAFE}]{{40,}}"),
    ("DigitalOcean", ("dop_v1_", "doo_v1_", "dor_v1_"), "[a-f0-9]{64}"),
    ("LlamaCloud", ("llx-",), f"[{_ALNUM}]{{40,}}"),
    ("Pinecone", ("pcsk_",), f"[{_ALNUM}]{{4,8}}_[{_ALNUM}]{{40,}}"),
    ("Databricks", ("dapi",), "[a-f0-9]{32}(?:-[0-9])?"),
)  # fmt: skip

# Prefixes that no word and no name begins with: what follows must only be no mask.
_SURE: Final = frozenset(
    [
        "AKIA",
        "ASIA",
        "AIza",
        "ghp_",
        "gho_",
        "ghu_",
        "ghs_",
        "ghr_",
        "github_pat_",
        "glpat-",
        "gldt-",
        "glrt-",
        "glptt-",
        "xoxa-",
        "xoxb-",
        "xoxe-",
        "xoxp-",
        "xoxr-",
        "xoxs-",
        "xapp-",
        "sk_live_",
        "sk_test_",
        "rk_live_",
        "rk_test_",
        "whsec_",
        "SG.",
        "pypi-",
        "dop_v1_",
        "doo_v1_",
        "dor_v1_",
        "lsv2_pt_",
        "lsv2_sk_",
        "nvapi-",
        "pcsk_",
    ]
)

ISSUERS: Final = tuple(dict.fromkeys(issuer for issuer, _, _ in _FORMS))

# Not inside of a word. In text that holds JSON the letter before may be an escape's, as of a line
# break.
START: Final = rb"(?:(?<![A-Za-z0-9_-])|(?<=\\[nrtbf])|(?<=\\u[0-9a-fA-F]{4}))"

# Groups named `made…` have to look made; those named `sure…` not like a mask.
# JSON Web Tokens have a form that nothing else has.
KEY: Final = later(
    START
    + rb"(?:"
    + b"|".join(
        (
            f"(?:{'|'.join(map(re.escape, prefixes))})"
            f"(?P<{'sure' if prefixes[0] in _SURE else 'made'}{number}>{rest})(?![{_ALNUM}_])"
        ).encode()
        for number, (_, prefixes, rest) in enumerate(_FORMS)
    )
    + rb"|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"
    + rb")"
)

_PREFIXES: Final = {"sk-", "eyJ"}.union(
    prefix for _, prefixes, _ in _FORMS for prefix in prefixes if not prefix.startswith("sk-")
)
# What a key begins with, for a cheap look at a run of key letters. Some prefixes end in a dot,
# which is in no run.
PREFIXES: Final = tuple(prefix.encode() for prefix in sorted(_PREFIXES) if prefix[-1] != ".")
DOTTED: Final = tuple(prefix.encode() for prefix in sorted(_PREFIXES) if prefix[-1] == ".")
PREFIX: Final = later(b"|".join(map(re.escape, PREFIXES)))
# Where a key may begin, and how far that has to be looked at: the whole form is asked for there.
BEGUN: Final = later(START + b"(?:" + b"|".join(map(re.escape, (*PREFIXES, *DOTTED))) + b")")
LONGEST_PREFIX: Final = max(map(len, _PREFIXES))
HEADS: Final = frozenset(prefix[:2] for prefix in PREFIXES)


def begins(text: str) -> bool:
    """Whether a text begins as a key does, whatever follows: for settings, which are no prose."""
    return text.startswith(tuple(_PREFIXES))
