"""The store over HTTP and over MCP, as pages, and a trace that shows itself in a notebook.

``otelier.web.trace()`` is the newest trace. Of the rest each module is imported by its name; here
nothing of a server is.
"""

from __future__ import annotations

from otelier.web.notebook import Trace, trace

__all__ = ["Trace", "trace"]
