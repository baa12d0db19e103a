"""What an agent or a workflow used: the sums of all model calls that end beneath it while it runs.

A sum is never too low without a sign. Tokens are under the conventions' names, which everybody
reads: they are there only if the tokens of every call are known. The cost is under a name of ours,
which says beside it that calls are missing (``otelier.cost.partial``) and how many.
"""

from __future__ import annotations

from collections.abc import Sequence
from threading import RLock
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary, ref

from opentelemetry.context import Context, create_key
from opentelemetry.trace import get_current_span

from otelier import context as ctx
from otelier import forks, semconv
from otelier.semconv import Attributes

if TYPE_CHECKING:
    from otelier.prices.arithmetic import Priced
    from otelier.protocols import Reply, Route
    from otelier.usage import Usage

# What uses nothing that is paid for, unless the provider tells tokens of it.
_FREE: Final = frozenset(
    {
        semconv.COUNT_TOKENS,
        semconv.FETCH_RESPONSE,
        semconv.CANCEL_RESPONSE,
        semconv.BATCH_RESULTS,
        semconv.MODERATION,
    }
)
_FETCHES: Final = frozenset({semconv.FETCH_RESPONSE, semconv.CANCEL_RESPONSE})
# What a model reads or writes: an answer of these that tells no tokens used some.
_COUNTED: Final = semconv.PRICED | {semconv.INVOKE_AGENT}

# On a call whose answer comes later: what that used is told to who fetches it.
_BACKGROUND: Final = "otelier.response.background"

# Held for a few additions. The garbage collector may end a call of the same thread between two of
# them, but not within one: nothing is called there.
_lock = RLock()


@forks.in_child
def _renew() -> None:
    global _lock
    _lock = RLock()


class Scope:
    """One run of an agent or a workflow."""

    __slots__ = (
        "_agent",
        "_apart",
        "_awaited",
        "_closed",
        "_cost",
        "_input",
        "_is_agent",
        "_late",
        "_output",
        "_partial",
        "_reasons",
        "_running",
        "_steps",
        "_uncounted",
        "_unpriced",
        "answer",
        "asked",
        "begun",
        "below",
        "inference_calls",
        "mirrored",
        "name",
        "others",
        "outer",
        "tool_calls",
    )

    def __init__(self, outer: Scope | None, name: str | None, is_agent: bool) -> None:
        self.outer = outer
        self.name = name
        # The innermost agent, where that is not this: nothing waits for the garbage collector.
        self._agent: Scope | None = None if is_agent or outer is None else outer.agent
        self._is_agent = is_agent
        self.inference_calls = 0
        self.tool_calls = 0
        # The span of a loop of requests: what its calls are asked first and answer last is its own.
        self.mirrored: ref[Any] | None = None
        self.asked: list[Any] | None = None
        self.answer: list[Any] | None = None
        # How many calls have begun in it, and how many of them each other library has told of.
        self.begun = 0
        self.others: dict[str | None, int] | None = None
        # Spans of a framework that may leave them open.
        self.below: list[ref[Any]] | None = None
        self._closed = False
        self._running = 0
        self._awaited = 0
        self._input: int | None = None
        self._output: int | None = None
        self._uncounted = 0
        self._cost: float | None = None
        # What steps cost by themselves.
        self._steps: list[list[float]] = []
        self._unpriced = 0
        self._partial = False
        self._reasons: Sequence[str] = ()
        # What is added up here, of calls that whoever settles it does not know.
        self._apart: Apart | None = None
        # What those around have added up of calls that ended after this run.
        self._late: Apart | None = None

    @property
    def agent(self) -> Scope | None:
        """Who counts the calls and names the tools: the innermost agent."""
        return self if self._is_agent else self._agent

    def close(self, attributes: Attributes, priced: bool) -> None:
        """The run is over: write what it used, the cost too where costs are looked for.

        What ends later counts for those around it alone.
        """
        with _lock:
            self._closed = True
        # Calls that still run (a stream that the agent has returned) have used something, too.
        missing = self._running + max(self._awaited, 0)
        uncounted = self._uncounted + missing
        if uncounted:
            attributes[semconv.UNCOUNTED_CALLS] = uncounted
        else:
            if self._input is not None:
                attributes[semconv.USAGE_INPUT] = self._input
            if self._output is not None:
                attributes[semconv.USAGE_OUTPUT] = self._output
        if self._reasons:
            attributes[semconv.RESPONSE_FINISH_REASONS] = self._reasons
        if not priced:
            return
        unpriced = self._unpriced + missing
        if self._cost is not None or self._steps:
            steps = sum(cost for (cost,) in self._steps)
            attributes[semconv.COST_TOTAL] = (self._cost or 0.0) + steps
            if unpriced or self._partial:
                attributes[semconv.COST_PARTIAL] = True
        if unpriced:
            attributes[semconv.UNPRICED_CALLS] = unpriced

    def settle(
        self, read: int | None, wrote: int | None, cost: float | None, here: Context
    ) -> None:
        """Whoever makes the calls says what all of them used: what was added up makes way for it.

        Here and in what is around: calls that nobody has seen are in it. Calls that the program
        has made meanwhile (:func:`apart`) stay beside it. ``here`` is the run's own context.
        """
        out = here.get(_APART)
        beyond = False
        with _lock:
            kept = self._apart or Apart()
            more_read = None if read is None else read + kept.input - (self._input or 0)
            more_wrote = None if wrote is None else wrote + kept.output - (self._output or 0)
            more_cost = None if cost is None else cost + kept.cost - (self._cost or 0.0)
            uncounted = unpriced = 0
            if read is not None and wrote is not None:
                uncounted = self._uncounted - kept.uncounted
            if cost is not None:
                unpriced = self._unpriced - kept.unpriced
                self._partial = kept.partial
            each: Scope | None = self
            while each is not None:
                beyond = beyond or each is out
                if beyond:
                    each._keep(more_read, more_wrote, more_cost, -uncounted, -unpriced, False)
                if not each._closed:
                    each._uncounted -= uncounted
                    each._unpriced -= unpriced
                    if more_read is not None:
                        each._input = (each._input or 0) + more_read
                    if more_wrote is not None:
                        each._output = (each._output or 0) + more_wrote
                    if more_cost is not None:
                        each._cost = (each._cost or 0.0) + more_cost
                each = each.outer

    def late(self) -> None:
        """What those around have added up since it was over makes way for what is told next."""
        with _lock:
            late, self._late = self._late, None
            each = self.outer
            while late is not None and each is not None:
                if not each._closed:
                    each._input = (each._input or 0) - late.input
                    each._output = (each._output or 0) - late.output
                    each._cost = (each._cost or 0.0) - late.cost
                each = each.outer

    def _keep(
        self,
        read: int | None,
        wrote: int | None,
        cost: float | None,
        uncounted: int,
        unpriced: int,
        partial: bool,
    ) -> None:
        """Note what is of calls that whoever settles this does not know."""
        kept = self._apart
        if kept is None:
            kept = self._apart = Apart()
        kept.input += read or 0
        kept.output += wrote or 0
        kept.cost += cost or 0.0
        kept.uncounted += uncounted
        kept.unpriced += unpriced
        kept.partial |= partial

    @property
    def reasons(self) -> Sequence[str]:
        """Why the last model call that ended here ended."""
        return self._reasons


