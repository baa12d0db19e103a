"""Faults: what was finished arrives within the promises, and the program never notices.

The promises are the SDK's and the collector's; collector-config/README.md writes them down with the
numbers of these tests. A receiver stands for the collector where the program's side is the matter;
the collectors themselves are those of collector-config/gateway.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from tests.backends.faulty import Sender, arrived, as_promised, as_told, promised, sending
from tests.backends.gateways import Site, certificates
from tests.backends.programs import program
from tests.backends.receiver import Receiver
from tests.backends.running import LOST, until

COLLECTOR = pytest.mark.skipif(program("otelcol") is None, reason="no collector: make backends")
CALLS = 50
# Exports begin at once, and end at once where nobody is waited for.
QUICK = {"OTEL_BSP_SCHEDULE_DELAY": 100, "OTEL_EXPORTER_OTLP_TIMEOUT": 2}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as here:
        yield here


def all_arrived(sender: Sender, receiver: Receiver) -> bool | None:
    """True once nothing is missing."""
    return set(sender.finished) <= arrived(receiver) or None


# --- how a program ends


def finish(sender: Sender) -> int:
    return sender.end()


def fail(sender: Sender) -> int:
    sender.tell("raise")
    return sender.process.wait(30)


def terminate(sender: Sender) -> int:
    sender.process.terminate()
    return sender.process.wait(60)


ENDS: dict[str, tuple[list[str], Callable[[Sender], int], int]] = {
    "the program ends at once": ([f"call {CALLS}"], finish, 0),
    "the program fails": ([f"call {CALLS}"], fail, 1),
    "SIGTERM, handled": (["handle", f"call {CALLS}"], terminate, 0),
    "SIGTERM, not handled": ([f"call {CALLS}"], terminate, -15),
    "os.fork": (["call 20", "fork 20", "call 10"], finish, 0),
    "multiprocessing, fork": (["call 20", "process 20", "call 10"], finish, 0),
    "multiprocessing, spawn": (["call 20", "spawn 20", "call 10"], finish, 0),
    "multiprocessing, a pool that is closed": (["call 20", "pool 20", "call 10"], finish, 0),
    "multiprocessing, a pool left by with": (["call 20", "left 20", "call 10"], finish, 0),
}


@pytest.mark.parametrize("name", ENDS)
def test_the_end_of_a_program(tmp_path: Path, receiver: Receiver, name: str) -> None:
    commands, end, code = ENDS[name]
    # 30 spans are sent at once, what is left in a minute.
    batches = {"OTEL_BSP_SCHEDULE_DELAY": 60_000, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": 30}
    with sending(tmp_path, receiver.url, **batches) as sender:
        for command in commands:
            sender.do(command)
        assert end(sender) == code
        as_promised(name, sender, receiver)
        # Children do not send what their parent held when it forked.
        assert len(receiver.spans()) == len(arrived(receiver))
        assert "otelier" not in sender.said


# --- the collector's side


def test_a_collector_that_comes_later(tmp_path: Path, receiver: Receiver) -> None:
    receiver.stop()
    with sending(tmp_path, receiver.url, OTEL_BSP_SCHEDULE_DELAY=100) as sender:
        sender.do(f"call {CALLS}")
        receiver.start()
        assert sender.end() == 0
        # The SDK repeats for 10 s.
        as_promised("collector down at start, up in time", sender, receiver)


@pytest.mark.parametrize("status", [429, 503])
def test_a_collector_that_refuses_for_a_while(
    tmp_path: Path, receiver: Receiver, status: int
) -> None:
    receiver.answer(status, retry_after=1)
    with sending(tmp_path, receiver.url, OTEL_BSP_SCHEDULE_DELAY=100) as sender:
        sender.do(f"call {CALLS}")
        until(lambda: receiver.answered[status] or None, "a refusal")
        receiver.answer(200)
        assert sender.end() == 0
        name = f"collector answers {status} for a second"
        as_promised(name, sender, receiver)


def test_a_slow_collector(tmp_path: Path, receiver: Receiver) -> None:
    receiver.stall(1)
    with sending(tmp_path, receiver.url, OTEL_BSP_SCHEDULE_DELAY=100) as sender:
        sender.do(f"call {CALLS}")
        assert sender.end() == 0
        name = "collector answers after a second"
        as_promised(name, sender, receiver)


def refused(receiver: Receiver) -> None:
    receiver.answer(429)


def unavailable(receiver: Receiver) -> None:
    receiver.answer(503)


def unknown(receiver: Receiver) -> None:
    receiver.answer(401)


def hanging(receiver: Receiver) -> None:
    receiver.stall(60)


BROKEN: dict[str, Callable[[Receiver], None]] = {
    "collector down": Receiver.stop,
    "collector hangs": hanging,
    "collector answers 429": refused,
    "collector answers 503": unavailable,
    "wrong token": unknown,
}


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> float:
    """How many Python functions a call takes where nothing is wrong."""
    with Receiver() as receiver:
        here = tmp_path_factory.mktemp("usual")
        with sending(here, receiver.url) as sender:
            sender.do("call 5")
            sender.do("count 9")
            assert sender.end() == 0
            assert all_arrived(sender, receiver)
            return median(sender.functions)


def unnoticed(fault: str, usual: float, receiver: Receiver, here: Path, **env: Any) -> None:
    """Nothing arrives, and all that the program has of it is one line."""
    # A queue of 8 is full after the first calls: what does not fit is dropped, with a log record.
    queue = {"OTEL_BSP_MAX_QUEUE_SIZE": 8, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": 8}
    with sending(here, receiver.url, **QUICK, **queue, **env) as sender:
        sender.do(f"call {CALLS - 9}")
        sender.do("count 9")
        # A call runs what it runs when all is well, and the record of a drop.
        assert usual <= median(sender.functions) <= usual * 1.02
        # Nor is it held up: whoever waited for the collector would wait for two seconds or more.
        assert sender.slowest < 1.5
        assert sender.end() == 0
        assert sender.said.count(LOST) == 1
        as_promised(fault, sender, receiver)


@pytest.mark.parametrize("fault", BROKEN)
def test_a_program_does_not_notice(
    tmp_path: Path, receiver: Receiver, usual: float, fault: str
) -> None:
    BROKEN[fault](receiver)
    unnoticed(fault, usual, receiver, tmp_path)
    # It was asked, and refused; to be down or to hang is to answer nothing.
    refuses = BROKEN[fault] in (refused, unavailable, unknown)
    assert bool(receiver.answered) == refuses


def test_a_wrong_certificate(tmp_path: Path, usual: float) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    certificates(ours)
    certificates(theirs)
    with Receiver(theirs / "gateway.pem", theirs / "gateway-key.pem") as receiver:
        with sending(
            tmp_path, receiver.url, OTEL_EXPORTER_OTLP_CERTIFICATE=theirs / "ca.pem"
        ) as sender:
            sender.do("call 5")
            assert sender.end() == 0
            assert all_arrived(sender, receiver)
        with Receiver(theirs / "gateway.pem", theirs / "gateway-key.pem") as other:
            trusted = {"OTEL_EXPORTER_OTLP_CERTIFICATE": ours / "ca.pem"}
            unnoticed("wrong certificate", usual, other, tmp_path, **trusted)


def test_a_forked_child_does_not_wait_for_a_collector(tmp_path: Path, receiver: Receiver) -> None:
    receiver.stall(60)
    with sending(tmp_path, receiver.url, OTEL_EXPORTER_OTLP_TIMEOUT=3600) as sender:
        # This answers when the child has ended, which would be in an hour.
        sender.do("process 10")
        assert len(sender.finished) == 10


# --- collectors and what is behind them


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site(tmp_path / "site") as here:
        here.start()
        yield here


def behind(site: Site) -> Receiver:
    """Where spans without a tenant come out."""
    return site.backends[0]["default"]


def agent(site: Site) -> str:
    return f"http://localhost:{site.agent.http}"


@COLLECTOR
def test_collectors_that_are_killed_lose_nothing(tmp_path: Path, site: Site) -> None:
    with sending(tmp_path, agent(site), **{**QUICK, "OTEL_EXPORTER_OTLP_TIMEOUT": 10}) as sender:
        sender.do("call 20")
        site.agent.kill()
        sender.do("call 20")
        site.agent.start()
        sender.do("call 10")
        assert sender.end() == 0
        site.agent.kill()
        site.agent.start()
        until(lambda: all_arrived(sender, behind(site)), "all spans")
        name = "collector killed twice and started again"
        as_promised(name, sender, behind(site))


@COLLECTOR
@pytest.mark.parametrize("status", [429, 503])
def test_a_backend_that_refuses_for_a_while(tmp_path: Path, site: Site, status: int) -> None:
    behind(site).answer(status, retry_after=1)
    with sending(tmp_path, agent(site)) as sender:
        sender.do(f"call {CALLS}")
        assert sender.end() == 0
        until(lambda: behind(site).answered[status] or None, "a refusal")
        behind(site).answer(200)
        until(lambda: all_arrived(sender, behind(site)), "all spans")
        name = f"backend answers {status} for a while"
        as_promised(name, sender, behind(site))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MiB."""
    here = tmp_path / "disk"
    here.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(here)]
    if os.getuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a small disk")
    yield here
    subprocess.run(["umount", "-l", str(here)], check=True)


