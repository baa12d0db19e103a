"""What stands for a step that is not recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from opentelemetry.trace import Span, get_current_span

from otelier import leaving, semconv

if TYPE_CHECKING:
    from decimal import Decimal


class NoHandle:
    """Stands for a step that is not recorded."""

    # Whether what is given back is to run inside of it all the same.
    holds = False
    wants_content = False
    ended = False
    scope = None

    @property
    def span(self) -> Span:
        """The current span."""
        return get_current_span()

    def set(self, name: str, value: semconv.Value) -> None:
        """Nothing."""

    def get(self, name: str) -> semconv.Value | None:
        """Nothing."""
        return None

    def set_cost(self, usd: float | Decimal) -> None:
        """Nothing."""

    def set_arguments(self, value: Any) -> None:
        """Nothing."""

    set_result = set_prompt = set_query = set_documents = set_arguments
    set_input = set_output = set_tools = set_system = hear = set_arguments

    def enter(self) -> None:
        """Nothing."""

    def mirror(self) -> None:
        """Nothing."""

    def end(self, error: BaseException | None = None) -> None:
        """Nothing."""

    def left(self, how: str = leaving.CLOSED) -> None:
        """Nothing."""

    def over(self, error: BaseException | None, how: str | None, now: int) -> None:
        """Nothing."""

    def note_failure(self, kind: str, message: str | None = None) -> None:
        """Nothing."""

    def fail(self, kind: str, message: str | None = None, *, told: bool = False) -> None:
        """Nothing."""


NO_HANDLE: Final = NoHandle()
