"""The OpenTelemetry entry point ``opentelemetry_instrumentor: otelier``."""

from __future__ import annotations

from collections.abc import Callable, Collection
from inspect import signature
from typing import Any, Concatenate, Final, ParamSpec

from opentelemetry.instrumentation.instrumentor import (  # type: ignore[attr-defined]
    BaseInstrumentor,
)

from otelier import control, guard

_P = ParamSpec("_P")
_OPTIONS: Final = frozenset(control.instrument.__kwdefaults__ or ())
# What ``opentelemetry-instrument`` and distributions pass to every instrumentor; the base class
# takes these out (opentelemetry.instrumentation.instrumentor, 0.55b1 to 0.66b2).
_LOADERS: Final = frozenset({"skip_dep_check", "raise_exception_on_conflict"})


def _typed_as(
    function: Callable[_P, None],
) -> Callable[[Callable[..., None]], Callable[Concatenate[OtelierInstrumentor, _P], None]]:
    """For editors and type checkers: a method that takes what ``function`` takes."""

    def typed(method: Callable[..., None]) -> Any:
        own = signature(method)
        takes = signature(function).parameters.values()
        here = next(iter(own.parameters.values()))
        method.__signature__ = own.replace(parameters=[here, *takes])  # type: ignore[attr-defined]
        return method

    return typed


class OtelierInstrumentor(BaseInstrumentor):  # type: ignore[misc]
    """Instruments all libraries of :data:`otelier.hooks.table.LIBRARIES`; imports none of them.

    ``instrument(**options)`` takes what :func:`otelier.instrument` takes. It never raises.
    """

    @_typed_as(control.instrument)
    def instrument(self, **options: Any) -> None:
        """As :func:`otelier.instrument`, also where otelier runs already."""
        # The base class would refuse a second call, and with it what tightens.
        by_loader = bool(_LOADERS & options.keys())
        options = {name: value for name, value in options.items() if name not in _LOADERS}
        unknown = options.keys() - _OPTIONS
        if by_loader and unknown:
            from otelier import spelling

            # A distribution gives all instrumentations the same, and must start.
            for name in sorted(unknown):
                guard.say_once(
                    f"option {name}",
                    "instrument() has no option %r: it is ignored%s",
                    name,
                    spelling.question(name, _OPTIONS),
                )
                del options[name]
        if by_loader:
            # It starts the others itself.
            options["services"] = False
        control.instrument(**options)
        self._is_instrumented_by_opentelemetry = True

    def uninstrument(self, **options: Any) -> None:
        """As :func:`otelier.uninstrument`, whoever has instrumented."""
        control.uninstrument()
        self._is_instrumented_by_opentelemetry = False

    def instrumentation_dependencies(self) -> Collection[str]:
        """None: what is not installed is not hooked."""
        return ()

    def _instrument(self, **options: Any) -> None:
        self.instrument(**options)

    def _uninstrument(self, **options: Any) -> None:
        self.uninstrument()
