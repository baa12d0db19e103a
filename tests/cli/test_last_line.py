"""``otelier run`` ends with one line: what was seen, or why nothing was."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from otelier.cli import afterwards, seen
from otelier.cli.afterwards import Reports
from otelier.cli.seen import Seen
from otelier.store import telling
from otelier.store.health import unwritable
from otelier.store.writer import Writer
from tests.cli.running import few, last, otelier_run, store_of
from tests.servers import Json, ProviderServer, openai_wire
from tests.store import made

STORE = "data/otelier/traces.db"
ON = {"OTELIER_CONFIGURE_SDK": "true"}
CALL = """
import sys, openai
client = openai.OpenAI(api_key="k", base_url=sys.argv[1], max_retries=0)
client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "hello"}])
print("called")
"""
posix = pytest.mark.skipif(os.name == "nt", reason="no signals there")


def calling(
    server: ProviderServer, folder: Path, *options: str, program: str = CALL, **variables: str
) -> subprocess.CompletedProcess[str]:
    """A program that calls a model at ``server``, which is known as OpenAI."""
    server.script(Json(openai_wire.chat_completion()))
    hosts = f"{server.url.removeprefix('http://')}=openai"
    (folder / "app.py").write_text(program)
    words = (*options, sys.executable, "app.py", f"{server.url}/v1")
    return otelier_run(*words, cwd=folder, **{**ON, "OTELIER_PROVIDER_HOSTS": hosts, **variables})


def of(program: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return otelier_run(sys.executable, "-c", program, cwd=folder, **{**ON, **variables})


def test_what_was_seen(server: ProviderServer, tmp_path: Path) -> None:
    done = calling(server, tmp_path)
    assert (done.returncode, done.stdout) == (0, "called\n")
    assert last(done).startswith("otelier run: 1 trace, 1 model call, $0.0")
    assert re.search(rf" -> {STORE} \(see it with: .* trace [0-9a-f]{{8}}\)$", last(done))
    # No file is left where the program runs.
    assert sorted(path.name for path in tmp_path.iterdir()) == ["app.py", "data"]


def test_only_what_this_run_has_seen_is_counted(server: ProviderServer, tmp_path: Path) -> None:
    calling(server, tmp_path, "--no-tree")
    done = calling(server, tmp_path, "--no-tree")
    assert len(stored(store_of(tmp_path))) == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("otelier run: 1 trace, 1 model call, ")


def test_the_command_that_is_printed_works(server: ProviderServer, tmp_path: Path) -> None:
    done = calling(server, tmp_path, "--store", "my traces.db")
    shown = last(done).partition("(see it with: ")[2].removesuffix(")")
    viewed = subprocess.run(
        shown, shell=True, cwd=tmp_path, env=few(), capture_output=True, text=True
    )
    assert viewed.returncode == 0 and "chat gpt-4o" in viewed.stdout, viewed.stderr


def test_exporters_of_the_users_own(server: ProviderServer, tmp_path: Path) -> None:
    done = calling(server, tmp_path, OTEL_TRACES_EXPORTER="otelier_tree")
    assert not store_of(tmp_path).exists()
    assert last(done).startswith("otelier run: 1 trace, 1 model call, $0.0")
    assert last(done).endswith(" -> to otelier_tree")


def test_a_failed_call_is_an_error(tmp_path: Path) -> None:
    program = CALL.replace("sys.argv[1]", "'http://127.0.0.1:1'")
    done = of(program, tmp_path)
    assert done.returncode == 1
    assert last(done).startswith(f"otelier run: 1 trace, 1 model call, 1 error -> {STORE}")


@pytest.mark.parametrize(
    ("program", "variables", "said"),
    [
        ("pass", {}, "no SDK that otelier knows was imported"),
        ("import httpx", {}, "OTELIER_HTTP=true sees calls that are made by httpx."),
        ("import replicate", {}, "replicate is not supported"),
        ("import openai", {}, "openai is hooked, but no call ended."),
        ("import openai", {"OTELIER_DISABLED": "openai"}, "openai is disabled by a setting."),
        ("import openai", {"OTEL_SDK_DISABLED": "true"}, "OTEL_SDK_DISABLED=true."),
        ("import openai", {"OTEL_TRACES_EXPORTER": "none"}, "OTEL_TRACES_EXPORTER=none."),
        ("import openai", {"OTEL_TRACES_SAMPLER": "always_off"}, "drops every span."),
        ("pass", {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "otelier"}, "otelier did not start"),
        ("import openai, os; os._exit(3)", {}, "a process left without its end"),
    ],
)
def test_nothing_was_seen(
    program: str, variables: dict[str, str], said: str, tmp_path: Path
) -> None:
    (tmp_path / "replicate.py").write_text("")
    done = of(program, tmp_path, **variables)
    (line,) = done.stderr.splitlines()
    assert line.startswith("otelier run: nothing was seen: ") and said in line


@posix
def test_no_python_at_all(tmp_path: Path) -> None:
    done = otelier_run("sh", "-c", "exit 4", cwd=tmp_path)
    assert done.returncode == 4
    (line,) = done.stderr.splitlines()
    assert "no Python that loads otelier was started" in line and "sudo" in line


@posix
def test_a_program_that_is_killed(tmp_path: Path) -> None:
    done = of("import os, openai; os.kill(os.getpid(), 9)", tmp_path)
    assert done.returncode == -signal.SIGKILL
    assert "openai" in last(done) or "no process told" in last(done)
    assert "SIGKILL ended the program" in last(done)


def test_steps_without_a_model_call(tmp_path: Path) -> None:
    program = "import otelier\nwith otelier.step('mine'): pass"
    done = of(program, tmp_path)
    assert last(done).startswith(f"otelier run: 1 trace -> {STORE}")
    assert "; no model call was seen: no SDK that otelier knows was imported" in last(done)


def test_a_seam_that_is_missing_and_another_instrumentation() -> None:
    def why(**told: object) -> str:
        return afterwards.why(Reports(told=[{"ended": True, **told}]), {}, 0)

    assert why(failed=["openai"]).startswith("no seam that otelier knows in openai")
    assert why(hooked=["openai"], others=["openinference.x"]).startswith("openinference.x instru")
    assert why(hooked=["a", "b"]) == "a, b are hooked, but no call ended."


def test_much_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 2_000_000)
    monkeypatch.setattr(seen, "_MOST_BYTES", 1000)
    monkeypatch.setattr(seen, "_MOST_SPANS", 2)
    much = seen.in_file(path, 0)
    assert much == Seen(much="2 MB of traces")
    assert afterwards.line(much, Reports(), "file", {}, 0) == "2 MB of traces -> file"
    telling.tell(str(tmp_path), [made.span(number) for number in range(3)])
    assert seen.in_store(tmp_path / "no.db", tmp_path) == Seen(much="3 spans")


def test_broken_reports_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "1.json").write_text("{")
    (tmp_path / "2.json").write_text(json.dumps({"hooked": ["openai"]}))
    (tmp_path / "3.json").write_text("[]")
    (tmp_path / "3.without").write_text("/usr/bin/python\napp.py\nx\n")
    (tmp_path / "4.without").write_text("")
    reports = afterwards.read(tmp_path)
    assert reports.names("hooked") == ["openai"] and reports.without == ["/usr/bin/python"]


def test_what_wrappers_tell_of_themselves_is_no_matter(tmp_path: Path) -> None:
    (tmp_path / "1.json").write_text(json.dumps({"program": "/x/bin/tox", "ended": True}))
    (tmp_path / "2.without").write_text("/x/python\n/x/bin/poetry\nx\n")
    reports = afterwards.read(tmp_path)
    assert reports == Reports()
    assert "no Python that loads otelier" in afterwards.why(reports, {}, 0)


def test_the_python_that_came_last_is_the_programs(tmp_path: Path) -> None:
    for number, python in enumerate(["/z/python", "/a/python"]):
        path = tmp_path / f"{number}.without"
        path.write_text(f"{python}\n-c\nx\n")
        os.utime(path, (number, number))
    assert "/a/python has no otelier" in afterwards.why(afterwards.read(tmp_path), {}, 0)


# --- the store, while others write it


PIPELINE = """
import multiprocessing, os, sys, otelier
from concurrent.futures import ProcessPoolExecutor

