"""What the provider of the page of DSPy answers."""

from __future__ import annotations

from manual.answers.turns import play, says
from tests.servers import ProviderServer

# Its own client takes an address from no variable.
BEFORE = """
import os

import wrapt


@wrapt.when_imported("dspy.clients.lm")
def here(module):
    def make(wrapped, lm, args, kwargs):
        return wrapped(*args, **{"api_base": os.environ["MANUAL_PROVIDER"], **kwargs})

    wrapt.wrap_function_wrapper(module, "LM.__init__", make)
"""
TREE = """
agent
├─ chat gpt-6-luna → gpt-6-luna-2026-09-17
├─ tool find_trains
├─ chat gpt-6-luna → gpt-6-luna-2026-09-17
└─ chat gpt-6-luna → gpt-6-luna-2026-09-17
"""


def answers(server: ProviderServer) -> dict[str, str]:
    """Script the server; the variables by which the SDK finds it."""
    end = "[[ ## completed ## ]]"
    look = (
        "[[ ## next_thought ## ]]\nI look the trains up.\n"
        "[[ ## next_tool_name ## ]]\nfind_trains\n"
        '[[ ## next_tool_args ## ]]\n{"to": "Lyon"}\n'
    )
    finish = (
        "[[ ## next_thought ## ]]\nI know it.\n[[ ## next_tool_name ## ]]\nfinish\n"
        "[[ ## next_tool_args ## ]]\n{}\n"
    )
    told = "[[ ## reasoning ## ]]\nThe next one.\n[[ ## answer ## ]]\nThe train at 9:30.\n"
    found = play(
        server,
        says(look + end, 487, 48),
        says(finish + end, 541, 37),
        says(told + end, 402, 29),
        model="gpt-6-luna-2026-09-17",
    )
    del found["OPENAI_BASE_URL"]
    return {**found, "MANUAL_PROVIDER": f"{server.url}/v1"}
