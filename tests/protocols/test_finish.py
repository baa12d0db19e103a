"""Why answers end: one vocabulary, and ``error`` only where there is one."""

from __future__ import annotations

from typing import Any

import pytest

from otelier.protocols import finish, huggingface, ollama, xai
from otelier.protocols.anthropic import messages as anthropic_messages
from otelier.protocols.bedrock import converse as bedrock_converse
from otelier.protocols.bedrock import invoke as bedrock_invoke
from otelier.protocols.cohere import chat as cohere
from otelier.protocols.cohere import v1 as cohere_v1
from otelier.protocols.gemini import content as gemini
from otelier.protocols.gemini import interactions as gemini_interactions
from otelier.protocols.openai import chat as openai_chat
from otelier.protocols.openai import realtime as openai_realtime
from otelier.protocols.openai import responses as openai_responses
from tests.protocols.reading import streamed, whole

WORDS = {
    "stop": [
        *("stop", "STOP", "end_turn", "stop_sequence", "eos", "eos_token", "COMPLETE"),
        *("STOP_SEQUENCE", "REASON_STOP", "endoftext", "FINISH", "FINISHED", "STOP_CRITERIA_MET"),
    ],
    "length": [
        *("length", "max_tokens", "MAX_TOKENS", "max_output_tokens", "model_length", "LENGTH"),
        *("model_context_window_exceeded", "REASON_MAX_LEN", "REASON_MAX_CONTEXT", "ERROR_LIMIT"),
    ],
    "tool_call": [
        *("tool_calls", "tool_call", "tool_use", "function_call", "TOOL_CALL"),
        *("REASON_TOOL_CALLS", "requires_action"),
    ],
    "content_filter": [
        *("content_filter", "content_filtered", "refusal", "guardrail_intervened", "SAFETY"),
        *("RECITATION", "PROHIBITED_CONTENT", "MODEL_ARMOR", "ERROR_TOXIC"),
    ],
    "error": ["error", "ERROR", "failed"],
    # What no word of the conventions fits stays as the provider says it.
    "MALFORMED_FUNCTION_CALL": ["MALFORMED_FUNCTION_CALL"],
    "pause_turn": ["pause_turn"],
    "compaction": ["compaction"],
}


@pytest.mark.parametrize(
    ("word", "meant"), [(word, meant) for meant, words in WORDS.items() for word in words]
)
def test_one_vocabulary(word: str, meant: str) -> None:
    assert finish.reason(word) == meant
    assert finish.reason(word, called=True) == ("tool_call" if meant == "stop" else meant)


@pytest.mark.parametrize("word", [None, "", 7, "FINISH_REASON_UNSPECIFIED", "REASON_INVALID"])
def test_what_is_not_told_is_none(word: Any) -> None:
    assert finish.reason(word) is None
    assert finish.reason(word, called=True) is None


@pytest.mark.parametrize(
    ("reasons", "error", "begun", "wanted"),
    [
        ([], None, True, (None, [])),
        ([None], None, True, (None, [])),
        ([None, None], None, True, (None, [])),
        (["stop", None], None, True, (None, ["stop", "unknown"])),
        ([None, "stop"], None, True, (None, ["unknown", "stop"])),
        (["stop", None], "timeout", True, ("timeout", ["stop", "error"])),
        ([], "timeout", True, ("timeout", ["error"])),
        ([], "timeout", False, ("timeout", [])),
        # The provider says that it failed.
        (["error"], None, False, ("_OTHER", ["error"])),
        (["error", "stop"], None, False, (None, ["error", "stop"])),
    ],
)
def test_error_is_for_errors(
    reasons: list[str | None], error: str | None, begun: bool, wanted: Any
) -> None:
    assert finish.settle(reasons, error, begun, "chat") == wanted


def test_a_fetched_answer_that_failed_is_no_failed_fetch() -> None:
    assert finish.settle(["error"], None, False, "fetch_response") == (None, ["error"])
    assert finish.settle(["error"], None, False, "cancel_response") == (None, [])


