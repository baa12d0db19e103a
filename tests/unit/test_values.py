"""Everyday values are told as a reader expects them."""

from __future__ import annotations

import array
import asyncio
import collections
import decimal
import enum
import fractions
import hashlib
import io
import ipaddress
import json
import pathlib
import re
import sys
import threading
import types
import uuid
import zoneinfo
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, ClassVar, NamedTuple

import pytest

import otelier
from otelier import errors, guard, values, wire
from otelier.content import Policy
from otelier.settings import Settings
from tests.telemetry import Telemetry


class Colour(enum.Enum):
    RED = "red"
    ODD = object()
    NONE = None


class Level(enum.IntEnum):
    HIGH = 3


class Role(str, enum.Enum):  # noqa: UP042
    USER = "user"


class Money(NamedTuple):
    amount: decimal.Decimal
    currency: str


@dataclass(slots=True)
class Slotted:
    name: str
    key: str = field(repr=False, default="hidden")
    shared: ClassVar[int] = 1


@dataclass
class Line:
    text: str
    inner: Slotted
    width: int = 80


async def later() -> None: ...


def lines() -> Any:
    yield 1


DIGEST = hashlib.sha256(b"xx").hexdigest()
BYTES = {"type": "bytes", "size": 2, "sha256": DIGEST}
KNOWN: list[tuple[Any, Any]] = [
    (decimal.Decimal("12.50"), "12.50"),
    (fractions.Fraction(1, 3), "1/3"),
    (pathlib.PurePosixPath("/data/in.csv"), "/data/in.csv"),
    (pathlib.Path("a") / "b", str(pathlib.Path("a/b"))),
    (Colour.RED, "red"),
    (Colour.ODD, "ODD"),
    (Colour.NONE, "NONE"),
    (Level.HIGH, 3),
    (Role.USER, "user"),
    (timedelta(seconds=90), "0:01:30"),
    (date(2026, 1, 2), "2026-01-02"),
    (time(3, 4), "03:04:00"),
    (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02T00:00:00+00:00"),
    (datetime(2026, 7, 2, tzinfo=zoneinfo.ZoneInfo("UTC")), "2026-07-02T00:00:00+00:00"),
    (zoneinfo.ZoneInfo("UTC"), "UTC"),
    (uuid.UUID(int=7), "00000000-0000-0000-0000-000000000007"),
    (complex(1, -2), "1-2j"),
    (range(1, 9, 2), "range(1, 9, 2)"),
    (slice(1, None), [1, None, None]),
    (b"xx", BYTES),
    (bytearray(b"xx"), BYTES),
    (memoryview(b"xx"), BYTES),
    ({"b", "a"}, ["a", "b"]),
    (frozenset({2, 1}), [1, 2]),
    (collections.deque(["a"]), ["a"]),
    (collections.Counter("aa"), {"a": 2}),
    (collections.OrderedDict(a=1), {"a": 1}),
    (collections.defaultdict(list, a=[1]), {"a": [1]}),
    (collections.ChainMap({"a": 1}), [{"a": 1}]),
    (collections.UserDict(a=1), {"a": 1}),
    (collections.UserList([1]), [1]),
    (types.MappingProxyType({"a": 1}), {"a": 1}),
    (types.SimpleNamespace(a=1), {"a": 1}),
    ({"a": 1}.keys(), ["a"]),
    ({"a": 1}.values(), [1]),
    ({"a": 1}.items(), [["a", 1]]),
    (array.array("i", [1, 2]), [1, 2]),
    (re.compile("a+"), "a+"),
    (ipaddress.ip_address("10.0.0.1"), "10.0.0.1"),
    (ipaddress.ip_network("10.0.0.0/8"), "10.0.0.0/8"),
    (Money(decimal.Decimal("1.5"), "EUR"), {"amount": "1.5", "currency": "EUR"}),
    (Slotted("a"), {"name": "a"}),
    (Line("t", Slotted("a")), {"text": "t", "inner": {"name": "a"}, "width": 80}),
    (ValueError("no such row"), "ValueError: no such row"),
    (KeyError("a"), "KeyError: 'a'"),
    (FileNotFoundError(2, "not there", "f.csv"), "FileNotFoundError: [Errno 2] not there: 'f.csv'"),
    (TimeoutError(), "TimeoutError"),
    (ExceptionGroup("two", [ValueError()]), "ExceptionGroup: two (1 sub-exception)"),
    (Line, f"{__name__}.Line"),
    (int, "int"),
    (later, f"{__name__}.later"),
    (json, "json"),
    (float("nan"), None),
    (float("inf"), None),
    # Never looked into.
    (lines(), "<generator>"),
    (iter([1]), "<list_iterator>"),
    (zip([1], [2], strict=True), "<zip>"),
    (io.StringIO("text"), "<StringIO>"),
    (threading.Lock(), "<lock>"),
    (object(), "<object>"),
]


@pytest.mark.parametrize(("value", "told"), KNOWN, ids=lambda one: type(one).__name__)
def test_known_values(value: Any, told: Any) -> None:
    for shown in (values.plain(value), values.plain([value])[0], values.plain({"a": value})["a"]):
        assert shown == told and type(shown) is type(told)
    if value not in (Colour.ODD, Colour.NONE):
        assert json.loads(wire.dumps({"a": value})) == {"a": told}
    assert not guard.failures()


def test_a_coroutine_is_left_alone() -> None:
    coroutine = later()
    assert values.plain(coroutine) == "<coroutine>"
    asyncio.run(coroutine)


def test_iterators_are_not_consumed() -> None:
    some = lines()
    values.plain(some)
    assert next(some) == 1


def test_subclasses_of_the_interpreters_types() -> None:
    class Text(str): ...

    class Number(int): ...

    class Part(float): ...

    class Raw(bytes): ...

    class Row(dict[str, Any]): ...

    class Day(date): ...

    shown = values.plain([Text("a"), Number(1), Part(0.5), Raw(b"xx"), Row(a=1), Day(2026, 1, 2)])
    assert shown == ["a", 1, 0.5, BYTES, {"a": 1}, "2026-01-02"]
    assert [type(each) for each in shown] == [str, int, float, dict, dict, str]


def test_a_class_that_is_only_called_like_a_librarys() -> None:
    fake = type("ndarray", (), {"__module__": "numpy", "tolist": lambda self: 1 / 0})
    uid = type("UUID", (), {"__module__": "uuid", "int": 1})
    assert values.plain([fake(), uid()]) == ["<ndarray>", "<UUID>"]


def test_names_of_members() -> None:
    shown = values.plain(
        {1: "a", None: "b", ("x", 2): "d", Colour.RED: "e", object(): "f", object(): "g",
         b"k": "h", uuid.UUID(int=7): "i"}
    )  # fmt: skip
    assert list(shown.values()) == ["a", "b", "d", "e", "f", "g", "h", "i"]
    assert values.plain({True: 1}) == {"true": 1}
    assert list(shown)[:6] == ["1", "null", "x, 2", "red", "<object>", "<object> (2)"]


def test_what_contains_itself_ends_there() -> None:
    loop: dict[str, Any] = {"a": 1}
    loop["self"] = [loop]
    assert values.plain(loop) == {"a": 1, "self": ["…"]}
    shared = [1]
    assert values.plain([shared, shared]) == [[1], [1]]


def test_too_many_members_are_counted() -> None:
    assert values.plain(list(range(1_000_000)))[-1] == "… [960,000 more members]"
    shown = values.plain({"rows": [[0]] * 50_000, "set": set(range(50_000))})
    assert shown["rows"][-1] == "… [10,002 more members]"
    assert shown["set"] == ["… [50,000 more members]"]
    many = values.plain({str(n): n for n in range(50_000)})
    assert many["…"] == "… [10,000 more members]"
    square = [list(range(1_000)) for _ in range(1_000)]
    assert len(json.dumps(values.plain(square))) < 1_000_000


def test_large_bytes_are_not_hashed() -> None:
    assert values.plain(bytes(5 << 20)) == {"type": "bytes", "size": 5 << 20}


def test_a_huge_number() -> None:
    assert json.loads(wire.dumps({"n": 10**100_000}))["n"] == "… [a number of 332,193 bits]"


def test_models_of_attrs() -> None:
    attrs = pytest.importorskip("attrs")

    @attrs.define
    class Inner:
        name: str

    @attrs.define(slots=False)
    class Outer:
        inner: Inner
        key: str = attrs.field(repr=False, default="hidden")

    assert values.plain(Outer(Inner("a"))) == {"inner": {"name": "a"}}


def test_models_of_pydantic() -> None:
    pydantic = pytest.importorskip("pydantic")

    class Inner(pydantic.BaseModel):
        when: date
        key: pydantic.SecretStr = pydantic.SecretStr("hidden")

    class Outer(pydantic.BaseModel):
        model_config: ClassVar[Any] = {"extra": "allow"}
        inner: Inner
        missing: int | None = None

        @pydantic.computed_field
        def total(self) -> int:
            raise AssertionError("computed")

    class Linked(pydantic.BaseModel):
        site: pydantic.HttpUrl

    assert values.plain(Linked(site="https://a.b/c")) == {"site": "https://a.b/c"}

    class Names(pydantic.RootModel[list[str]]): ...

    outer = Outer(inner=Inner(when=date(2026, 1, 2)), more=decimal.Decimal(1))
    inner = {"when": "2026-01-02", "key": "**********"}
    assert values.plain(outer) == {"inner": inner, "more": "1"}
    assert wire.fields(outer) == {"inner": outer.inner, "missing": None, "more": decimal.Decimal(1)}
    assert values.plain(Names(["a"])) == ["a"]
    old = pytest.importorskip("pydantic.v1")
    if sys.version_info >= (3, 14):
        return
    Older = old.create_model("Older", name="a", inner=(dict, {"b": 1}))
    assert values.plain(Older()) == wire.fields(Older()) == {"name": "a", "inner": {"b": 1}}


def test_numpy() -> None:
    np = pytest.importorskip("numpy")

    class Own(np.ndarray):
        def __array_finalize__(self, made: Any) -> None:
            if made is not None and type(made) is Own:
                raise AssertionError("cut")

    kinds = [
        np.float32(0.5),
        np.int64(3),
        np.bool_(True),
        np.str_("a"),
        np.datetime64("2026-01-02"),
    ]
    assert values.plain(kinds) == [0.5, 3, True, "a", "2026-01-02"]
    assert values.plain([np.float64("nan"), np.complex64(1j), np.longdouble(0.5)]) == [
        None,
        "1j",
        0.5,
    ]
    assert values.plain(np.array([[1, 2], [3, 4]])) == [[1, 2], [3, 4]]
    assert values.plain(np.array(["a", object()], dtype=object)) == ["a", "<object>"]
    large = values.plain(np.arange(3000, dtype="int16").reshape(3, 1000))
    assert large == {
        "type": "ndarray", "shape": [3, 1000], "dtype": "int16", "head": [0, 1, 2, 3, 4],
    }  # fmt: skip
    assert values.plain(np.zeros((0, 5))) == []
    own = np.arange(3).view(Own)
    assert values.plain(own) == {"type": "Own", "shape": [3], "dtype": "int64"}
    assert not guard.failures()


def test_pandas() -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"a": range(100), "b": ["x"] * 100, "c": pd.NaT}, index=[0.5] * 100)
    shown = values.plain(frame)
    assert shown["shape"] == [100, 3] and shown["columns"] == ["a", "b", "c"]
    assert shown["head"] == [[n, "x", None] for n in range(5)]
    wide = values.plain(pd.DataFrame([range(50)]))
    assert wide["columns"][-1] == "… [30 more columns]" and len(wide["head"][0]) == 20
    series = values.plain(pd.Series([1.5, 2.5], name="s", index=[7.0, 9.0]))
    assert series == {
        "type": "Series",
        "shape": [2],
        "dtype": "float64",
        "name": "s",
        "head": [1.5, 2.5],
    }
    assert values.plain(pd.RangeIndex(9))["head"] == [0, 1, 2, 3, 4]
    assert values.plain([pd.NA, pd.NaT, pd.Timestamp(0), pd.Timedelta(seconds=1)]) == [
        None, None, "1970-01-01T00:00:00", "0:00:01",
    ]  # fmt: skip
    own = type("Own", (pd.DataFrame,), {})
    assert values.plain(own({"a": [1]})) == "<Own>"
    assert not guard.failures()


