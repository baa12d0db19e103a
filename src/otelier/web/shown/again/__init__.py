"""A recorded model call as a command and as a program that ask the same once more.

:func:`requests` rebuilds the provider's request from what the span says, :func:`curl` and
:func:`python` write it down. What a span does not say is not made up: it is in ``missing``. Texts
of a span are data in both, whatever is in them. Keys are names of variables; a provider's own
variable is sent to that provider's own hosts alone, since anybody may send a span.
"""

from __future__ import annotations

from otelier.web.shown.again.formats import possible, python, requests
from otelier.web.shown.again.made import Again
from otelier.web.shown.again.shell import curl

__all__ = ["Again", "curl", "possible", "python", "requests"]
