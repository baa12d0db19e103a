"""The wire formats of Hugging Face's inference: text-generation-inference and the tasks.

Chats are OpenAI's, see ``openai_wire``.
"""

from __future__ import annotations

from typing import Any

from .replies import Sse

PIECES = ("Hello", " there")


def token(text: str, id: int = 1, *, special: bool = False) -> dict[str, Any]:
    """One token with its probability."""
    return {"id": id, "text": text, "logprob": -0.5, "special": special}


def details(finish_reason: str = "eos_token", *, prefill: int = 0) -> dict[str, Any]:
    """What is said of a generation; ``prefill`` input tokens, if the request wanted them."""
    return {
        "finish_reason": finish_reason,
        "generated_tokens": len(PIECES),
        "seed": None,
        "prefill": [{"id": id, "text": "Hi", "logprob": None} for id in range(prefill)],
        "tokens": [token(piece) for piece in PIECES],
    }


def generation(text: str = "Hello there", **more: Any) -> dict[str, Any]:
    """The answer of text-generation-inference; ``details`` only where they were asked for."""
    return {"generated_text": text, **more}


def counted(prompt: int = 5, generated: int = 2) -> dict[str, str]:
    """Headers of an answer of text-generation-inference that is not streamed."""
    return {"x-prompt-tokens": str(prompt), "x-generated-tokens": str(generated)}


def generation_stream(*pieces: str, detailed: bool = True) -> Sse:
    """A stream of tokens; the last one, which is no text, has the whole text and the details."""
    said = pieces or PIECES
    events: list[Any] = [
        {"index": index, "token": token(piece), "generated_text": None, "details": None}
        for index, piece in enumerate(said, 1)
    ]
    ended = {
        "finish_reason": "eos_token",
        "generated_tokens": len(said) + 1,
        "input_length": 5,
        "seed": None,
    }
    events.append(
        {
            "index": len(said) + 1,
            "token": token("</s>", 2, special=True),
            "generated_text": "".join(said),
            "details": ended if detailed else None,
        }
    )
    return Sse(events, done=None)


def error(message: str = "Model is overloaded", kind: str = "overloaded") -> dict[str, Any]:
    """An error of text-generation-inference, as a body or as an event."""
    return {"error": message, "error_type": kind}
