"""``otelier``'s own names: found where they are, each imported when it is named."""

from __future__ import annotations

import ast
import os
import pickle
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import otelier
from otelier import forks, loading

SOURCE = Path(otelier.__file__)


def test_checkers_are_shown_what_is_found() -> None:
    (checked,) = (
        node
        for node in ast.parse(SOURCE.read_text()).body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    )
    shown = {
        alias.name: node.module
        for node in checked.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert shown == {name: f"otelier.{home}" for name, home in otelier._HOMES.items()}
    assert otelier.__all__ == sorted([*shown, "__version__"])


@pytest.mark.parametrize("name", otelier.__all__)
def test_each_name(name: str) -> None:
    found = getattr(otelier, name)
    assert getattr(otelier, name) is found
    assert name in dir(otelier)
    assert name in vars(__import__("otelier", fromlist=[name]))
    if callable(found):
        assert pickle.loads(pickle.dumps(found)) is found


def test_no_module_takes_a_names_place() -> None:
    modules = {path.stem for path in SOURCE.parent.iterdir() if path.name[0] not in "_."}
    assert not modules.intersection(otelier.__all__)


def test_what_is_not_there() -> None:
    with pytest.raises(AttributeError, match="no attribute 'sesion'"):
        otelier.sesion  # noqa: B018
    assert not hasattr(otelier, "no_such_module")


def test_all_of_them_at_once() -> None:
    code = "from otelier import *; print(session, instrument, tool, __version__)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_importing_alone_imports_nothing() -> None:
    code = "import otelier, sys; print(*(m for m in sys.modules if m.startswith('otelier.')))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["otelier.version"]


def test_no_fork_comes_in_the_middle_of_an_import() -> None:
    """A child of one could import nothing: its locks would be a thread's that is not there."""
    held, forking, done = threading.Event(), threading.Event(), threading.Event()

    def importing() -> None:
        with loading.importing.lock:
            held.set()
            # Until somebody waits for the import.
            forking.wait(60)
            done.set()

    thread = threading.Thread(target=importing)
    thread.start()
    held.wait(60)
    forks._before.insert(0, forking.set)
    try:
        child = os.fork()
    finally:
        forks._before.remove(forking.set)
    if not child:
        try:
            imported = loading.module("spelling")
            os._exit(0 if done.is_set() and imported is not None else 1)
        finally:
            os._exit(2)
    _, status = os.waitpid(child, 0)
    thread.join()
    assert os.waitstatus_to_exitcode(status) == 0
    # And here it goes on.
    with loading.importing.lock:
        pass
    assert loading.importing.lock.acquire(blocking=False)
    loading.importing.lock.release()


def test_a_fork_waits_no_longer_than_it_may() -> None:
    stuck = forks.Undisturbed(seconds=0.01)
    held, over = threading.Event(), threading.Event()

    def hangs() -> None:
        with stuck.lock:
            held.set()
            over.wait(60)

    thread = threading.Thread(target=hangs)
    thread.start()
    held.wait(60)
    child = os.fork()
    if not child:
        os._exit(0 if stuck.lock.acquire(timeout=5) else 1)
    _, status = os.waitpid(child, 0)
    over.set()
    thread.join()
    assert os.waitstatus_to_exitcode(status) == 0
    assert stuck.lock.acquire(timeout=5)
    for each, hook in (
        (forks._before, stuck._await),
        (forks._in_parent, stuck._go_on),
        (forks._in_child, stuck._renew),
    ):
        each.remove(hook)