def test_images_of_pillow() -> None:
    image = pytest.importorskip("PIL.Image").new("RGB", (4, 3))
    assert values.plain(image) == {"type": "image", "size": [4, 3], "mode": "RGB"}


def test_a_tools_arguments_and_result(telemetry: Telemetry) -> None:
    @otelier.tool
    def quote(**given: Any) -> Any:
        return given

    quote(price=decimal.Decimal("12.50"), colour=Colour.RED, error=ValueError("no such row"))
    attributes = telemetry.span().attributes
    told = {"price": "12.50", "colour": "red", "error": "ValueError: no such row"}
    assert json.loads(attributes["gen_ai.tool.call.arguments"]) == {"given": told}
    assert json.loads(attributes["gen_ai.tool.call.result"]) == told


def test_sessions_and_evaluations_take_everyday_values(telemetry: Telemetry) -> None:
    with otelier.session(
        session_id=uuid.UUID(int=7),  # type: ignore[arg-type]
        tags=("a", Role.USER),
        metadata={"price": decimal.Decimal("1.5"), "n": 3, "path": pathlib.PurePosixPath("/a")},  # type: ignore[dict-item]
    ):
        with telemetry.tracer.start_as_current_span("s"):
            otelier.record_evaluation("e", score=decimal.Decimal("0.5"), label=Role.USER)  # type: ignore[arg-type]
    attributes = telemetry.span("s").attributes
    assert attributes["session.id"] == "00000000-0000-0000-0000-000000000007"
    assert attributes["otelier.tags"] == ("a", "user")
    assert attributes["otelier.metadata.price"] == "1.5"
    assert attributes["otelier.metadata.n"] == 3
    assert attributes["otelier.metadata.path"] == "/a"
    (event,) = telemetry.events()
    assert event.attributes["gen_ai.evaluation.score.label"] == "user"
    assert event.attributes["gen_ai.evaluation.score.value"] == 0.5


def test_integers_that_are_too_long_to_be_written() -> None:
    huge = 10**5000
    told = "\u2026 [a number of 16,610 bits]"
    for held in (huge, {huge: 1}, {(huge, 1): 1}, {huge: 1, -huge: 2}, [huge], {"a": huge}):
        assert b"bits]" in wire.dumps(values.plain(held))
        assert "bits]" in values.words(held)
    assert values.plain({huge: 1}) == {told: 1}
    for error in (ValueError(huge), KeyError(huge), OSError(huge, huge), ValueError("a", [huge])):
        assert told in values.message(error)
        assert told in errors.message(error)
    for odd in (
        fractions.Fraction(huge, 3), range(huge), slice(huge), {huge}, frozenset([huge]),
        collections.Counter({huge: huge}), Level, types.SimpleNamespace(a=huge),
    ):  # fmt: skip
        assert wire.dumps(values.plain(odd))
    policy = Policy(Settings())
    found: dict[str, Any] = {}
    policy.value("a", {huge: {"b": huge}}, found)
    assert json.loads(found["a"]) == {told: {"b": told}}
