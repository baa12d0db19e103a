"""Legacy completions: a prompt in the place of messages; the rest is a chat's.

Wire format: OpenAI API reference, "Create completion".
"""

from __future__ import annotations

from otelier import wire
from otelier.protocols import Content, no_content
from otelier.wire import Wire


def content(body: Wire) -> Content:
    """The prompt of a legacy completion, as user messages."""
    prompt = body.get("prompt")
    texts = [prompt] if isinstance(prompt, str) else wire.items(prompt)
    found = no_content(body)
    for text in texts:
        if isinstance(text, str):
            found.messages.append(
                {"role": "user", "parts": [{"type": "text", "content": text}]},
            )
    return found
