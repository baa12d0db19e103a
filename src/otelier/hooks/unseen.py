"""What libraries that are hooked can also do, and otelier makes no span of: told, not hidden.

``otelier doctor`` prints the rows of what is installed; README's table "not seen" is this one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Unseen:
    """Calls of one library that leave no span of ours."""

    # As in table.LIBRARIES.
    distribution: str
    # What the user calls, as it stands in a program.
    what: str
    # What of it is seen nevertheless, or why nothing is: one line.
    why: str


UNSEEN: Final = (
    Unseen(
        "openai",
        "live.connect, live.create, live.forks, live.sideband",
        "a session without turns: its usage is a running sum, and no event ends an answer",
    ),
    Unseen(
        "openai",
        "realtime.translations.connect",
        "a continuous stream without answers, and its usage is not told",
    ),
    Unseen(
        "openai",
        "realtime sessions of type transcription",
        "they make no responses",
    ),
    Unseen(
        "openai",
        "realtime.calls, realtime.client_secrets",
        "sound goes between OpenAI and the caller; a realtime.connect to the call is seen",
    ),
    Unseen(
        "openai",
        "beta.threads.runs (Assistants)",
        "deprecated in favour of Responses, which are seen",
    ),
    Unseen(
        "openai",
        "beta.agents.sessions, beta.chatkit",
        "agents that run at OpenAI: the answers do not tell what they used",
    ),
    Unseen(
        "openai",
        "batches, evals.runs, fine_tuning",
        "jobs: OpenAI makes their calls later, and results come as files",
    ),
)


def of(distribution: str) -> list[Unseen]:
    """The rows of one library."""
    return [row for row in UNSEEN if row.distribution == distribution]


def table() -> list[str]:
    """README's table, line by line."""
    lines = ["| Library | Not seen | Why |", "|---|---|---|"]
    return lines + [f"| {row.distribution} | {row.what} | {row.why} |" for row in UNSEEN]