@COLLECTOR
def test_a_full_disk(tmp_path: Path, small_disk: Path) -> None:
    with Site(tmp_path / "site") as site:
        site.agent.env["STORAGE"] = small_disk / "queue"
        site.start()
        for gateway in site.gateways:
            gateway.stop()
        with sending(tmp_path, agent(site), **QUICK) as sender:
            # Spans of 4 KiB: a quarter of them fills the disk.
            for _ in range(10):
                sender.do("call 200")
            assert sender.end() == 0
            assert site.agent.process is not None
            assert site.agent.process.poll() is None, "the collector lives on"
            # What does not fit is refused. How much of the rest arrives is luck: the queue cannot
            # write down what it has taken out, and may lose any part of it.
            accepted = int(site.agent.metric("otelcol_receiver_accepted_spans"))
            assert accepted > 0
            sent = len(sender.finished)
            as_told("disk full", sent, accepted, sent - accepted)


def test_each_row_of_the_table_has_a_test() -> None:
    here = Path(__file__).parent
    files = ("test_faults.py", "test_faults_store.py", "test_servers.py")
    told = "".join((here / name).read_text() for name in files)
    for fault in promised():
        name = fault.replace("429", "{status}").replace("503", "{status}")
        assert f'"{fault}"' in told or f'"{name}"' in told, fault