class Apart:
    """What calls of the program's have used, in a run whose other calls are made elsewhere."""

    __slots__ = ("cost", "input", "output", "partial", "uncounted", "unpriced")

    def __init__(self) -> None:
        self.input = self.output = self.uncounted = self.unpriced = 0
        self.cost = 0.0
        self.partial = False


_APART: Final = create_key("otelier-apart")


def apart(context: Context) -> Context:
    """``context``, where the program makes calls, not who settles the run around it."""
    scope = around(context)
    return context if scope is None else ctx.with_value(context, _APART, scope)


class Beneath:
    """What a span, and all that begins while it is current, belongs to."""

    __slots__ = ("above", "begun", "conversation", "own", "scope")

    def __init__(
        self,
        scope: Scope | None,
        own: Scope | None,
        conversation: str | None,
        above: ref[Any] | None = None,
    ) -> None:
        # The span above it, if that is noted here as well.
        self.above = above
        # How many calls had begun before.
        self.begun = 0 if scope is None else scope.begun
        # The innermost agent or workflow that sums up what is used here.
        self.scope = scope
        # The span's own scope, if it is an agent's or a workflow's that somebody else shows.
        self.own = own
        # The conversation that the program, or the outermost span, names.
        self.conversation = conversation


# Frameworks hand on contexts of their own, which know nothing of ours: what is current there is
# known by the spans alone. Noted while somebody (:mod:`otelier.natives`) watches.
beneath: Final[WeakKeyDictionary[Any, Beneath]] = WeakKeyDictionary()
watching: Final[list[Any]] = []


def around(context: Context) -> Scope | None:
    """The innermost agent or workflow around ``context``, whoever shows it."""
    if watching:
        found = beneath.get(get_current_span(context))
        if found is not None and found.scope is not None:
            return found.scope
    scope: Any = context.get(ctx.SCOPE)
    return scope if isinstance(scope, Scope) else None


def spent(scope: Scope | None, cost: list[float]) -> None:
    """A step costs so much by itself: the one number in ``cost``, which may still change."""
    with _lock:
        while scope is not None:
            if not scope._closed:
                scope._steps.append(cost)
            scope = scope.outer


def told_by(scope: Scope, library: str | None) -> int:
    """How many calls of ``scope`` this library, which is another one, has told of."""
    return scope.others.get(library, 0) if scope.others else 0


def theirs(
    scope: Scope,
    operation: str,
    usage: Usage | None,
    cost: float | None,
    library: str | None = None,
) -> None:
    """A model call that somebody else has a span for, and nobody beneath it, is over."""
    share = Share(scope, Context(), operation)
    with _lock:
        each: Scope | None = scope
        while each is not None:
            if each.others is None:
                each.others = {}
            each.others[library] = each.others.get(library, 0) + 1
            each = each.outer
    share.used(usage, cost, early=False)
    share.end()


