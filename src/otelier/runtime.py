"""What a running otelier is: settings, tracer, meter, logger, prices. One, or none, per process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakSet

from opentelemetry import metrics, trace
from opentelemetry.context import Context
from opentelemetry.metrics import MeterProvider, NoOpMeter
from opentelemetry.trace import Tracer, TracerProvider

from otelier import context as ctx
from otelier import following, guard, loading, semconv, tightening
from otelier.setting_table import SETTINGS
from otelier.setting_texts import Blobs, Capture
from otelier.settings import Settings, stated
from otelier.version import __version__

if TYPE_CHECKING:
    from otelier.content import Mask, Policy
    from otelier.cost import Prices
    from otelier.events import Emitter
    from otelier.metrics import Recorder

SCOPE: Final = "otelier"
_MOST_LOOKERS: Final = 100


def here() -> Context:
    """The context in which something begins."""
    context = ctx.current()
    return narrowed(context) if ctx.around.get() else context


def narrowed(context: Context) -> Context:
    """``context`` with what the ``capture()`` scopes say in which code runs that begins there."""
    for _, mode in ctx.around.get():
        context = tightening.narrowed(context, mode)
    return context


class Runtime:
    """Providers are looked up again when the program sets them after us."""

    # Made when one is first asked for (:meth:`__getattr__`): by a call, a step, or somebody else's
    # GenAI span. Most of what otelier imports is of use to these alone.
    policy: Policy
    prices: Prices | None
    events: Emitter
    # Whether it leaves, with all it has hooked, when the program starts otelier itself.
    gives_way: bool = False

    def __init__(
        self,
        settings: Settings,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        logger_provider: Any = None,
        mask: Mask | None = None,
    ) -> None:
        # Replaced as a whole when they tighten: whoever needs them asks when it needs them.
        self.settings = settings
        if mask is None and settings.mask:
            mask = loading.module("content").find_mask(settings.mask)
        self._mask: Mask | None = mask
        # The environment's settings as they were.
        self.stated = stated()
        # The masks and the files of patterns that look at content.
        self.lookers: tuple[Any, ...] = tuple(filter(None, (mask, settings.redact_patterns)))
        self.tracer_provider = tracer_provider
        # The proxy finds the real provider when the program sets it.
        self.tracer: Tracer = trace.get_tracer(
            SCOPE, __version__, tracer_provider, schema_url=semconv.SCHEMA_URL
        )
        # Whether the details event is wanted; the others always are.
        self.details = settings.events
        # Set while the program has no TracerProvider yet: tries again to add the processor.
        self.late: Callable[[], None] | None = None
        self._meter_provider = meter_provider
        self._logger_provider = logger_provider
        self._metered: Any = None
        self._recorder: Recorder | None = None
        if settings.redact_patterns or settings.blobs is Blobs.UPLOAD:
            self._make()  # What is wrong with them is told at once.

    def __getattr__(self, name: str) -> Any:
        if name not in _MADE:
            raise AttributeError(name)
        self._make()
        return self.__dict__[name]

    def _make(self) -> None:
        """Make what is made late: once, and all of it together, for ends import nothing."""
        with loading.importing.lock:
            if "policy" in self.__dict__:
                return
            from otelier.content import Policy
            from otelier.cost import Prices
            from otelier.events import Emitter

            settings = self.settings
            self.events = Emitter(self._logger_provider)
            self.prices = Prices(settings.prices) if settings.cost else None
            self.policy = Policy(settings, self._mask)

    def captures(self, begun: Context) -> Capture:
        """Where content may go now; no further than the context says in which it began."""
        now: Capture = self.settings.capture
        then: Any = begun.get(ctx.CAPTURE)
        return now if then is None or then is now else tightening.capture(now, then)

    def takes_content(self, begun: Context) -> bool:
        """Whether a model call that began there has a use for its content."""
        takes = self.captures(begun)
        return takes.spans or (takes.events and self.details)

    def given_to(self, provider: str) -> Any:
        """The provider that :func:`otelier.instrument` was given by that name, or None."""
        return {
            "tracer_provider": self.tracer_provider,
            "meter_provider": self._meter_provider,
            "logger_provider": self._logger_provider,
        }[provider]

    def tighten(self, asked: Mapping[str, Any], mask: Mask | None = None) -> None:
        """Be no looser than ``asked`` from now on, also for what has begun.

        ``asked`` are settings' values by field; those without a direction are left as they are.
        """
        met = {
            each.field: each.stricter.meet(self.value(each.field), asked[each.field])
            for each in SETTINGS
            if each.stricter is not None and each.field in asked
        }
        met.pop("mask", None)
        path = met.pop("redact_patterns", "")
        if path and "redact" not in asked:
            met["redact"] = True
        changed = {name: value for name, value in met.items() if value != self.value(name)}
        if mask is not None and not self._is_new(mask):
            mask = None
        more = path if path and self._is_new(path) else ""
        if not (changed or more or mask is not None):
            return
        if len(self.lookers) > _MOST_LOOKERS:
            # No mask may be forgotten, and all of them are called, one in the other.
            self.lookers = self.lookers[:_MOST_LOOKERS]
            changed["capture"], mask, more = Capture.NO_CONTENT, None, ""
            guard.say_once("masks", "more than %d masks: content is left out", _MOST_LOOKERS)
        settings = self.settings._replace(**changed)
        before = self.policy
        self.policy = type(before)(settings, mask, before, more)
        self.settings = settings
        self.details = settings.events

    def _is_new(self, looks: Any) -> bool:
        """Whether this does not look at content yet; from now on it does."""
        for each in self.lookers:
            if each is looks or _same(each, looks):
                return False
        self.lookers = (*self.lookers, looks)
        return True

    def value(self, field: str) -> Any:
        """What a setting is in effect."""
        return self.settings.events if field == "emit_event" else getattr(self.settings, field)

    def records(self) -> tuple[Any, ...]:
        """The providers of traces and logs, as they are now."""
        from opentelemetry import _logs

        return (
            self.tracer_provider or trace.get_tracer_provider(),
            self._logger_provider or _logs.get_logger_provider(),
        )

    def meters(self) -> Any:
        """The provider of metrics, as it is now."""
        return self._meter_provider or metrics.get_meter_provider()

    @property
    def recorder(self) -> Recorder | None:
        """The metrics, or None where nobody collects them."""
        provider = self._meter_provider
        if provider is None:
            provider = metrics.get_meter_provider()
        if provider is not self._metered:
            self._metered = provider
            self._recorder = self._make_recorder(provider)
        return self._recorder

    def _make_recorder(self, provider: MeterProvider) -> Recorder | None:
        if type(provider).__name__ in ("_ProxyMeterProvider", "NoOpMeterProvider"):
            return None
        meter = provider.get_meter(SCOPE, __version__, semconv.SCHEMA_URL)
        if isinstance(meter, NoOpMeter):
            return None
        from otelier.metrics import Recorder

        settings = self.settings
        return Recorder(provider, meter, settings.generation, settings.metrics_fingerprint)


def _same(one: Any, other: Any) -> bool:
    """Whether two are one: a method, or a lambda, is another object each time it is made."""
    kind = type(one)
    if kind is not type(other):
        return False
    if kind is FunctionType:
        free = (one.__closure__, one.__defaults__, one.__kwdefaults__)
        return one.__code__ is other.__code__ and not any(free)
    return kind in (MethodType, str) and bool(one == other)


_MADE: Final = frozenset({"policy", "prices", "events"})
_current: Runtime | None = None
_began = False
# Those with something under way, too.
_all: Final[WeakSet[Runtime]] = WeakSet()


def current() -> Runtime | None:
    """The running otelier, or None before ``instrument()`` and after ``uninstrument()``."""
    return _current


def began() -> bool:
    """Whether there has been one in this process."""
    return _began


def start(runtime: Runtime) -> None:
    """Make ``runtime`` the one that hooks and decorators use.

    What began under an earlier one ends under that, which is no looser than this one from now on.
    """
    global _current, _began
    for earlier in tuple(_all):
        asked = {each.field: getattr(runtime.settings, each.field) for each in SETTINGS}
        asked["emit_event"] = runtime.settings.events
        for mask in (None, *(each for each in runtime.lookers if type(each) is not str)):
            earlier.tighten(asked, mask)
    _all.add(runtime)
    _began = True
    _current = runtime


def put(runtime: Runtime | None) -> None:
    """Make ``runtime`` the current one for a time, and put back what was: nothing tightens."""
    global _current
    _current = runtime


def stop() -> None:
    """From now on hooks pass calls through."""
    global _current
    _current = None
    following.forget()
