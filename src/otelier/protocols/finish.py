"""Why answers end: one vocabulary for all wire formats, decided here and nowhere else.

- The words are those of ``FinishReason`` in the conventions' gen-ai-output-messages.json: ``stop``,
  ``length``, ``tool_call``, ``content_filter``, ``compaction``, ``error``. A provider's word that
  none of them fits stays as it is.
- An answer that ended well and asks the application to run a tool says ``tool_call``, also where
  the provider has no word for that (Gemini, Ollama, Cohere's first version) or does not use it
  (OpenAI where the request names the function). Tools that the provider ran are none of these.
- A reader gives None for a choice whose reason was not told. :func:`settle` makes ``error`` of it
  on a span with an error, and nothing on any other: whoever leaves a stream early has no error.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from otelier import semconv, wire

STOP: Final = "stop"
LENGTH: Final = "length"
TOOL_CALL: Final = "tool_call"
CONTENT_FILTER: Final = "content_filter"
ERROR: Final = "error"
# In the place of a reason that nobody told, where a place must not be empty.
UNKNOWN: Final = "unknown"

# By the provider's word in small letters, without what xAI has before each.
_WORDS: Final = {
    word: meant
    for meant, words in (
        (
            STOP,
            # OpenAI, Gemini, Ollama, xAI; Anthropic, Bedrock; text-generation-inference, Together,
            # vLLM; Cohere; AI21, Titan.
            "stop end_turn stop_sequence eos eos_token complete completed endoftext finish"
            " finished stop_criteria_met",
        ),
        (
            LENGTH,
            # Cohere's error_limit: the context is full.
            "length max_tokens max_output_tokens model_length model_context_window_exceeded"
            " max_len max_context error_limit",
        ),
        (TOOL_CALL, "tool_call tool_calls tool_use function_call requires_action"),
        (
            CONTENT_FILTER,
            "content_filter content_filtered refusal guardrail_intervened error_toxic safety"
            " recitation blocklist prohibited_content spii image_safety image_prohibited_content"
            " image_recitation model_armor",
        ),
        (ERROR, "error failed"),
    )
    for word in words.split()
}
# Words of protobuf enumerations for what was not said.
_UNTOLD: Final = frozenset({"finish_reason_unspecified", "invalid"})


def reason(word: Any, called: bool = False) -> str | None:
    """The reason by a provider's word; None where it gives none.

    ``called``: the answer asks the application to run a tool.
    """
    if type(word) is str and (known := _WORDS.get(word)) is not None:
        return TOOL_CALL if called and known == STOP else known
    said = wire.text(word)
    if said is None:
        return None
    plain = said.lower().removeprefix("reason_")
    if plain in _UNTOLD:
        return None
    # SDKs may have a member of an enumeration for it.
    found = _WORDS.get(plain) or str.__str__(said)
    return TOOL_CALL if called and found == STOP else found


def settle(
    reasons: Sequence[str | None], error: str | None, begun: bool, operation: str
) -> tuple[str | None, list[str | None]]:
    """The span's error, and its reasons: one for each choice in order, none of them None.

    ``error`` is what is known of it; ``begun``: something of an answer had come. An answer of
    which the provider says, for all of it, that it failed is an error, whatever HTTP said. To fetch
    such an answer is none, though ``fetch_response`` tells how it had ended, as the conventions
    want; to cancel one is none either.
    """
    if error is None and len(reasons) == 1 and reasons[0] is not None and reasons[0] != ERROR:
        return None, [reasons[0]]  # As of nearly every answer.
    if error is None and reasons and all(each == ERROR for each in reasons):
        if operation == semconv.FETCH_RESPONSE:
            return None, [*reasons]
        error = "_OTHER" if operation in semconv.INFERENCE else None
        reasons = reasons if error is not None else ()
    if error is not None:
        return error, [each or ERROR for each in reasons] or ([ERROR] if begun else [])
    return None, [each or UNKNOWN for each in reasons] if any(reasons) else []
