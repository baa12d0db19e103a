"""All builders of the OpenAI wire format in one place."""

from __future__ import annotations

from .openai_chat import *  # noqa: F403
from .openai_media import *  # noqa: F403
from .openai_responses import *  # noqa: F403
