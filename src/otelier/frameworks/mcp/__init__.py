"""The Model Context Protocol (``mcp``): requests, at their sender and at their receiver.

Both sides may be in one process, or in two; either may be the client, for servers ask, too. What
connects the two is the trace context in a request's ``params._meta``.

Version 2 makes spans itself: ours take their place, with content, errors and metrics as in version
1, which makes none. A request that a framework's tool makes in order to run has no span of its own:
the tool's span says what there is to say.
"""
