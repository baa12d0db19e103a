from __future__ import annotations

import json
import os
import signal
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import pytest

from otelier.cli import run as command
from otelier.store.otlp_json import decode
from tests.cli.receiver import receiver
from tests.cli.running import SRC, last, otelier_run

PRINT = "import json, os; print(json.dumps(dict(os.environ)))"


def environment(
    *options: str, given: dict[str, str] | None = None, program: str = "app.py"
) -> dict[str, str]:
    """What the options add to the environment ``given``."""
    parser = ArgumentParser()
    command.add_arguments(parser)
    return command.environment(
        given or {}, parser.parse_args([*options, "python", program]), ["python", program]
    )


def test_defaults_need_no_backend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert environment(program="folder/my_app.py") == {
        "OTEL_TRACES_EXPORTER": "otelier_tree,otelier",
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_LOGS_EXPORTER": "otelier",
        "OTEL_BSP_SCHEDULE_DELAY": "1000",
        "OTEL_SERVICE_NAME": "my_app",
        "OTELIER_STORE": str(tmp_path / "data" / "otelier" / "traces.db"),
        "OTELIER_THREADS": "true",
    }


def test_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    chosen = environment(
        *("--messages", "--no-tree", "--capture", "NO_CONTENT", "--service", "shop"),
        *("--file", "x/t", "--store", "x/s"),
    )
    assert chosen["OTEL_TRACES_EXPORTER"] == "otelier,otelier_file"
    assert chosen["OTELIER_STORE"] == str(tmp_path / "x" / "s")
    assert chosen["OTELIER_TREE_MESSAGES"] == "true"
    assert chosen["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"] == "NO_CONTENT"
    assert chosen["OTEL_SERVICE_NAME"] == "shop"
    assert chosen["OTELIER_TRACE_FILE"] == str(tmp_path / "x" / "t")


@pytest.mark.parametrize(
    ("url", "endpoint", "protocol"),
    [
        ("http://localhost:4318", "http://localhost:4318", "http/protobuf"),
        ("http://localhost:4318/v1/traces", "http://localhost:4318", "http/protobuf"),
        ("https://otlp.example.org/x/", "https://otlp.example.org/x", "http/protobuf"),
        ("localhost:4317", "http://localhost:4317", "grpc"),
    ],
)
def test_a_backend(url: str, endpoint: str, protocol: str) -> None:
    chosen = environment("--otlp", url)
    assert chosen["OTEL_TRACES_EXPORTER"] == "otelier_tree,otelier,otlp"
    assert chosen["OTEL_EXPORTER_OTLP_ENDPOINT"] == endpoint
    assert chosen["OTEL_EXPORTER_OTLP_PROTOCOL"] == protocol
    assert "OTEL_METRICS_EXPORTER" not in chosen and chosen["OTEL_LOGS_EXPORTER"] == "otelier,otlp"


def test_what_the_user_has_set_stays() -> None:
    given = {
        "OTEL_TRACES_EXPORTER": "console",
        "OTEL_METRICS_EXPORTER": "console",
        "OTEL_BSP_SCHEDULE_DELAY": "7",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
        "OTEL_SERVICE_NAME": "mine",
        "OTELIER_TRACE_FILE": "mine.jsonl",
        "OTELIER_THREADS": "false",
    }
    kept = {**given, **environment(given=given)}
    assert kept == {**given, "OTEL_LOGS_EXPORTER": "none"}


def test_options_add_to_the_exporters_that_the_user_has_set() -> None:
    given = {"OTEL_TRACES_EXPORTER": "console", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
    options = ("--otlp", "http://h:4318", "--file", "f", "--store", "s")
    chosen = environment(*options, given=given)
    assert chosen["OTEL_TRACES_EXPORTER"] == "console,otelier,otelier_file,otlp"
    assert "OTEL_EXPORTER_OTLP_PROTOCOL" not in chosen
    assert environment(given={"OTEL_TRACES_EXPORTER": "none"})["OTEL_TRACES_EXPORTER"] == "none"


def test_a_file_that_the_user_has_named_is_written_besides() -> None:
    chosen = environment(given={"OTELIER_TRACE_FILE": "mine.jsonl"})
    assert chosen["OTEL_TRACES_EXPORTER"] == "otelier_tree,otelier,otelier_file"
    assert "OTELIER_TRACE_FILE" not in chosen


def test_the_store_that_the_user_has_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    # The program's processes may be elsewhere.
    chosen = environment(given={"OTELIER_STORE": "mine.db"})
    assert chosen["OTELIER_STORE"] == str(tmp_path / "mine.db")
    # What is read elsewhere is not written.
    read = {"OTELIER_STORE": "clickhouse://host/db"}
    assert "OTELIER_STORE" not in environment(given=read)
    assert environment("--store", "s", given=read)["OTELIER_STORE"] == str(tmp_path / "s")


def test_a_backend_that_the_user_has_set_is_used() -> None:
    chosen = environment(given={"OTEL_EXPORTER_OTLP_ENDPOINT": "http://h:4317"})
    assert chosen["OTEL_TRACES_EXPORTER"] == "otelier_tree,otelier,otlp"
    assert chosen["OTEL_EXPORTER_OTLP_PROTOCOL"] == "grpc"
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" not in chosen


def test_a_service_name_among_the_resource_attributes_stays() -> None:
    chosen = environment(given={"OTEL_RESOURCE_ATTRIBUTES": "a=b,service.name=mine"})
    assert "OTEL_SERVICE_NAME" not in chosen


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["python", "-u", "dir/app.py", "x.py"], "app"),
        (["python", "-m", "package.module"], "package.module"),
        (["/usr/bin/uvicorn", "app:app"], "uvicorn"),
    ],
)
def test_service_names(words: list[str], name: str) -> None:
    assert command.service_name(words) == name


