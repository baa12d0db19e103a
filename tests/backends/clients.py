"""Clients of what both programs of the tests call, against a local server."""

from __future__ import annotations

from typing import Any, Final

import anthropic
import boto3
import openai

# What the local server is called for a provider: a host that nobody can know has no prices. All are
# ways to write its address.
NAMES: Final = {"localhost": "openai", "127.1": "anthropic", "127.0.1": "mistral_ai"}


def home(url: str, provider: str) -> str:
    """The server's URL by the name that stands for a provider."""
    (name,) = (name for name, known in NAMES.items() if known == provider)
    return url.replace("127.0.0.1", name)


def gpt(url: str) -> openai.OpenAI:
    """OpenAI's, by the name by which the settings of the tests know OpenAI."""
    return openai.OpenAI(base_url=home(url, "openai") + "/v1", api_key="k", max_retries=0)


def claude(url: str) -> anthropic.Anthropic:
    """Anthropic's, by its name."""
    return anthropic.Anthropic(base_url=home(url, "anthropic"), api_key="k", max_retries=0)


def bedrock(url: str) -> Any:
    """Bedrock's, which signs with keys that nobody checks."""
    return boto3.client(
        "bedrock-runtime",
        region_name="us-east-1",
        endpoint_url=url,
        aws_access_key_id="k",
        aws_secret_access_key="k",
    )
