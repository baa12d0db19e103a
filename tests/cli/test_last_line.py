"""``otelier run`` ends with one line: what was seen, or why nothing was."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from otelier.cli import afterwards, seen
from otelier.cli.afterwards import Reports
from otelier.cli.seen import Seen
from otelier.store import telling
from tests.cli.running import ON, STORE, few, last, of, otelier_run, posix, store_of, stored
from tests.servers import Json, ProviderServer, openai_wire
from tests.store import made

CALL = """
import sys, openai
client = openai.OpenAI(api_key="k", base_url=sys.argv[1], max_retries=0)
client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "hello"}])
print("called")
"""


def calling(
    server: ProviderServer, folder: Path, *options: str, program: str = CALL, **variables: str
) -> subprocess.CompletedProcess[str]:
    """A program that calls a model at ``server``, which is known as OpenAI."""
    server.script(Json(openai_wire.chat_completion()))
    hosts = f"{server.url.removeprefix('http://')}=openai"
    (folder / "app.py").write_text(program)
    words = (*options, sys.executable, "app.py", f"{server.url}/v1")
    return otelier_run(*words, cwd=folder, **{**ON, "OTELIER_PROVIDER_HOSTS": hosts, **variables})


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
        return afterwards.why(Reports(told=[{"ended": True, **told}]), environ, 0)

    environ: dict[str, str] = {}

    assert why(failed=["openai"]).startswith("no seam that otelier knows in openai")
    assert why(hooked=["openai"], others=["openinference.x"]).startswith("openinference.x instru")
    assert why(hooked=["a", "b"]) == "a, b are hooked, but no call ended."
    environ["OTEL_TRACES_SAMPLER"] = "traceidratio"
    assert why(hooked=["a"]) == "a is hooked, but no call ended, or traceidratio dropped it."


def test_much_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 2_000_000)
    monkeypatch.setattr(seen, "_MOST_BYTES", 1000)
    monkeypatch.setattr(seen, "_MOST_SPANS", 2)
    much = seen.in_file(path, 0)
    assert much == Seen(much="2 MB of traces")
    assert afterwards.line(much, Reports(), "file", {}, 0) == "2 MB of traces -> file"
    telling.tell(str(tmp_path), tmp_path / "no.db", [made.span(number) for number in range(3)])
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