@pytest.mark.parametrize("dashes", [[], ["--"]])
def test_the_program_gets_its_arguments_and_the_environment(
    dashes: list[str], tmp_path: Path
) -> None:
    program = tmp_path / "app.py"
    program.write_text(f"import sys\n{PRINT}\nprint(sys.argv[1:], file=sys.stderr)\n")
    words = ["--messages", *dashes, sys.executable, "app.py", "--messages", "--", "-x", ""]
    done = otelier_run(*words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    variables: dict[str, Any] = json.loads(done.stdout)
    assert variables["OTEL_TRACES_EXPORTER"] == "otelier_tree,otelier"
    assert variables["OTEL_METRICS_EXPORTER"] == "none"
    assert variables["OTELIER_TREE_MESSAGES"] == "true"
    assert variables["OTEL_SERVICE_NAME"] == "app"
    assert variables["PYTHONPATH"] == os.pathsep.join([command.BOOT, SRC])
    assert "['--messages', '--', '-x', '']" in done.stderr


def test_a_script_alone_is_enough(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("print('here')")
    done = otelier_run("app.py", cwd=tmp_path, PATH="")
    assert (done.returncode, done.stdout) == (0, "here\n")


def test_the_exit_code_is_the_programs(tmp_path: Path) -> None:
    done = otelier_run(sys.executable, "-c", "import sys; sys.exit(7)", cwd=tmp_path)
    assert done.returncode == 7


@pytest.mark.skipif(os.name == "nt", reason="no signals there")
def test_the_command_ends_by_the_signal_that_ended_the_program(tmp_path: Path) -> None:
    program = "import os, signal; os.kill(os.getpid(), signal.SIGTERM)"
    done = otelier_run(sys.executable, "-c", program, cwd=tmp_path)
    assert done.returncode == -signal.SIGTERM


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 2, "no command"),
        (["--"], 2, "no command"),
        (["--store", "clickhouse://u:pw@h/db", "python"], 2, "filled by others"),
        (["no-such-program", "x"], 127, "command not found: no-such-program"),
    ],
)
def test_what_cannot_be_run_is_one_line(
    words: list[str], code: int, said: str, tmp_path: Path
) -> None:
    done = otelier_run(*words, cwd=tmp_path)
    assert done.returncode == code
    assert said in done.stderr and "pw" not in done.stderr
    assert len([line for line in done.stderr.splitlines() if "usage" not in line]) == 1


TRACED = """
from opentelemetry import trace
with trace.get_tracer("app").start_as_current_span("hello"):
    print("output of the program")
"""


def test_a_backend_gets_what_the_store_gets(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(TRACED)
    with receiver() as backend:
        options = ("--otlp", backend.url, "--store", "s.db", "app.py")
        done = otelier_run(*options, cwd=tmp_path, OTELIER_CONFIGURE_SDK="true")
    assert done.returncode == 0, done.stderr
    (sent,) = [body for path, _, body in backend.posts if path == "/v1/traces"]
    assert b"hello" in sent
    assert last(done).startswith("otelier run: 1 trace -> s.db ")


def test_a_program_leaves_a_tree_and_a_file(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(TRACED)
    done = otelier_run(
        "--file", "out/traces.jsonl", "app.py", cwd=tmp_path, OTELIER_CONFIGURE_SDK="true"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "output of the program\n"
    assert "hello" in done.stderr and "total" in done.stderr
    (line,) = (tmp_path / "out" / "traces.jsonl").read_bytes().splitlines()
    (span,) = decode(line)
    assert span.name == "hello" and span.resource.attributes["service.name"] == "app"
    assert "(see it with: " in last(done) and " and out/traces.jsonl " in last(done)
