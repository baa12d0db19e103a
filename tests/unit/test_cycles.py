"""Instrumenting and taking it back, again and again, holds nothing; forks run one handler."""

from __future__ import annotations

import atexit
import gc
import importlib
import os
import subprocess
import sys
import threading
import weakref
from pathlib import Path
from typing import Any

import pytest
import wrapt

pytest.importorskip("openai")

import openai

import otelier
from otelier import blobs, forks, guard, runtime, scope
from otelier.hooks import instances, registry
from otelier.hooks.patching import Patches
from otelier.setting_texts import Blobs
from otelier.settings import Settings
from tests.servers import Json, ProviderServer
from tests.servers.openai_wire import chat_completion, chat_message
from tests.telemetry import Telemetry

CHAT: dict[str, Any] = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}


def hooks() -> int:
    module = importlib.import_module("wrapt.importer")
    return sum(map(len, module._post_import_hooks.values()))


def test_a_hundred_times_hold_nothing(server: ProviderServer, tmp_path: Path) -> None:
    # What earlier tests have left open is told of each new start.
    gc.unfreeze()
    gc.collect()
    server.route("/chat/completions", lambda request: Json(chat_completion(chat_message())))
    client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="k", max_retries=0)
    original = openai._base_client.SyncAPIClient.__dict__["request"]
    telemetry = Telemetry()
    runs: weakref.WeakSet[Any] = weakref.WeakSet()

    def cycle() -> None:
        otelier.instrument(
            tracer_provider=telemetry.tracer_provider,
            blobs="upload",
            blob_uri=tmp_path.as_uri(),
            mask=lambda name, value: value,
        )
        otelier.instrument(redact_keep=[], mask=lambda name, value: value)
        runs.add(runtime.current())
        client.chat.completions.create(**CHAT)
        with otelier.session(session_id="s"), otelier.workflow("w"):
            pass
        otelier.uninstrument()
        telemetry.clear()
        server.requests.clear()

    def held() -> list[int]:
        gc.collect()
        return [
            hooks(),
            atexit._ncallbacks(),  # type: ignore[attr-defined]
            threading.active_count(),
            len(telemetry.tracer_provider._active_span_processor._span_processors),
            len(forks._in_child) + len(forks._before),
            len(blobs._uploaders),
            len(instances._all),
            len(registry.states()),
        ]

    for _ in range(3):
        cycle()
    before, objects = held(), len(gc.get_objects())
    for _ in range(100):
        cycle()
    assert held() == before
    # Not one for each time; what the SDK and the HTTP client keep varies by a few.
    assert len(gc.get_objects()) - objects < 100
    assert len(runs) == 0
    assert openai._base_client.SyncAPIClient.__dict__["request"] is original


def test_a_wrapper_that_others_hold_passes_through(
    server: ProviderServer, telemetry: Telemetry
) -> None:
    server.route("/chat/completions", lambda request: Json(chat_completion(chat_message())))
    client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="k", max_retries=0)
    owner = openai._base_client.SyncAPIClient
    ours = owner.__dict__["request"]
    theirs = wrapt.FunctionWrapper(ours, lambda wrapped, _, args, kwargs: wrapped(*args, **kwargs))
    owner.request = theirs  # type: ignore[method-assign]
    try:
        for _ in range(3):
            otelier.uninstrument()
            telemetry.start()
            telemetry.clear()
            client.chat.completions.create(**CHAT)
            assert len(telemetry.spans("chat")) == 1
        otelier.uninstrument()
        client.chat.completions.create(**CHAT)
        assert len(telemetry.spans("chat")) == 1
        assert owner.__dict__["request"] is theirs
    finally:
        owner.request = ours.__wrapped__  # type: ignore[method-assign]


def test_wrappers_inside_and_bound_ones_pass_through() -> None:
    class Owner:
        def method(self) -> list[str]:
            return ["method"]

        def inside(self) -> list[str]:
            return ["inside"]

    def ours(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        return ["ours", *wrapped(*args, **kwargs)]

    patches = Patches()
    patches.wrap(Owner, "method", ours)
    patches.wrap_inside(Owner, "inside", ours)
    owner = Owner()
    bound = (owner.method, owner.inside)
    assert [each() for each in bound] == [["ours", "method"], ["ours", "inside"]]
    patches.undo()
    assert [each() for each in bound] == [["method"], ["inside"]]


_FORKS = """
import os, sys, threading
registered = []
register = os.register_at_fork
def count(**handlers):
    name = sys._getframe(1).f_globals["__name__"]
    if name.startswith("otelier"):
        registered.append(name)
    register(**handlers)
os.register_at_fork = count
import otelier
from otelier import forks
for _ in range(100):
    otelier.instrument(configure_sdk=False, blobs="upload", blob_uri="memory://x")
    otelier.uninstrument()
otelier.instrument(configure_sdk=False)
ran = []
forks._in_child.append(lambda: ran.append(threading.active_count()))
before = threading.active_count()
if os.fork() == 0:
    print(registered, ran, flush=True)
    os._exit(0)
os.wait()
assert threading.active_count() == before
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
def test_a_fork_runs_one_handler() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", _FORKS],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "['otelier.forks'] [1]\n"


def test_no_module_registers_handlers_of_its_own() -> None:
    root = Path(otelier.__file__).parent
    found = {
        str(path.relative_to(root))
        for path in root.rglob("*.py")
        if "os.register_at_fork(" in path.read_text()
    }
    # The terminal tree is an exporter, made with its provider.
    assert found <= {"forks.py", "viewer/console.py"}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_locks_that_a_thread_holds_at_a_fork_are_free_in_the_child(telemetry: Telemetry) -> None:
    """Every lock of a module or an object of ours, found by looking."""
    streams = instances.Streams(Patches(), "nobody")
    run = runtime.current()
    assert run is not None and run.prices is not None
    owners: list[Any] = [streams, run.prices]
    owners += [m for name, m in sys.modules.items() if name.startswith("otelier") and m is not None]
    kinds = (type(threading.Lock()), type(threading.RLock()))
    locks = [
        (owner, name)
        for owner in owners
        for name, value in vars(owner).items()
        if isinstance(value, kinds)
    ]
    assert (scope, "_lock") in locks and (streams, "_lock") in locks
    taken, go = threading.Event(), threading.Event()

    def hold() -> None:
        for owner, name in locks:
            getattr(owner, name).acquire()
        taken.set()
        go.wait(30)
        for owner, name in locks:
            getattr(owner, name).release()

    thread = threading.Thread(target=hold)
    thread.start()
    taken.wait(30)
    child = os.fork()
    if child == 0:
        stuck = [name for owner, name in locks if not getattr(owner, name).acquire(blocking=False)]
        os._exit(len(stuck))
    go.set()
    thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_an_uploader_is_one_a_place(tmp_path: Path) -> None:
    pytest.importorskip("fsspec")
    settings = Settings(blobs=Blobs.UPLOAD, blob_uri=tmp_path.as_uri())
    assert blobs.Keeper(settings)._upload is blobs.Keeper(settings)._upload is not None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_tightens_by_itself(telemetry: Telemetry) -> None:
    run = runtime.current()
    assert run is not None
    child = os.fork()
    if child == 0:
        otelier.instrument(capture="NO_CONTENT")
        os._exit(run.settings.capture.spans)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert run.settings.capture.spans
    assert not guard.failures()
