"""Clients of what both programs of the tests call, against a local server."""

from __future__ import annotations

from typing import Any

import anthropic
import boto3
import openai


def gpt(url: str) -> openai.OpenAI:
    """OpenAI's, by the name by which the settings of the tests know OpenAI."""
    home = url.replace("127.0.0.1", "localhost")
    return openai.OpenAI(base_url=home + "/v1", api_key="k", max_retries=0)


def claude(url: str) -> anthropic.Anthropic:
    """Anthropic's."""
    return anthropic.Anthropic(base_url=url, api_key="k", max_retries=0)


def bedrock(url: str) -> Any:
    """Bedrock's, which signs with keys that nobody checks."""
    return boto3.client(
        "bedrock-runtime",
        region_name="us-east-1",
        endpoint_url=url,
        aws_access_key_id="k",
        aws_secret_access_key="k",
    )
