"""What a test sees of its own calls, and asserts of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, ParamSpec, cast

from opentelemetry.sdk.trace import ReadableSpan

from otelier import control, semconv
from otelier.runtime import SCOPE
from otelier.store.spans import stored
from otelier.testing import failing, records
from otelier.testing.records import Agent, Call, Retrieval, Tool
from otelier.testing.running import Running, unended
from otelier.testing.standing import Recording
from otelier.viewer import forest, outline, tree
from otelier.viewer.facts import Facts, Tokens, facts
from otelier.viewer.look import Look
from otelier.viewer.totals import Account, Known, Totals, account, added

_P = ParamSpec("_P")


class Traces:
    """Everything that was called since it began, as far as it has ended.

    A pytest test gets one from the fixture ``traces``, other code from :func:`traces`.
    """

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._cleared = 0

    # --- what was called ---

    @property
    def spans(self) -> list[ReadableSpan]:
        """All spans, OpenTelemetry's own objects, in the order in which they began."""
        self._unended()
        ended = self._recording.spans[self._cleared :]
        return sorted(ended, key=lambda span: span.start_time or 0)

    @property
    def calls(self) -> list[Call]:
        """The calls of models; an embedding is one, too."""
        return _Book(self.spans).calls()

    @property
    def tools(self) -> list[Tool]:
        """The tools that were executed."""
        return _Book(self.spans).of(semconv.EXECUTE_TOOL, records.tool)

    @property
    def agents(self) -> list[Agent]:
        """The runs of agents."""
        return _Book(self.spans).of(semconv.INVOKE_AGENT, records.agent)

    @property
    def retrievals(self) -> list[Retrieval]:
        """The searches for documents."""
        return _Book(self.spans).of(semconv.RETRIEVAL, records.retrieval)

    # --- what it took ---

    @property
    def tokens(self) -> Tokens:
        """Of all calls together; a number that no call tells is None."""
        return _Book(self.spans).sums.tokens

    @property
    def cost(self) -> float | None:
        """What it cost in US dollars; None where that of a call is not known, 0.0 without calls."""
        book = _Book(self.spans)
        return None if book.unpriced() else book.sums.cost or 0.0

    @property
    def known_cost(self) -> float:
        """The same, of what has a known price."""
        return _Book(self.spans).sums.cost or 0.0

    @property
    def unpriced(self) -> list[Call]:
        """The calls whose cost is not known, or is only of what came before they were cut off."""
        return _Book(self.spans).unpriced()

    # --- as text ---

    def tree(self, *, ordered: bool = True, all: bool = False) -> str:
        """The steps as indented lines: names, and kinds of errors; no ids, no times.

        In the order in which they began. What runs side by side begins now this way and now that:
        ``ordered=False`` sorts by the text. ``all=True`` has the spans of others, too, such as
        HTTP requests; without, what is below them stands in their place.
        """
        return outline.outline(
            self.spans, ordered=ordered, leave_out=lambda span: not (all or _genai(span))
        )

    def __str__(self) -> str:
        """The steps with all that is known of them, as ``otelier trace --messages`` has them."""
        return tree.render([stored(span) for span in self.spans], Look(messages=True))

    def __repr__(self) -> str:
        book = _Book(self.spans)
        calls = failing.number(book.sums.calls, "model call")
        return f"<Traces: {calls}, {failing.number(book.sums.tools, 'tool call')}>"

    def clear(self) -> None:
        """Forget what has ended until now."""
        self._cleared = len(self._recording.spans)

    # --- asserts ---

    def assert_tree(self, expected: str, *, ordered: bool = True, all: bool = False) -> None:
        """The steps are these, drawn as :meth:`tree` does; indentation around it is left away."""
        __tracebackhide__ = True
        wanted, found = outline.drawn(expected), self.tree(ordered=ordered, all=all)
        if wanted != found:
            raise AssertionError(failing.trees(wanted, found) + self._still())

    def assert_called(self, tool: str, /, **arguments: Any) -> Tool:
        """The tool was executed with these arguments (it may have had more); returns the first."""
        __tracebackhide__ = True
        tools = self.tools
        for each in tools:
            if each.tool == tool and _has(each.arguments, arguments):
                return each
        raise AssertionError(failing.not_called(tool, arguments, tools, self.calls) + self._still())

    def assert_not_called(self, tool: str, /) -> None:
        """The tool was not executed."""
        __tracebackhide__ = True
        found = [each for each in self.tools if each.tool == tool]
        if found:
            raise AssertionError(failing.called(tool, found))

    def assert_no_errors(self) -> None:
        """Nothing failed: no call, no tool, no step."""
        __tracebackhide__ = True
        failed = [(span, known) for span, known in _Book(self.spans).facts if known.failed]
        if failed:
            raise AssertionError(failing.errors(failed))

    def assert_cost(self, *, max: float) -> None:
        """It cost no more US dollars; a call without a known price fails this, too."""
        __tracebackhide__ = True
        book = _Book(self.spans)
        problem = failing.cost(max, book.sums.cost or 0.0, book.unpriced(), book.calls())
        if problem:
            raise AssertionError(problem + self._still())

    def _unended(self) -> list[Any]:
        return unended(self._recording)

    def _still(self) -> str:
        names = [span.name for span in self._unended()]
        return failing.still(names)


