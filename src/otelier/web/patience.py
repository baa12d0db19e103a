"""Connections that nobody uses are closed, however they are kept open."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.h11_impl import H11Protocol

# Seconds. Longer than the pauses of exporters: a connection that closes as they send costs an
# attempt.
IDLE: Final = 75


class Patient(H11Protocol):
    """Waits so long for a request to begin, be it the first or the next, and not for ever.

    The base class ends this waiting with any byte that comes, and does not begin it before the
    first request: who opens connections and sends nothing, or a header's letter a minute, would
    keep everybody else out.
    """

    _since: float = 0.0
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begin to wait."""
        super().connection_made(transport)
        self._since = self.loop.time()
        self._look()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        self._since = self.loop.time()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def _look(self) -> None:
        under_way = self.cycle is not None and not self.cycle.response_complete
        left = IDLE if under_way else self._since + IDLE - self.loop.time()
        if left > 0:
            self._timer = self.loop.call_later(left, self._look)
        else:
            self.transport.close()