def began(parent: Context, operation: str) -> Share | None:
    """A model call begins; its share, where an agent or a workflow is around it."""
    scope: Any = around(parent) if watching else parent.get(ctx.SCOPE)
    return None if scope is None else Share(scope, parent, operation)


class Share:
    """What one model call adds to the agents and workflows around it, once."""

    __slots__ = (
        "_apart",
        "_awaits",
        "_cost",
        "_operation",
        "_partial",
        "_reasons",
        "_scope",
        "_usage",
        "direct",
        "uncounted",
        "unpriced",
    )

    def __init__(self, scope: Scope, parent: Context, operation: str) -> None:
        self._scope = scope
        self._operation = operation
        # The innermost run that is settled by who does not know this call.
        self._apart = parent.get(_APART)
        mirrored = scope.mirrored
        self.direct = mirrored is not None and get_current_span(parent) is mirrored()
        self._usage: Usage | None = None
        self._cost: float | None = None
        self._reasons: Sequence[str] | None = None
        # Until it is told.
        self.uncounted = operation in _COUNTED
        self.unpriced = operation not in _FREE
        self._partial = False
        # An answer that comes later, or (-1) that is it.
        self._awaits = 0
        with _lock:
            if operation in semconv.INFERENCE and (agent := scope.agent) is not None:
                agent.inference_calls += 1
            each: Scope | None = scope
            while each is not None:
                each._running += 1
                each.begun += 1
                each = each.outer

    def tell(
        self,
        route: Route,
        reply: Reply,
        usage: Usage | None,
        cost: Priced | None,
        failed: str | None,
        error: BaseException | None,
        early: bool,
    ) -> None:
        """What is known at the end: what it used, and what that cost.

        ``failed`` is the kind of error, ``error`` the exception if there was one; ``early`` says
        that an answer was begun and not received to its end.
        """
        # A compaction is no answer.
        if self._operation in semconv.INFERENCE and reply.finish_reasons != ["compaction"]:
            self._reasons = [each for each in reply.finish_reasons if each]
        awaits = usage is None and reply.attributes.get(_BACKGROUND) is True
        if (
            awaits
            or not route.metered
            or (usage is None and cost is None and _unused(failed, error, early))
        ):
            # Used when it was made, not where it is read again; or refused.
            self.uncounted = self.unpriced = False
            self._awaits = int(awaits)
            return
        if usage is not None and self._operation in _FETCHES:
            self._awaits = -1
        # What is left after its final usage was told is known whole.
        self.used(usage, None if cost is None else cost.total, early and reply.partial)

    def used(self, usage: Usage | None, cost: float | None, early: bool) -> None:
        """Tokens and cost, as far as they are known."""
        if usage is not None:
            self._usage = usage
            half = (usage.input is None) != (usage.output is None)
            half = half and self._operation in semconv.INFERENCE
            self.uncounted = self._operation in _COUNTED and (early or half)
        if cost is not None:
            self._cost = cost
            self.unpriced, self._partial = False, early
        elif usage is not None and (usage.input is not None or usage.output is not None):
            self.unpriced = True

    def said(self, asked: list[Any], answer: list[Any]) -> None:
        """What it was asked and what it answered, as messages, for the loop that made it."""
        if self.direct:
            if self._scope.asked is None:
                self._scope.asked = asked
            if answer and self._reasons is not None:
                self._scope.answer = answer

    def end(self) -> None:
        """The call is over."""
        usage, cost = self._usage, self._cost
        read, wrote = (None, None) if usage is None else (usage.input, usage.output)
        each: Scope | None = self._scope
        beyond = False
        with _lock:
            while each is not None:
                beyond = beyond or each is self._apart
                if beyond:
                    each._keep(read, wrote, cost, self.uncounted, self.unpriced, self._partial)
                elif each._closed:
                    late = each._late = each._late or Apart()
                    late.input += read or 0
                    late.output += wrote or 0
                    late.cost += cost or 0.0
                if not each._closed:
                    each._running -= 1
                    if self._reasons is not None:
                        each._reasons = self._reasons
                    each._awaited += self._awaits
                    each._uncounted += self.uncounted
                    each._unpriced += self.unpriced
                    each._partial |= self._partial
                    if read is not None:
                        each._input = read if each._input is None else each._input + read
                    if wrote is not None:
                        each._output = wrote if each._output is None else each._output + wrote
                    if cost is not None:
                        each._cost = cost if each._cost is None else each._cost + cost
                each = each.outer


def _unused(failed: str | None, error: BaseException | None, early: bool) -> bool:
    """Whether a call that tells nothing has used nothing: it was refused.

    Not if an answer had begun, nor where nobody waited for one: the provider may have made it.
    """
    name = type(error).__name__
    return failed is not None and not (early or "Timeout" in name or name == "CancelledError")
