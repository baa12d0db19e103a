"""Claude Agent SDK: its program (the CLI) makes the model calls and runs the tools elsewhere.

All that is known comes as messages of that program: :mod:`.queries` sees them pass, :mod:`.session`
knows what is open in one connection, :mod:`.agents` the calls and tools of one agent,
:mod:`.prompts` what is asked, :mod:`.counts` what was used.
"""
