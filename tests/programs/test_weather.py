"""Bad weather: the program gets its normal result, and at most one clear line from us."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.servers import ProviderServer

APP = """
    import sys, openai
    client = openai.OpenAI(base_url=sys.argv[1] + "/v1", api_key="k")
    answer = client.chat.completions.create(
        model="gpt-4o-mini", messages=[{"role": "user", "content": "hi"}]
    )
    print(answer.choices[0].message.content)
"""
ANSWER = "Hello from the local server.\n"


def run(
    server: ProviderServer, tmp_path: Path, code: str = APP, zero_code: bool = True, **env: str
) -> subprocess.CompletedProcess[str]:
    """Run a program as a user does, in a clean environment."""
    script = tmp_path / "app.py"
    script.write_text(textwrap.dedent(code))
    command = [sys.executable, str(script), server.url]
    if zero_code:
        command = [str(Path(sys.executable).parent / "opentelemetry-instrument"), *command]
    return subprocess.run(
        command,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), **env},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


QUIET = {"OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}
TO_FILE = {**QUIET, "OTEL_TRACES_EXPORTER": "otelier_file"}


def test_zero_code_writes_a_trace(server: ProviderServer, tmp_path: Path) -> None:
    done = run(server, tmp_path, **TO_FILE, OTELIER_TRACE_FILE="t.jsonl")
    assert (done.returncode, done.stdout, done.stderr) == (0, ANSWER, "")
    assert '"chat gpt-4o-mini"' in (tmp_path / "t.jsonl").read_text()


def test_exporter_that_is_down_is_one_line(server: ProviderServer, tmp_path: Path) -> None:
    done = run(
        server,
        tmp_path,
        **QUIET,
        OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{free_port()}",
        OTEL_EXPORTER_OTLP_TIMEOUT="1",
    )
    assert (done.returncode, done.stdout) == (0, ANSWER)
    assert done.stderr.count("\n") == 1
    assert "otelier: telemetry cannot be sent" in done.stderr


def test_unwritable_file_is_one_line(server: ProviderServer, tmp_path: Path) -> None:
    done = run(server, tmp_path, **TO_FILE, OTELIER_TRACE_FILE="/proc/nowhere/t.jsonl")
    assert (done.returncode, done.stdout) == (0, ANSWER)
    assert done.stderr.count("\n") == 1, done.stderr


@pytest.mark.parametrize(
    "variable",
    [
        "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT",
        "OTELIER_CONTENT_MESSAGE_BYTES",
        "OTELIER_BLOBS",
        "OTELIER_REDACT",
        "OTELIER_COST_ALIASES",
        "OTELIER_PROVIDER_HOSTS",
        "OTELIER_MASK",
        "OTELIER_PRICES",
    ],
)
def test_wrong_setting_is_one_line(server: ProviderServer, tmp_path: Path, variable: str) -> None:
    done = run(server, tmp_path, **TO_FILE, **{variable: "sk-nonsense-0123456789"})
    assert (done.returncode, done.stdout) == (0, ANSWER)
    assert done.stderr.count("\n") == 1, done.stderr
    assert "sk-nonsense" not in done.stderr


def test_wrong_exporter_name_is_one_line(server: ProviderServer, tmp_path: Path) -> None:
    done = run(server, tmp_path, **QUIET, OTEL_TRACES_EXPORTER="carrier_pigeon")
    assert (done.returncode, done.stdout) == (0, ANSWER)
    assert done.stderr.count("\n") == 1, done.stderr


def test_fork_records_in_both(server: ProviderServer, tmp_path: Path) -> None:
    code = APP + textwrap.indent(
        textwrap.dedent(
            """
            import os
            sys.stdout.flush()
            child = os.fork()
            # A connection is not to be shared by two processes.
            client = openai.OpenAI(base_url=sys.argv[1] + "/v1", api_key="k")
            client.chat.completions.create(model="in-child" if not child else "in-parent",
                                           messages=[{"role": "user", "content": "hi"}])
            if child:
                assert os.waitpid(child, 0)[1] == 0
            """
        ),
        "    ",
    )
    # Python 3.12 and later warn of any fork beside threads.
    quiet = {"PYTHONWARNINGS": "ignore::DeprecationWarning"}
    done = run(server, tmp_path, code, **TO_FILE, **quiet, OTELIER_TRACE_FILE="t.jsonl")
    assert (done.returncode, done.stdout, done.stderr) == (0, ANSWER, "")
    written = (tmp_path / "t.jsonl").read_text()
    assert '"chat in-child"' in written
    assert '"chat in-parent"' in written


def test_a_provider_set_later_is_used(server: ProviderServer, tmp_path: Path) -> None:
    code = (
        """
    import otelier
    otelier.instrument(configure_sdk=False)
    otelier.instrument()
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor
    provider = TracerProvider()
    provider.add_span_processor(
        SimpleSpanProcessor(ConsoleSpanExporter(formatter=lambda span: span.name + "\\n"))
    )
    trace.set_tracer_provider(provider)
    """
        + APP
    )
    done = run(server, tmp_path, code, zero_code=False)
    assert done.returncode == 0
    assert "chat gpt-4o-mini" in done.stdout
    # A second call that asks for nothing has nothing to tell.
    assert done.stderr == ""


def test_disabled_by_either_list(server: ProviderServer, tmp_path: Path) -> None:
    for variable in ("OTELIER_DISABLED", "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"):
        file = tmp_path / f"{variable}.jsonl"
        done = run(
            server, tmp_path, **TO_FILE, OTELIER_TRACE_FILE=str(file), **{variable: "openai"}
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, ANSWER, "")
        assert not file.exists()


def test_sdk_version_without_the_seam_is_one_line(server: ProviderServer, tmp_path: Path) -> None:
    code = """
    import openai._base_client as base
    """
    patched = """
    import importlib.abc, importlib.util, sys
    import otelier.sdks.stainless.client as stainless
    stainless._CLIENTS = ("GoneClient", "AsyncGoneClient")
    """
    done = run(server, tmp_path, patched + code + APP, **TO_FILE)
    assert (done.returncode, done.stdout) == (0, ANSWER)
    assert done.stderr.count("\n") == 1, done.stderr
    assert "no seam" in done.stderr