class _Book:
    """Spans, read."""

    def __init__(self, spans: list[ReadableSpan]) -> None:
        plain = {id(made): (span, made) for span in spans for made in (stored(span),)}
        self._spans = {key: span for key, (span, _) in plain.items()}
        # Held, for what they are known by is their identity.
        groups = forest.traces(made for _, made in plain.values())
        self._accounts: list[Account] = [
            account([(node, facts(node.span)) for node in forest.walk(group)]) for group in groups
        ]
        self.facts: list[tuple[ReadableSpan, Facts]] = [
            (span, facts(made)) for span, made in plain.values()
        ]

    @property
    def sums(self) -> Totals:
        """Of all traces."""
        whole = Totals()
        for each in self._accounts:
            whole = added(whole, each.sums)
        return whole

    def of(self, operation: str, make: Callable[[ReadableSpan, Facts], Any]) -> list[Any]:
        """What is made of the spans of an operation."""
        return [make(span, known) for span, known in self.facts if known.operation == operation]

    def calls(self) -> list[Call]:
        """Each once, in the order in which they began."""
        return self._made([each for one in self._accounts for each in one.calls])

    def unpriced(self) -> list[Call]:
        """Those without a cost, or with that of a part."""
        calls = {id(each[0][0]): each for one in self._accounts for each in one.calls}
        without = {
            id(node): calls.get(id(node), [(node, known)])
            for one in self._accounts
            for node, known in one.unpriced
        }
        partial = {key: each for key, each in calls.items() if any(f.partial for _, f in each)}
        return self._made([*{**without, **partial}.values()])

    def _made(self, groups: list[list[Known]]) -> list[Call]:
        groups = sorted(groups, key=lambda group: group[0][0].span.start_ns)
        return [
            records.call([(self._spans[id(node.span)], known) for node, known in group])
            for group in groups
        ]


def _genai(span: ReadableSpan) -> bool:
    """Whether a span is of what otelier is about, whoever made it."""
    scope = span.instrumentation_scope
    held = span.attributes or {}
    return (scope is not None and scope.name == SCOPE) or any(
        name in held for name in (semconv.OPERATION_NAME, semconv.OPENINFERENCE_KIND)
    )


def _has(given: Any, wanted: dict[str, Any]) -> bool:
    """Whether a tool's arguments have these among them."""
    if not wanted:
        return True
    return isinstance(given, dict) and all(
        name in given and given[name] == value for name, value in wanted.items()
    )


def _with_options(
    function: Callable[_P, None],
) -> Callable[[Any], Callable[_P, AbstractContextManager[Traces]]]:
    """For editors and type checkers: takes what ``function`` takes."""
    return lambda made: cast("Callable[_P, AbstractContextManager[Traces]]", made)


@_with_options(control.instrument)
@contextmanager
def traces(**options: Any) -> Iterator[Traces]:
    """Otelier on for the block, with a record of what is called in it.

    Spans go to memory and to nobody else: the TracerProvider and the exporters of the program, and
    its own otelier, are as they were afterwards. ``options`` are those of
    :func:`otelier.instrument`, but for ``tracer_provider``; what is not given is as in the
    program's call of that, and where there was none, as the environment says.

    What has begun in the block belongs to it, in whatever thread or task. Other processes are not
    seen.
    """
    running = Running(options)
    try:
        yield Traces(running.recording)
    finally:
        unended(running.recording)
        running.stop()
