"""Registers a post-import hook per library, and knows what became of it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import wrapt

from otelier import guard, settings
from otelier.hooks.patching import Patches
from otelier.hooks.table import EXPORTERS, HTTP, LIBRARIES, NAMES, Library


@dataclass
class State:
    """What became of one hook in this process, for doctor."""

    library: Library
    # waiting (not imported yet), hooked, disabled, failed
    status: str = "waiting"
    seam: str = ""
    native: str | None = None
    patches: Patches = field(default_factory=Patches)


# wrapt cannot take a post-import hook back: hooks of an earlier registration do nothing.
_generation = 0
_states: list[State] = []


def states() -> list[State]:
    """All hooks of the running otelier."""
    return list(_states)


def register(disabled: frozenset[str], http: bool = False) -> None:
    """Hook every library of the table, now or when it is imported; HTTP libraries if ``http``."""
    global _generation
    _generation += 1
    _states.clear()
    for library in (*LIBRARIES, *(HTTP if http else ()), *EXPORTERS):
        state = State(library)
        _states.append(state)
        if is_disabled(library, disabled):
            state.status = "disabled"
            continue
        _settle(library.module)
        wrapt.register_post_import_hook(_hook(state, _generation), library.module)


def is_disabled(library: Library, disabled: frozenset[str]) -> bool:
    """Whether a list of libraries to leave alone has this one."""
    return bool(disabled & {"*", library.name, library.distribution})


def misspelt() -> list[str]:
    """A line for each name in the environment's lists of libraries that no library has."""
    ours, everybodys = settings.disabled_lists(settings.process_environment())
    if NAMES.issuperset(ours | everybodys):
        return []
    from otelier import spelling

    return [
        *spelling.unknown_libraries(settings.DISABLED_ENV, ours, NAMES),
        *spelling.unknown_libraries(settings.OTHERS_DISABLED_ENV, everybodys, NAMES, sure=False),
    ]


def _settle(name: str) -> None:
    """Wait for a module that another thread imports just now: half of it has no seam."""
    spec = getattr(sys.modules.get(name), "__spec__", None)
    if getattr(spec, "_initializing", False):
        try:
            import_module(name)
        except Exception:
            guard.failed("hooks.settle")


def _hook(state: State, generation: int) -> Callable[[Any], None]:
    def imported(module: Any) -> None:
        if generation == _generation and state.status == "waiting":
            apply(state, module)

    return imported


def apply(state: State, module: Any) -> None:
    """Patch one library. Never raises: this runs inside the user's ``import``."""
    library = state.library
    try:
        hook = import_module(f"otelier.hooks.{library.hook}")
        state.seam = hook.patch(library.name, module, state.patches)
        state.status = "hooked"
        if library.native is not None:
            native = getattr(import_module("otelier.hooks.native"), library.native)
            state.native = native(module, state.patches)
    except Exception as problem:
        state.patches.undo()
        state.status = "failed"
        state.seam = f"{type(problem).__name__}: {problem}"
        if library.optional and isinstance(problem, LookupError | ImportError):
            state.status = "absent"
            return
        guard.failed(f"hooks.{library.hook}")
        guard.say_once(
            f"hook {library.name}",
            "this version of %s has no seam that otelier knows (%s); its calls are not traced",
            library.distribution,
            problem,
        )


def unregister() -> None:
    """Restore all that was patched."""
    global _generation
    _generation += 1
    for state in _states:
        try:
            state.patches.undo()
        except Exception:
            guard.failed("hooks.undo")
    _states.clear()
