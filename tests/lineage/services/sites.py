"""Programs of several processes: what they are given, how they are waited for, what arrived."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.trace import StatusCode

from tests.backends.otlp import attributes
from tests.backends.programs import ROOT
from tests.backends.receiver import Receiver
from tests.backends.running import AGENT, environment
from tests.lineage.frameworks.drawing import draw, title
from tests.servers import Json, ProviderServer, Recorded
from tests.servers.openai_wire import chat_completion, chat_message

APPS = "tests.lineage.services.apps"
_PATIENCE = 60.0


class Program:
    """A process that runs, whose lines can be waited for."""

    def __init__(self, command: list[str], env: Mapping[str, str]) -> None:
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.lines: list[str] = []
        self._changed = threading.Condition()
        self._over = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._changed:
                self.lines.append(line.rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._over = True
            self._changed.notify_all()

    @property
    def said(self) -> str:
        """All that it has printed until now."""
        return "\n".join(self.lines)

    def says(self, what: str, times: int = 1) -> str:
        """Wait until so many lines have ``what``; the last of them."""

        def found() -> list[str]:
            return [line for line in self.lines if what in line]

        with self._changed:
            self._changed.wait_for(lambda: len(found()) >= times or self._over, _PATIENCE)
            assert len(found()) >= times, f"never said {what!r}:\n{self.said}"
            return found()[times - 1]

    def ends(self, code: int | None = 0) -> str:
        """Wait until it has ended by itself; all that it has printed."""
        assert self.process.wait(_PATIENCE) == code or code is None, self.said
        self._reader.join(_PATIENCE)
        return self.said

    def stop(self, code: int | None = None) -> str:
        """Tell it to end, as a deployment does, and wait until it has."""
        self.process.terminate()
        return self.ends(code)

    def kill(self) -> None:
        """End it and its children, whatever they do."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._reader.join(_PATIENCE)


class Site:
    """A model, a receiver of spans, and programs that know both."""

    def __init__(self, model: ProviderServer, receiver: Receiver) -> None:
        self.model = model
        self.receiver = receiver
        self.programs: list[Program] = []
        model.route("/chat/completions", answered(lambda said: f"about {said}"))

    def run(self, *words: str, service: str, agent: bool | str = True, **env: Any) -> Program:
        """Start a module, under ``opentelemetry-instrument``, another command, or by itself."""
        command = [sys.executable, "-W", "ignore", "-m", *words]
        if agent is True:
            command = [str(AGENT), *command]
        elif agent:
            command = [*agent.split(), *command]
        settings = {
            "OTEL_SERVICE_NAME": service,
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.receiver.url,
            "OTEL_METRICS_EXPORTER": "none",
            "OTEL_LOGS_EXPORTER": "none",
            # Nothing leaves on its own while the test runs.
            "OTEL_BSP_SCHEDULE_DELAY": "60000",
            "OTELIER_PROVIDER_HOSTS": f"{self.model.url.removeprefix('http://')}=openai",
            "OTELIER_THREADS": "true",
            "MODEL": f"{self.model.url}/v1",
            "C_FORCE_ROOT": "1",
            "PYTHONUNBUFFERED": "1",
            **env,
        }
        started = Program(command, environment(**settings))
        self.programs.append(started)
        return started

    def spans(self) -> list[Any]:
        """What has arrived, as spans look in the process that made them."""
        return [span for body in self.receiver.bodies("/v1/traces") for span in spans_of(body)]

    def drawn(self, say: Callable[[Any], str] | None = None, **options: Any) -> str:
        """The trees of all that has arrived, each span with its service before it."""
        return draw(self.spans(), say or by_service, leave_out=is_event, **options)

    def end(self) -> None:
        """End what still runs."""
        for each in self.programs:
            each.kill()


@contextmanager
def site() -> Iterator[Site]:
    """A site, whose programs end with the block."""
    with ProviderServer() as model, Receiver() as receiver:
        made = Site(model, receiver)
        try:
            yield made
        finally:
            made.end()


def answered(say: Callable[[str], str]) -> Callable[[Recorded], Json]:
    """Answers of a model to what is said last."""
    return lambda request: Json(
        chat_completion(chat_message(say(request.json()["messages"][-1]["content"])))
    )


def spans_of(body: bytes) -> Iterator[Any]:
    """The spans of an export request."""
    for each in ExportTraceServiceRequest.FromString(body).resource_spans:
        resource = attributes(each.resource.attributes)
        for scope in each.scope_spans:
            for span in scope.spans:
                ids = SimpleNamespace(trace_id=span.trace_id, span_id=span.span_id)
                above = SimpleNamespace(trace_id=span.trace_id, span_id=span.parent_span_id)
                failed = span.status.code == span.status.STATUS_CODE_ERROR
                status = StatusCode.ERROR if failed else StatusCode.UNSET
                yield SimpleNamespace(
                    name=span.name,
                    context=ids,
                    parent=above if span.parent_span_id else None,
                    start_time=span.start_time_unix_nano,
                    status=SimpleNamespace(status_code=status),
                    attributes=attributes(span.attributes),
                    service=resource.get("service.name"),
                    scope=scope.scope.name,
                )


def by_service(span: Any) -> str:
    """``service: name``, with the error if there is one."""
    return f"{span.service}: {title(span)}"


def is_event(span: Any) -> bool:
    """What the ASGI instrumentation shows of a request's parts, one for each chunk."""
    return span.name.endswith((" http send", " http receive"))
