"""Otelier on for a test, and as it was afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from opentelemetry._logs import NoOpLoggerProvider
from opentelemetry.metrics import NoOpMeterProvider

from otelier import control, following, processor, runtime, settings, spelling
from otelier.hooks import registry
from otelier.runtime import Runtime
from otelier.testing import standing
from otelier.testing.standing import Recording

_OPTIONS: Final = frozenset(control.instrument.__kwdefaults__ or ())
# What the test has of its own; events and metrics go nowhere unless it says where.
_PROVIDERS: Final[Mapping[str, Callable[[], Any]]] = {
    "meter_provider": NoOpMeterProvider,
    "logger_provider": NoOpLoggerProvider,
}
# What decides which libraries are hooked.
_HOOKING: Final = ("disabled", "http", "propagate", "threads")


class Running:
    """Otelier that runs for one recording."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        """``options`` as for :func:`otelier.instrument`; what is wrong with them is raised."""
        given = _checked(options)
        self.before = runtime.current()
        self._run = _runtime(self.before, given)
        self.recording = standing.begin(
            None if self.before is None else self.before.tracer_provider
        )
        _running.append(self)
        runtime.put(self._run)
        processor.install(self._run)
        self._hooked = [(state, state.status) for state in registry.states()]
        if self.before is None or _hooks_differ(self.before, self._run):
            registry.unregister()
            registry.register()

    def stop(self) -> None:
        """Put everything back."""
        standing.end(self.recording)
        above = next((each for each in _running if each.before is self._run), None)
        _running.remove(self)
        if above is not None:
            # One that began later is still there: it puts back what was before both.
            above.before, above._hooked = self.before, self._hooked
            return
        runtime.put(self.before)
        if self.before is None:
            following.forget()
            registry.unregister()
        elif self._rehooked():
            registry.unregister()
            registry.register()

    def _rehooked(self) -> bool:
        """Whether libraries are hooked otherwise than before, but for those imported since."""
        now = registry.states()
        return len(now) != len(self._hooked) or any(
            state is not found or (state.status == "disabled" != status)
            for found, (state, status) in zip(now, self._hooked, strict=True)
        )


_running: Final[list[Running]] = []


def _checked(options: Mapping[str, Any]) -> dict[str, Any]:
    for name in options:
        if name == "tracer_provider":
            raise TypeError("traces() has a TracerProvider of its own: leave tracer_provider out")
        if name not in _OPTIONS:
            hint = spelling.question(name, _OPTIONS)
            raise TypeError(f"traces() has no option {name!r}{hint}")
    return {name: value for name, value in options.items() if value is not None}


def _runtime(before: Runtime | None, given: dict[str, Any]) -> Runtime:
    """What runs for the test: as the program's otelier, or as its environment says."""
    providers = {name: given.pop(name, None) or make() for name, make in _PROVIDERS.items()}
    mask = given.get("mask")
    if callable(mask):
        given.pop("mask")
    else:
        mask = None
    values, problems = settings.given(given)
    if problems:
        raise ValueError("; ".join(problems))
    theirs = None if before is None or before.gives_way else before
    if theirs is None:
        chosen = settings.load(**values)
    else:
        chosen = theirs.settings._replace(**values)
    run = Runtime(chosen, tracer_provider=standing.provider(), **providers, mask=mask)
    for look in () if theirs is None else theirs.lookers:
        if type(look) is str:
            run.tighten({"redact_patterns": look, "redact": chosen.redact})
        else:
            run.tighten({}, look)
    return run


def _hooks_differ(one: Runtime, other: Runtime) -> bool:
    return any(getattr(one.settings, name) != getattr(other.settings, name) for name in _HOOKING)


def unended(recording: Recording) -> list[Any]:
    """The spans that have begun and not ended, after all that could be ended has been."""
    _settle()
    if recording.open:
        import gc

        # What the program has dropped ends when it is collected.
        gc.collect()
        _settle()
    return [*recording.open.copy().values()]


def _settle() -> None:
    """End what waits for a price, or for the garbage collector to be done."""
    standing.provider().force_flush()
