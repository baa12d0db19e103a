"""GenAI spans that somebody else made, when they end: their cost, their content, their secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.trace import Status

from otelier import (
    completing,
    cost,
    identity,
    scope,
    semconv,
    their_content,
    theirs,
    tightening,
    wire,
)
from otelier.protocols import Reply
from otelier.semconv import Attributes
from otelier.usage import Usage

if TYPE_CHECKING:
    from otelier.prices.arithmetic import Priced
    from otelier.runtime import Runtime
    from otelier.scope import Scope
    from otelier.setting_texts import Capture


def finish(run: Runtime, span: Any, library: str | None, narrow: Capture | None) -> None:
    """What a GenAI span of ``library`` lacks on it, and what it must not have off it.

    ``narrow``: where its content may go, where that is less than the settings say.
    """
    attributes = dict(span._attributes or {})
    added: Attributes = {}
    mode = run.settings.capture
    if narrow is not None:
        mode = tightening.capture(mode, narrow)
    content = their_content.names(library, attributes)
    if not mode.spans:
        their_content.drop(span, content)
        for each in content:
            del attributes[each]
    elif content or getattr(span, "_events", None):
        added = their_content.keep(run.policy, span, library, content, attributes)
        theirs.drop(span._attributes, [each for each in content if each not in attributes])
    added.update(_redacted(run, span, attributes))
    if run.prices is not None and semconv.COST not in attributes and not theirs.decided(span):
        priced = _price(run, attributes)
        if priced is not None:
            cost.put(priced, added, run.settings.cost_aliases)
    if added:
        theirs.write(span, added)


def redact(run: Runtime, span: Any) -> None:
    """Secrets out of a span that has content without being a GenAI one."""
    added = _redacted(run, span, dict(span._attributes))
    if added:
        theirs.write(span, added)


def _redacted(run: Runtime, span: Any, attributes: dict[str, Any]) -> Attributes:
    """Secrets out of a span's events and status; of its attributes those that had one."""
    if not run.settings.redact:
        return {}
    for event in getattr(span, "_events", None) or ():
        held = getattr(event, "_attributes", None)
        found = _clean(run, dict(held)) if held else None
        if found:
            theirs.put(held, found)
    status: Any = getattr(span, "_status", None)
    said = getattr(status, "description", None)
    if isinstance(said, str) and said:
        clean = run.policy.clean(said)
        if clean != said:
            span._status = Status(status.status_code, clean)
    return _clean(run, attributes)


def _clean(run: Runtime, attributes: dict[str, Any]) -> Attributes:
    """The attributes that have a secret, without it."""
    found: Attributes = {}
    for name, value in attributes.items():
        if isinstance(value, str):
            clean: Any = run.policy.named(name, value)
        elif isinstance(value, tuple) and value and isinstance(value[0], str):
            clean = tuple(run.policy.named(name, each) for each in value)
        else:
            continue
        if clean != value:
            found[name] = clean
    return found


def _price(run: Runtime, attributes: dict[str, Any]) -> Priced | None:
    if attributes.get(semconv.OPERATION_NAME) not in semconv.PRICED or run.prices is None:
        return None
    told = (attributes.get(name) for name in (semconv.PROVIDER_NAME, completing.SYSTEM))
    provider = next((each for each in told if each and each not in completing.OWN_NAMES), None)
    address = attributes.get(semconv.SERVER_ADDRESS)
    if not isinstance(provider, str):
        return None
    host = address if isinstance(address, str) else ""
    # Others' libraries call every host that OpenAI's SDK asks "openai".
    assumed = provider == "openai" and bool(host) and identity.unknowable(host)
    who = identity.Identity(provider, None, None, f"https://{host}" if host else "", assumed)
    return run.prices.price(
        who,
        wire.text(attributes.get(semconv.RESPONSE_MODEL)),
        wire.text(attributes.get(semconv.REQUEST_MODEL)),
        Reply(usage=_usage(attributes)),
    )


def sum_up(around: Scope, span: Any, library: str | None) -> bool:
    """Add a model call of others to the sums of the agents and workflows around it, if it is one.

    Whether it was added.
    """
    attributes = dict(span._attributes)
    operation = attributes.get(semconv.OPERATION_NAME)
    if operation is None and theirs.is_model_call(attributes):
        operation = semconv.CHAT
    if operation not in semconv.PRICED:
        return False
    usage = _usage(attributes)
    told = usage.input is not None or usage.output is not None
    failed = semconv.ERROR_TYPE in attributes or not span.status.is_ok
    if failed and not told:
        return False
    spent = wire.number(attributes.get(semconv.COST))
    scope.theirs(around, operation, usage if told else None, spent, library)
    return True


def _usage(attributes: dict[str, Any]) -> Usage:
    return Usage(
        input=wire.count(attributes.get(semconv.USAGE_INPUT)),
        output=wire.count(attributes.get(semconv.USAGE_OUTPUT)),
        cache_read=wire.count(attributes.get(semconv.USAGE_CACHE_READ)),
        cache_write=wire.count(
            attributes.get(semconv.USAGE_CACHE_WRITE, attributes.get(semconv.USAGE_CACHE_CREATION))
        ),
    )
