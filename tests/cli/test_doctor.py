"""``otelier doctor``: the facts, a remedy per problem, and never a secret."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.machinery import PathFinder
from importlib.metadata import version
from pathlib import Path

import pytest

from otelier.cli import doctor as command
from otelier.cli import libraries
from otelier.cli.main import main
from otelier.prices import sources
from otelier.settings import Settings
from otelier.store.schema import VERSION
from otelier.store.writer import Writer
from otelier.viewer import text as txt
from tests import settings
from tests.servers import ProviderServer

SRC = str(Path(__file__).parents[2] / "src")
SECRET = "sk-very-secret-0123456789"


@dataclass(frozen=True)
class Done:
    """What the command printed, and its exit code."""

    returncode: int
    stdout: str
    stderr: str


Doctor = Callable[..., Done]


@pytest.fixture
def doctor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Doctor:
    """The command in this process: as it imports no library, it leaves nothing behind."""

    def run(*options: str, **env: str) -> Done:
        with monkeypatch.context() as set_:
            for name in settings.bending():
                set_.delenv(name)
            set_.setenv("HOME", str(tmp_path))
            set_.delenv("XDG_DATA_HOME", raising=False)
            for name, value in env.items():
                set_.setenv(name, value)
            code = main(["doctor", *options])
        logging.getLogger("otelier").setLevel(logging.NOTSET)
        said = capsys.readouterr()
        return Done(code, said.out, said.err)

    return run


def verbose(tmp_path: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """``otelier doctor -v`` in a process of its own: it imports and hooks all libraries."""
    return subprocess.run(
        [sys.executable, "-m", "otelier.cli", "doctor", "-v"],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": SRC, **env},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )


def test_where_libraries_are_hooked(tmp_path: Path, server: ProviderServer) -> None:
    done = verbose(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=server.url, OTELIER_HTTP="true")
    assert done.returncode == 0, done.stdout
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert any("openai" in line and "hooked at openai._base_client" in line for line in lines)
    assert any("its own telemetry: switched off" in line for line in lines)
    assert "hooked at httpx2._client.{,Async}Client.send" in done.stdout


def test_http_libraries_if_asked_for(doctor: Doctor, server: ProviderServer) -> None:
    done = doctor(OTEL_EXPORTER_OTLP_ENDPOINT=server.url)
    hooked = f"  httpx2 {version('httpx2')}: hooked when it is imported"
    assert hooked not in done.stdout
    # That a trace does not go on by it is told in any case.
    assert f"  httpx2 {version('httpx2')}: whom it asks" in done.stdout
    done = doctor(OTEL_EXPORTER_OTLP_ENDPOINT=server.url, OTELIER_HTTP="true")
    assert hooked in done.stdout


def test_all_is_well(doctor: Doctor, server: ProviderServer) -> None:
    done = doctor(OTEL_EXPORTER_OTLP_ENDPOINT=server.url)
    assert done.returncode == 0, done.stdout
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert sys.executable in lines[1]
    assert "ARE captured" in lines[2]
    assert "NO_CONTENT switches that off" in lines[3]
    assert f"  openai {version('openai')}: hooked when it is imported" in lines
    assert f"OTEL_EXPORTER_OTLP_ENDPOINT={server.url}" in done.stdout
    assert f"\nPrices\n  genai-prices {version('genai-prices')} (" in done.stdout
    assert done.stdout.endswith("Problems\n  none\n")


def test_the_exit_codes_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["doctor", "--help"])
    assert "Exit code: 0 all is in order, 1 there are problems" in capsys.readouterr().out
    with pytest.raises(SystemExit) as exit_:
        main(["doctor", "--verbsoe"])
    assert exit_.value.code == 2


def test_no_library_is_imported(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom otelier.cli.main import main\nmain(['doctor'])\n"
        "from otelier.hooks.table import HTTP, LIBRARIES\n"
        "roots = {each.module for each in (*HTTP, *LIBRARIES)}\n"
        "print(sorted(roots & {*sys.modules}), 'pydantic' in sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": SRC, "OTEL_TRACES_EXPORTER": "console"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr.strip() == "[] False"


def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *files: str) -> None:
    """An environment in which ``mistralai`` has these files and no others."""
    for name in files:
        path = tmp_path / "site" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("raise ImportError('nothing of it is run')")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.setattr(
        libraries, "installed_version", lambda name: "9.1" if name == "mistralai" else None
    )
    monkeypatch.setattr(
        libraries, "find_spec", lambda name: PathFinder.find_spec(name, [str(tmp_path / "site")])
    )


def test_a_version_without_its_seam_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(tmp_path, monkeypatch, "mistralai/__init__.py", "mistralai/client/__init__.py")
    report = libraries.look(Settings())
    assert "  mistralai 9.1: NOT hooked, mistralai.client.basesdk is not there" in report.lines
    (problem,) = report.problems
    assert problem.what == "mistralai 9.1 has no seam that otelier knows."


@pytest.mark.parametrize("where", ["mistralai/client", "mistralai"])
def test_a_seam_may_be_where_other_versions_have_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    files = (f"{where}/basesdk.py", f"{where}/utils/eventstreaming.py")
    installed(tmp_path, monkeypatch, *files)
    report = libraries.look(Settings())
    assert not report.problems
    assert report.hooked == ["mistralai"]


def test_a_price_list_that_cannot_be_read_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise ValueError("no such clause")

    monkeypatch.setattr(sources, "ready", lambda: None)
    monkeypatch.setattr(sources, "build", broken)
    lines, (problem,) = command._prices(Settings())
    assert not lines
    assert "ValueError" in problem.what
    assert "no cost" in problem.what
    assert command._prices(Settings(cost=False)) == (["off: OTELIER_COST"], [])


@pytest.mark.parametrize(
    ("env", "what", "remedy"),
    [
        ({"OTEL_SDK_DISABLED": "true"}, "nothing is recorded", "Unset"),
        ({"OTEL_TRACES_EXPORTER": "none"}, "spans go nowhere", "otlp"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}, "Nothing answers at", "collector"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "localhost:1"}, "does not begin with http://", "Write"),
        ({"OTELIER_BLOBZ": "inline"}, "mean OTELIER_BLOBS?", "Correct"),
        ({"OTEL_SERVICENAME": "x"}, "mean OTEL_SERVICE_NAME?", "Correct"),
        ({"OTELIER_DISABLED": "opnai"}, "mean openai?", "Correct the list"),
        ({"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "antropic"}, "mean anthropic?", "Correct"),
        ({"OTELIER_BLOBS": "pink"}, "OTELIER_BLOBS has a value", "Correct"),
        ({"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "100"}, "cuts messages", "MESSAGE_BYTES"),
        ({"OTELIER_MASK": "no.such:thing"}, "does not name a function", "module:function"),
        ({"OTEL_TRACES_SAMPLER": "always_off"}, "drops every span", "another"),
        (
            {
                "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4317",
                "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            },
            "Port 4317",
            "4318",
        ),
    ],
)
def test_each_problem_has_a_remedy(
    doctor: Doctor, env: dict[str, str], what: str, remedy: str
) -> None:
    done = doctor(**{"OTEL_TRACES_EXPORTER": "otlp", **env})
    assert done.returncode == 1
    problems = done.stdout.partition("Problems\n")[2].splitlines()
    at = next(number for number, line in enumerate(problems) if what in line)
    assert remedy in problems[at + 1]


def test_no_secret_is_shown(doctor: Doctor) -> None:
    done = doctor(
        OTEL_EXPORTER_OTLP_ENDPOINT=f"http://user:{SECRET}@127.0.0.1:1/x?key={SECRET}",
        OTEL_EXPORTER_OTLP_HEADERS=f"authorization=Bearer {SECRET}",
        OTELIER_BLOB_URI=f"s3://{SECRET}@bucket/x?sig={SECRET}",
        OTELIER_MASK=SECRET,
        OPENAI_API_KEY=SECRET,
        OTEL_EXPORTER_OTLP_HAEDERS=f"authorization={SECRET}",
        OTELIER_DISABLED=SECRET[3:],
        OTELIER_MASKK=SECRET,
    )
    assert SECRET not in done.stdout + done.stderr
    assert "OTEL_EXPORTER_OTLP_HEADERS=(set, not shown)" in done.stdout
    assert "OTEL_EXPORTER_OTLP_HAEDERS=(set, not shown)" in done.stdout
    assert "did you mean OTEL_EXPORTER_OTLP_HEADERS?" in done.stdout


def test_disabled_libraries_are_named(doctor: Doctor) -> None:
    done = doctor(OTELIER_DISABLED="anthropic", OTEL_TRACES_EXPORTER="console")
    assert done.returncode == 0, done.stdout
    assert any(
        "anthropic" in line and "disabled by a setting" in line for line in done.stdout.splitlines()
    )


def test_the_store_is_told_and_never_made(doctor: Doctor, tmp_path: Path) -> None:
    path = tmp_path / ".local" / "share" / "otelier" / "traces.db"
    done = doctor(OTEL_TRACES_EXPORTER="otelier")
    assert done.returncode == 0, done.stdout
    assert f"exporter otelier): {path}, made with the first span\n" in done.stdout
    assert not (tmp_path / ".local").exists()
    writer = Writer(path)
    writer.write([])
    writer.close()
    done = doctor(OTEL_TRACES_EXPORTER="otelier")
    assert f"{path}, {txt.size(path.stat().st_size)}, version {VERSION}\n" in done.stdout


def test_a_store_that_cannot_be_written(doctor: Doctor, tmp_path: Path) -> None:
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"no database" * 1000)
    named = {"OTEL_TRACES_EXPORTER": "console", "OTELIER_STORE": str(broken)}
    done = doctor(**named)
    assert done.returncode == 1
    assert f"! The store {broken} cannot be written: it is no database; move it" in done.stdout
    # Whose spans go elsewhere has no problem with it.
    (tmp_path / ".local").write_text("no folder")
    done = doctor(OTEL_TRACES_EXPORTER="console")
    assert done.returncode == 0 and "traces.db, cannot be written: " in done.stdout
    done = doctor(OTEL_TRACES_EXPORTER="console,otelier")
    assert done.returncode == 1


def test_the_store_of_questions_is_told_without_its_password(doctor: Doctor) -> None:
    url = "clickhouse://me:very-secret@host:8123/otelier"
    done = doctor(OTEL_TRACES_EXPORTER="console", OTELIER_STORE=url)
    assert "questions go to another store: clickhouse://host:8123/otelier\n" in done.stdout
    assert "very-secret" not in done.stdout + done.stderr
    # What is not written as a URL wants it, either.
    done = doctor(
        OTEL_TRACES_EXPORTER="console", OTELIER_STORE="clickhouse://me:1/very-secret@host"
    )
    assert "another store: (not a valid URL)" in done.stdout
    assert "very-secret" not in done.stdout + done.stderr


def test_what_is_not_seen_is_told(doctor: Doctor) -> None:
    done = doctor(OTEL_TRACES_EXPORTER="console")
    assert "  not seen: openai realtime.translations.connect" in done.stdout
    done = doctor(OTELIER_DISABLED="openai", OTEL_TRACES_EXPORTER="console")
    assert "not seen: openai" not in done.stdout


Other = Callable[..., None]


@pytest.fixture
def other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Other:
    """Installs a package ``an-other``: by what names a loader finds what is in it, and where."""

    def install(*points: tuple[str, str]) -> None:
        told = tmp_path / "others" / "an_other-1.0.dist-info"
        told.mkdir(parents=True)
        (told / "METADATA").write_text("Metadata-Version: 2.1\nName: an-other\nVersion: 1.0\n")
        lines = [f"{name} = {module}:Instrumentor" for name, module in points]
        (told / "entry_points.txt").write_text("\n".join(["[opentelemetry_instrumentor]", *lines]))
        monkeypatch.syspath_prepend(told.parent)

    return install


@pytest.mark.parametrize(
    ("name", "module", "remedy"),
    [
        ("openai", "opentelemetry.instrumentation.genai.openai", "Uninstall it."),
        ("langchain", "opentelemetry.instrumentation.langchain", "Uninstall it."),
        ("llamaindex", "opentelemetry.instrumentation.llamaindex", "or name llamaindex in"),
        ("oi", "openinference.instrumentation.openai", "or name oi in"),
    ],
)
def test_others_are_told_with_what_switches_them_off_alone(
    doctor: Doctor, other: Other, name: str, module: str, remedy: str
) -> None:
    other((name, module))
    out = doctor().stdout
    assert "also installed: an-other" in out
    assert remedy in out[out.index("an-other instruments") :]
    off = doctor(OTEL_PYTHON_DISABLED_INSTRUMENTATIONS=name).stdout
    assert "an-other" not in off


def test_of_several_all_are_named(doctor: Doctor, other: Other) -> None:
    other(("vertexai", "a"), ("llamaindex", "b"))
    assert "name vertexai, llamaindex in" in doctor().stdout


def test_one_of_several_has_otelier_s_name(doctor: Doctor, other: Other) -> None:
    other(("llamaindex", "a"), ("openai", "b"))
    out = doctor().stdout
    assert "Uninstall it." in out[out.index("an-other instruments") :]


@pytest.mark.parametrize("name", ["httpx", "pinecone", "botocore"])
def test_what_is_not_of_models_is_no_other(doctor: Doctor, other: Other, name: str) -> None:
    other((name, f"opentelemetry.instrumentation.{name}"))
    assert "an-other" not in doctor().stdout
