"""``make bench-store`` runs; what it says is of a machine, not of a test."""

from __future__ import annotations

from pathlib import Path

from benchmarks.store import __main__ as bench
from benchmarks.store.workload import spans
from otelier.questions.table import QUESTIONS


def test_the_benchmark_asks_everything_and_writes_it_down(tmp_path: Path) -> None:
    document = tmp_path / "README.md"
    document.write_text(
        f"# Before\n\n<!-- {bench.MARK} -->\nold\n<!-- end of {bench.MARK} -->\nAfter.\n"
    )
    given = ["--spans", "600", "--small", "600", "--turns", "5", "--beside", "0"]
    bench.main([*given, "--write", str(document)])
    text = document.read_text()
    assert text.startswith("# Before\n\n<!--") and text.endswith("-->\nAfter.\n")
    assert "old" not in text
    for question in QUESTIONS:
        assert text.count(f"`{question.name}(") >= 2
    asked = [line.split(" | ") for line in text.splitlines() if line.startswith("| `")]
    assert [line for line in asked if not line[1].replace(",", "").replace(".", "").isdigit()] == []


def test_the_workload_is_always_the_same_and_of_real_size() -> None:
    made = list(spans(3000, "real"))
    assert made == list(spans(3000, "real")) != list(spans(3000, "real", seed=2))
    assert len({(span.trace_id, span.span_id) for span in made}) == 3000
    calls = [span.attributes for span in made if span.name.startswith("chat")]
    names = ("gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions")
    mean = sum(len(call.get(name, "")) for call in calls for name in names) / len(calls)
    assert 3000 < mean < 5000
    small = list(spans(3000, "small"))
    assert not any(name in span.attributes for span in small for name in names)
