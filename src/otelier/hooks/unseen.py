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
        "sessions of live.connect, live.create, live.forks, live.sideband",
        "no turns, and billed by the second; responses that live.connect delegates are seen",
    ),
    Unseen(
        "openai",
        "realtime.translations.connect",
        "a continuous stream without answers, whose usage is not told",
    ),
    Unseen(
        "openai",
        "realtime.calls, realtime.client_secrets",
        "the sound goes between OpenAI and the caller; realtime.connect to such a call is seen",
    ),
    Unseen(
        "openai",
        "batches, evals.runs, fine_tuning",
        "jobs: OpenAI makes the model calls later, and results come as files",
    ),
    Unseen(
        "openai",
        "beta.threads, beta.assistants",
        "deprecated by OpenAI in favour of responses, which are seen",
    ),
    Unseen(
        "openai",
        "beta.agents, beta.chatkit",
        "agents that run at OpenAI (beta): what they do is polled, or sent as events of many turns",
    ),
    Unseen(
        "openai",
        "audio.voices, content_provenance_checks",
        "they make or check a file: no model is asked by name, and nothing is generated",
    ),
)


def of(distribution: str) -> list[Unseen]:
    """The rows of one library."""
    return [row for row in UNSEEN if row.distribution == distribution]


def table() -> list[str]:
    """README's table, line by line."""
    lines = ["| Library | Not seen | Why |", "|---|---|---|"]
    return lines + [f"| {row.distribution} | {row.what} | {row.why} |" for row in UNSEEN]
