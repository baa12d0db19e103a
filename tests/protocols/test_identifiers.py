"""Identifiers that providers give and their pages name: where each of them stands."""

from __future__ import annotations

from typing import Any

import pytest

from otelier import identity
from otelier.protocols.bedrock import agentcore, agents, converse
from otelier.protocols.cohere import chat as cohere
from otelier.protocols.gemini import interactions
from otelier.protocols.mistral import chat as mistral
from otelier.semconv import Attributes


def answered(reader: Any, body: dict[str, Any]) -> Attributes:
    """What a reader of an answer says."""
    reader.whole(body)
    found: Attributes = reader.reply(True).attributes
    return found


def of_headers(headers: dict[str, str]) -> Attributes:
    """What headers say."""
    found: Attributes = {}
    identity.put_headers(headers, found)
    return found


FLOW = {"flowIdentifier": "F1", "flowAliasIdentifier": "A1", "executionId": "E1"}


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (
            agents.agent_request({"agentId": "A1", "sessionId": "s1", "memoryId": "m1"}),
            {
                "gen_ai.agent.id": "A1",
                "gen_ai.conversation.id": "s1",
                "otelier.provider.memory_id": "m1",
            },
        ),
        (
            agents.flow_request(FLOW),
            {
                "otelier.provider.flow.id": "F1",
                "otelier.provider.flow.alias_id": "A1",
                "otelier.provider.flow.execution_id": "E1",
            },
        ),
        (agentcore.request({"runtimeUserId": "u1"}), {"user.id": "u1"}),
        (
            converse.served({"serviceTier": {"type": "priority"}}),
            {"otelier.provider.request_service_tier": "priority"},
        ),
        (
            answered(interactions.Reader(True), {"id": "v1_a", "environment_id": "env_1"}),
            {"gen_ai.response.id": "v1_a", "otelier.provider.environment_id": "env_1"},
        ),
        (
            mistral.request({"service_tier": "priority"}),
            {"otelier.provider.requested_service_tier": "priority"},
        ),
        (
            answered(cohere.VectorReader(True), {"id": "e1", "meta": {"warnings": ["old"]}}),
            {"gen_ai.response.id": "e1", "otelier.provider.warnings": ["old"]},
        ),
        (
            answered(cohere.Reader(True), {"id": "err_1", "message": "no such model"}),
            {"otelier.provider.error_id": "err_1"},
        ),
        (
            of_headers({"x-litellm-model-id": "m1", "x-litellm-model-group": "fast"}),
            {
                "otelier.provider.litellm_model_id": "m1",
                "otelier.provider.litellm_model_group": "fast",
            },
        ),
    ],
)
def test_an_identifier_has_its_attribute(found: Attributes, wanted: Attributes) -> None:
    assert found == wanted


def test_cache_writes_by_their_time_to_live() -> None:
    told = [{"ttl": "5m", "inputTokens": 400}, {"ttl": "1h", "inputTokens": 100}]
    usage = {"inputTokens": 4, "outputTokens": 1, "cacheWriteInputTokens": 500}
    found = converse.usage({**usage, "cacheDetails": told})
    assert found is not None and found.input == 504
    assert (found.cache_write_5m, found.cache_write_1h) == (400, 100)
