"""What the provider of the page of google-genai answers."""

from __future__ import annotations

from typing import Any

from tests.servers import Json, ProviderServer, gemini_wire

MODEL = "gemini-3.8-flash"
TREE = """
agent gemini-3.8-flash
├─ generate gemini-3.8-flash
├─ tool get_weather
└─ generate gemini-3.8-flash
generate gemini-3.8-flash
generate gemini-3.8-flash
"""


def answers(server: ProviderServer) -> dict[str, str]:
    """Script the server; the variables by which the SDK finds it."""
    call = gemini_wire.candidate(gemini_wire.call("get_weather"))
    said = gemini_wire.candidate(gemini_wire.text("It is 18 °C and sunny in Paris."))
    server.script(
        Json(_answer(call, "wKAraYmeI5", 58, 16, 34)),
        Json(_answer(said, "w6AraZq3Lr", 131, 12, 0)),
        Json(_interaction("v1_ChdGcm", "The Loire.", 9, 0, 5, 41)),
        Json(_interaction("v1_ChdKbW", "It is 1,006 km long.", 27, 0, 12, 38)),
    )
    return {"GOOGLE_GEMINI_BASE_URL": server.url}


def _answer(candidate: Any, id: str, read: int, made: int, thought: int) -> dict[str, Any]:
    usage = {
        "promptTokenCount": read,
        "candidatesTokenCount": made,
        "thoughtsTokenCount": thought,
        "totalTokenCount": read + made + thought,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": read}],
        "serviceTier": "standard",
    }
    return gemini_wire.answer(candidate, usage=usage, modelVersion=MODEL, responseId=id)


def _interaction(
    id: str, text: str, read: int, cached: int, made: int, thought: int
) -> dict[str, Any]:
    usage = {
        "total_tokens": read + made + thought,
        "total_input_tokens": read,
        "input_tokens_by_modality": [{"modality": "text", "tokens": read}],
        "total_cached_tokens": cached,
        "total_output_tokens": made,
        "total_tool_use_tokens": 0,
        "total_thought_tokens": thought,
    }
    said = {"type": "model_output", "content": [{"type": "text", "text": text}]}
    thinking = {"type": "thought", "signature": "CugZ"}
    return gemini_wire.interaction(thinking, said, id=id, model=MODEL, usage=usage)