FUNCTION = {"function": {"name": "f", "arguments": "{}"}}
GEMINI_CALL = {"content": {"parts": [{"functionCall": {"name": "f"}}]}, "finishReason": "STOP"}
GEMINI_RAN = {
    "content": {"parts": [{"executableCode": {"code": "1"}}, {"toolCall": {"toolType": "MAPS"}}]},
    "finishReason": "STOP",
}


def _chat(reason: str, **message: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "message": message, "finish_reason": reason}]}


def _response(*items: Any) -> dict[str, Any]:
    return {"status": "completed", "output": list(items)}


def _xai(kind: str | None, reason: str) -> dict[str, Any]:
    call = {"id": "c", "function": {"name": "f"}} | ({"type": kind} if kind else {})
    return {"outputs": [{"message": {"tool_calls": [call]}, "finish_reason": reason}]}


_ASKS: dict[str, tuple[Any, Any]] = {
    "OpenAI": (openai_chat.Reader, _chat("tool_calls", tool_calls=[{"id": "c", **FUNCTION}])),
    # Where the request names the function, OpenAI says "stop".
    "OpenAI, by name": (openai_chat.Reader, _chat("stop", tool_calls=[{"id": "c", **FUNCTION}])),
    "OpenAI, without ids": (openai_chat.Reader, _chat("stop", tool_calls=[FUNCTION])),
    "OpenAI, legacy": (openai_chat.Reader, _chat("stop", function_call={"name": "f"})),
    "Hugging Face": (huggingface.ChatReader, _chat("eos_token", tool_calls=[FUNCTION])),
    "Responses": (openai_responses.Reader, _response({"type": "function_call", "name": "f"})),
    "Realtime": (openai_realtime.Reader, _response({"type": "function_call", "name": "f"})),
    "Anthropic": (
        anthropic_messages.Reader,
        {"content": [{"type": "tool_use", "name": "f"}], "stop_reason": "tool_use"},
    ),
    "Gemini": (gemini.Reader, {"candidates": [GEMINI_CALL]}),
    "Interactions": (gemini_interactions.Reader, {"status": "requires_action"}),
    "Converse": (bedrock_converse.Reader, {"output": {}, "stopReason": "tool_use"}),
    "Cohere": (cohere.Reader, {"finish_reason": "TOOL_CALL", "message": {"role": "assistant"}}),
    "Cohere v1": (
        cohere_v1.Reader,
        {"finish_reason": "COMPLETE", "tool_calls": [{"name": "f", "parameters": {}}]},
    ),
    "Cohere on Bedrock": (
        lambda keep: bedrock_invoke.PieceReader(bedrock_invoke._cohere, keep),
        {"text": "", "finish_reason": "COMPLETE", "tool_calls": [{"name": "f", "parameters": {}}]},
    ),
    "Ollama": (
        ollama.Reader,
        {"message": {"tool_calls": [FUNCTION]}, "done": True, "done_reason": "stop"},
    ),
    "xAI": (xai.Reader, _xai(None, "REASON_TOOL_CALLS")),
}
_RAN: dict[str, tuple[Any, Any]] = {
    "LiteLLM of Anthropic": (
        openai_chat.Reader,
        _chat("stop", tool_calls=[{"id": "srvtoolu_1", **FUNCTION}]),
    ),
    "Responses": (openai_responses.Reader, _response({"type": "web_search_call"})),
    "Realtime": (openai_realtime.Reader, _response({"type": "mcp_call"})),
    "Gemini": (gemini.Reader, {"candidates": [GEMINI_RAN]}),
    "Anthropic": (
        anthropic_messages.Reader,
        {"content": [{"type": "server_tool_use", "name": "f"}], "stop_reason": "end_turn"},
    ),
    "xAI": (xai.Reader, _xai("TOOL_CALL_TYPE_WEB_SEARCH_TOOL", "REASON_STOP")),
}


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize(("reader", "body"), _ASKS.values(), ids=_ASKS)
def test_answers_that_ask_for_tools_say_so(reader: Any, body: Any, keep: bool) -> None:
    assert whole(reader, body, keep=keep).finish_reasons == ["tool_call"]


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize(("reader", "body"), _RAN.values(), ids=_RAN)
def test_tools_that_the_provider_ran_are_none(reader: Any, body: Any, keep: bool) -> None:
    assert whole(reader, body, keep=keep).finish_reasons == ["stop"]