def work(number):
    with otelier.step(f"work {number}") as step:
        step.set_cost(0.25)

def main(method, name, rounds):
    with otelier.step(name):
        pass
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        list(pool.map(work, range(rounds)))

if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
"""


def test_runs_at_the_same_time_count_each_its_own(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(PIPELINE)
    rounds = {"one": ("fork", 7), "two": ("spawn", 12), "three": ("fork", 3)}
    running = {
        name: subprocess.Popen(
            [
                *(sys.executable, "-m", "otelier.cli", "run", "--no-tree", "--store", "s.db"),
                *("app.py", method, name, str(number)),
            ],
            env=few(**ON),
            cwd=tmp_path,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name, (method, number) in rounds.items()
    }
    for name, program in running.items():
        _, said = program.communicate()
        number = rounds[name][1]
        traces, cost = number + 1, 0.25 * number
        assert program.returncode == 0, said
        line = said.splitlines()[-1]
        assert line.startswith(f"otelier run: {traces} traces, ${cost:.2f} -> s.db "), said
    assert len(stored(tmp_path / "s.db")) == sum(number + 1 for _, number in rounds.values())


def test_of_a_trace_that_others_write_too_a_run_counts_its_own(tmp_path: Path) -> None:
    spans = [made.span(number, trace_id="ab" * 16) for number in range(5)]
    store = tmp_path / "s.db"
    Writer(store).write(spans)
    telling.tell(str(tmp_path), spans[:2])
    telling.tell(str(tmp_path), [made.span(7)])
    found = seen.in_store(store, tmp_path)
    assert (found.traces, found.lost, found.trace_id) == (1, 1, "ab" * 16)


@posix
def test_of_a_program_that_is_killed_what_was_exported_is_there(tmp_path: Path) -> None:
    program = """
