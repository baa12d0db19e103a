"""Registers a post-import hook per library, and knows what became of it."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import wrapt

from otelier import guard, runtime, settings
from otelier.hooks.patching import Patches
from otelier.hooks.table import (
    EXPORTERS,
    FRAMEWORKS,
    HTTP,
    LIBRARIES,
    NAMES,
    PROPAGATION,
    THREADS,
    Library,
)
from otelier.setting_table import DISABLED_ENV, OTHERS_DISABLED_ENV


class State:
    """What became of one hook in this process, for doctor."""

    __slots__ = ("claim", "library", "native", "patches", "seam", "status")

    def __init__(self, library: Library) -> None:
        self.library = library
        # waiting (not imported yet), hooked, disabled, failed
        self.status = "waiting"
        self.seam = ""
        self.native: str | None = None
        self.patches = Patches()
        # Whoever takes the one item hooks it.
        self.claim = [True]


# wrapt cannot take a post-import hook back: there is one for each module that is not imported yet.
_awaited: set[str] = set()
_states: list[State] = []


def states() -> list[State]:
    """All hooks of the running otelier."""
    return list(_states)


def register() -> None:
    """Hook every library of the table, now or when it is imported, as the settings say."""
    _states.clear()
    for library in (*LIBRARIES, *FRAMEWORKS, *HTTP, *_opted(), *EXPORTERS):
        run = runtime.current()
        if run is None:
            return
        if library in HTTP and not run.settings.http:
            continue
        state = State(library)
        if is_disabled(library, run.settings.disabled):
            state.status = "disabled"
            _states.append(state)
            continue
        _settle(library.module)
        # Before the look at who waits: an import that is going on looks at both in this order.
        _states.append(state)
        if library.module in _awaited:
            continue
        module = sys.modules.get(library.module)
        if module is not None:
            _claim(state, module)
        else:
            _awaited.add(library.module)
            wrapt.register_post_import_hook(_imported, library.module)


def leave_alone() -> None:
    """Unhook what the settings of the running otelier leave alone by now."""
    run = runtime.current()
    if run is None:
        return
    for state in states():
        unseen = state.library in HTTP and not run.settings.http
        if unseen or is_disabled(state.library, run.settings.disabled):
            state.status = "disabled"
            _undo(state)


def _undo(state: State) -> None:
    try:
        state.patches.undo()
    except Exception:
        guard.failed("hooks.undo")


def _opted() -> tuple[Library, ...]:
    """What only a setting asks for."""
    run = runtime.current()
    if run is None:
        return ()
    chosen = run.settings
    return (*(PROPAGATION if chosen.propagate else ()), *(THREADS if chosen.threads else ()))


def is_disabled(library: Library, disabled: frozenset[str]) -> bool:
    """Whether a list of libraries to leave alone has this one."""
    return bool(disabled) and not disabled.isdisjoint(("*", library.name, library.distribution))


def misspelt(given: frozenset[str] = frozenset()) -> list[str]:
    """A line for each name that no library has, in the environment's lists and in ``given``."""
    ours, everybodys = settings.disabled_lists(settings.process_environment())
    if NAMES.issuperset(ours | everybodys | given):
        return []
    from otelier import spelling

    return [
        *spelling.unknown_libraries("disabled", given, NAMES),
        *spelling.unknown_libraries(DISABLED_ENV, ours, NAMES),
        *spelling.unknown_libraries(OTHERS_DISABLED_ENV, everybodys, NAMES, sure=False),
    ]


def _settle(name: str) -> None:
    """Wait for a module that another thread imports just now: half of it has no seam."""
    spec = getattr(sys.modules.get(name), "__spec__", None)
    if getattr(spec, "_initializing", False):
        try:
            import_module(name)
        except Exception:
            guard.failed("hooks.settle")


def _imported(module: Any) -> None:
    name = module.__name__
    _awaited.discard(name)
    for state in states():
        if state.library.module == name:
            _claim(state, module)


def _claim(state: State, module: Any) -> None:
    """Hook, once: an import may go on in another thread."""
    try:
        state.claim.pop()
    except IndexError:
        return
    if state.status == "waiting":
        apply(state, module)
        if state.status == "disabled":  # Meanwhile.
            _undo(state)


def apply(state: State, module: Any) -> None:
    """Patch one library. Never raises: this runs inside the user's ``import``."""
    library = state.library
    try:
        hook = import_module(f"otelier.{library.hook}")
        state.seam = hook.patch(library.name, module, state.patches)
        if state.status != "waiting":
            return
        state.status = "hooked"
        if library.native is not None:
            native = import_module(f"otelier.{library.native}")
            state.native = native.native(module, state.patches)
    except Exception as problem:
        state.patches.undo()
        state.status = "failed"
        state.seam = f"{type(problem).__name__}: {problem}"
        if library.optional and isinstance(problem, LookupError | ImportError):
            state.status = "absent"
            return
        guard.failed(library.hook)
        guard.say_once(
            f"hook {library.name}",
            "this version of %s has no seam that otelier knows (%s); its calls are not traced",
            library.distribution,
            problem,
        )


def unregister() -> None:
    """Restore all that was patched."""
    for state in states():
        state.status = "disabled"
        _undo(state)
    _states.clear()
    from otelier.hooks import beside, foreign

    foreign.forget()
    beside.restore()