_STREAMS: dict[str, tuple[Any, list[Any]]] = {
    "Gemini": (
        gemini.Reader,
        [
            {"candidates": [{"content": GEMINI_CALL["content"]}]},
            {"candidates": [{"finishReason": "STOP"}]},
        ],
    ),
    "Ollama": (
        ollama.Reader,
        [{"message": {"tool_calls": [FUNCTION]}}, {"done": True, "done_reason": "stop"}],
    ),
    "Cohere v1": (
        cohere_v1.Reader,
        [
            {"event_type": "tool-calls-generation", "tool_calls": [{"name": "f"}]},
            {"event_type": "stream-end", "finish_reason": "COMPLETE", "response": {}},
        ],
    ),
    "OpenAI, by name": (
        openai_chat.Reader,
        [
            {"choices": [{"index": 0, "delta": {"tool_calls": [{"id": "c", **FUNCTION}]}}]},
            {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        ],
    ),
}


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize(("reader", "events"), _STREAMS.values(), ids=_STREAMS)
def test_streams_that_ask_for_tools_say_so(reader: Any, events: list[Any], keep: bool) -> None:
    assert streamed(reader, events, keep=keep).finish_reasons == ["tool_call"]


def test_the_pieces_of_a_tool_that_ran_are_no_call() -> None:
    events = [
        {"choices": [{"delta": {"tool_calls": [{"id": "srvtoolu_1", "index": 0, **FUNCTION}]}}]},
        {"choices": [{"delta": {"tool_calls": [{"index": 0, "function": {"arguments": "1"}}]}}]},
        {"choices": [{"delta": {}, "finish_reason": "stop"}]},
    ]
    assert streamed(openai_chat.Reader, events).finish_reasons == ["stop"]


def test_a_choice_that_failed_says_so() -> None:
    """OpenRouter: HTTP 200, and the error in the choice."""
    choice = {"index": 0, "finish_reason": "error", "error": {"code": 502, "message": "No."}}
    for reply in (
        whole(openai_chat.Reader, {"choices": [{**choice, "message": {"content": "Hi"}}]}),
        streamed(openai_chat.Reader, [{"choices": [{**choice, "delta": {"content": "Hi"}}]}]),
    ):
        assert (reply.finish_reasons, reply.error, reply.error_message) == (["error"], "502", "No.")


@pytest.mark.parametrize("keep", [True, False])
def test_steps_of_one_answer_have_one_reason(keep: bool) -> None:
    """Whether content is recorded makes no difference to the reasons."""
    ran = _xai("TOOL_CALL_TYPE_WEB_SEARCH_TOOL", "REASON_STOP")["outputs"][0]
    said = {"index": 1, "message": {"content": "Hi"}, "finish_reason": "REASON_MAX_LEN"}
    assert whole(xai.Reader, {"outputs": [ran, said]}, keep=keep).finish_reasons == ["length"]


def test_a_blocked_candidate_keeps_its_place() -> None:
    said = {"content": {"parts": [{"text": "Hi"}]}, "finishReason": "STOP", "index": 1}
    blocked = {"finishReason": "SAFETY", "index": 0}
    reply = whole(gemini.Reader, {"candidates": [blocked, said]})
    assert [each["finish_reason"] for each in reply.output(released=True)] == [  # type: ignore[index]
        "content_filter",
        "stop",
    ]
    assert [each["parts"] for each in reply.messages] == [[], [{"type": "text", "content": "Hi"}]]