import os, otelier
from opentelemetry import trace
for number in range(5):
    with otelier.step(f"step {number}") as step:
        step.set_cost(0.5)
trace.get_tracer_provider().force_flush()
os.kill(os.getpid(), 9)
"""
    done = of(program, tmp_path)
    assert done.returncode == -signal.SIGKILL
    assert last(done).startswith(f"otelier run: 5 traces, $2.50 -> {STORE} ")
    assert len(stored(store_of(tmp_path))) == 5


def test_a_run_in_a_run_is_the_outer_ones_too(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("import otelier\nwith otelier.step('mine'): pass")
    words = (sys.executable, "-m", "otelier.cli", "run", "--no-tree", "app.py")
    done = otelier_run("--no-tree", *words, cwd=tmp_path, **ON)
    inner, outer = done.stderr.splitlines()
    assert inner == outer and inner.startswith(f"otelier run: 1 trace -> {STORE} ")


def test_a_program_without_spans_makes_no_store(tmp_path: Path) -> None:
    done = of("print('here')", tmp_path)
    assert done.stdout == "here\n" and "nothing was seen" in last(done)
    assert list(tmp_path.iterdir()) == []


def stored(store: Path) -> set[str]:
    """The ids of a store's spans."""
    with closing(sqlite3.connect(store)) as connection:
        return {id for (id,) in connection.execute("SELECT span_id FROM span")}


def test_what_could_not_be_written_is_told(tmp_path: Path) -> None:
    # The store breaks after the start.
    program = f"""
import pathlib, otelier
pathlib.Path({str(tmp_path / "s.db")!r}).write_bytes(b"no database" * 1000)
with otelier.step("mine"):
    pass
"""
    done = of(program, tmp_path, OTELIER_STORE="s.db")
    assert done.returncode == 0
    assert "is no database; move it away" in done.stderr
    assert last(done).startswith("otelier run: 1 span could not be kept in s.db")


# --- places that cannot be written


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"no database" * 1000, "it is no database; move it away, and a new one is made"),
        ("another", "it is a database of another program"),
        ("newer", "a newer otelier made it"),
    ],
)
def test_a_store_that_cannot_be_written(content: bytes | str, problem: str, tmp_path: Path) -> None:
    store = store_of(tmp_path)
    store.parent.mkdir(parents=True)
    if isinstance(content, bytes):
        store.write_bytes(content)
    else:
        if content == "newer":
            writer = Writer(store)
            writer.write([])
            writer.close()
        with closing(sqlite3.connect(store)) as connection:
            connection.execute("CREATE TABLE mine (a)")
            connection.execute("PRAGMA user_version = 999")
            connection.commit()
    before = store.read_bytes()
    done = of("print('started')", tmp_path)
    assert (done.returncode, done.stdout) == (0, "started\n")
    assert f"cannot write the store {store}: {problem}" in done.stderr.splitlines()[0]
    # The user's own word is obeyed, or it is told.
    done = of("print('started')", tmp_path, OTELIER_STORE=str(store))
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"otelier run: cannot write the store {store}: {problem}")
    assert store.read_bytes() == before


def test_a_file_that_cannot_be_written_is_told_before_the_program_starts(tmp_path: Path) -> None:
    done = otelier_run(
        "--file", str(tmp_path), sys.executable, "-c", "print('started')", cwd=tmp_path
    )
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line == f"otelier run: cannot write traces to {tmp_path}: it is a folder"


def test_a_file_that_nobody_named_is_no_reason_not_to_start(tmp_path: Path) -> None:
    store_of(tmp_path).mkdir(parents=True)
    done = of("print('started')", tmp_path)
    assert (done.returncode, done.stdout) == (0, "started\n")
    first = done.stderr.splitlines()[0]
    assert f"cannot write the store {store_of(tmp_path)}: it is a folder" in first


def test_why_a_file_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "there").write_bytes(b"kept")
    assert unwritable(tmp_path / "there") is None
    assert (tmp_path / "there").read_bytes() == b"kept"
    assert unwritable(tmp_path / "new") is None
    assert unwritable(tmp_path / "a" / "b" / "new") is None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["there"]
    assert unwritable(tmp_path) == "it is a folder"
    assert unwritable(tmp_path / "there" / "new") == f"{tmp_path / 'there'} is no folder"
    assert unwritable(tmp_path / ("x" * 300)) == os.strerror(36 if sys.platform == "linux" else 63)


@posix
@pytest.mark.skipif(os.name != "nt" and os.geteuid() == 0, reason="nothing is closed to root")
def test_a_folder_that_is_closed(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    try:
        assert unwritable(tmp_path / "new") is not None
        assert unwritable(tmp_path / "a" / "new") is not None
    finally:
        tmp_path.chmod(0o755)
