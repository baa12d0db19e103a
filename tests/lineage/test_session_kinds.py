"""``session`` as a decorator, and what is known only later."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

import pytest

import otelier
from otelier import semconv
from tests.telemetry import Telemetry

USER, SESSION, TAGS = semconv.USER_ID, semconv.SESSION_ID, semconv.TAGS


def users(telemetry: Telemetry) -> list[Any]:
    """Of all spans, in the order in which they ended."""
    return [(span.attributes or {}).get(USER) for span in telemetry.spans()]


def work(name: str = "work") -> None:
    with otelier.step(name):
        pass


# --- decorator --------------------------------------------------------------------------------


@otelier.session(user_id="ada")
def plain(value: int) -> int:
    """A function."""
    work()
    return value


@otelier.session(user_id="ada")
async def coroutine(value: int) -> int:
    work()
    await asyncio.sleep(0)
    work()
    return value


@otelier.session(user_id="ada")
def generator() -> Iterator[int]:
    work()
    yield 1
    work()
    yield 2


@otelier.session(user_id="ada")
async def agenerator() -> AsyncIterator[int]:
    work()
    yield 1
    await asyncio.sleep(0)
    work()


class Class:
    @otelier.session(user_id="ada")
    def method(self) -> Class:
        work()
        return self

    @otelier.session(user_id="ada")
    @staticmethod
    def static() -> None:
        work()

    @classmethod
    @otelier.session(user_id="ada")
    def of_class(cls) -> type[Class]:
        work()
        return cls


def test_functions_of_all_kinds_stay_of_their_kind() -> None:
    assert plain.__name__ == "plain"
    assert plain.__doc__ == "A function."
    assert inspect.iscoroutinefunction(coroutine)
    assert inspect.isgeneratorfunction(generator)
    assert inspect.isasyncgenfunction(agenerator)
    assert inspect.isgenerator(generator())


def test_a_function(telemetry: Telemetry) -> None:
    assert plain(3) == 3
    work()
    assert users(telemetry) == ["ada", None]


def test_a_coroutine(telemetry: Telemetry) -> None:
    async def main() -> None:
        assert await coroutine(3) == 3
        work()

    asyncio.run(main())
    assert users(telemetry) == ["ada", "ada", None]


def test_a_generator_only_while_its_own_code_runs(telemetry: Telemetry) -> None:
    for _ in generator():
        work()
    assert users(telemetry) == ["ada", None, "ada", None]


def test_an_async_generator(telemetry: Telemetry) -> None:
    async def main() -> None:
        async for _ in agenerator():
            work()

    asyncio.run(main())
    assert users(telemetry) == ["ada", None, "ada"]


def test_methods(telemetry: Telemetry) -> None:
    made = Class()
    assert made.method() is made
    Class.static()
    assert Class.of_class() is Class
    assert users(telemetry) == ["ada"] * 3


def test_an_error_leaves_it(telemetry: Telemetry) -> None:
    @otelier.session(user_id="ada")
    def fails() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        fails()
    work()
    assert users(telemetry) == [None]


def test_many_at_once(telemetry: Telemetry) -> None:
    async def main() -> None:
        await asyncio.gather(*(coroutine(n) for n in range(5)))
        work()

    asyncio.run(main())
    assert users(telemetry) == ["ada"] * 10 + [None]


def test_with_a_step_around_and_within(telemetry: Telemetry) -> None:
    @otelier.session(user_id="ada")
    @otelier.agent("inner")
    def pieces() -> Iterator[int]:
        yield 1

    @otelier.agent("outer")
    @otelier.session(user_id="bob")
    def more() -> Iterator[int]:
        work()
        yield 1

    assert [*pieces(), *more()] == [1, 1]
    spans = {span.name: (span.attributes or {}).get(USER) for span in telemetry.spans()}
    assert spans == {"invoke_agent inner": "ada", "work": "bob", "invoke_agent outer": None}


# --- update -----------------------------------------------------------------------------------


def test_what_is_known_later_is_on_what_begins_later(telemetry: Telemetry) -> None:
    with otelier.session(session_id="s", tags=["a"]) as session:
        with otelier.step("open"):
            work("before")
            session.update(user_id="ada", tags=["b"], metadata={"tier": "gold"})
            work("after")
        with otelier.session(tags=["c"]):
            session.update(conversation_id="k")
            work("inside")
    work("outside")
    seen = {span.name: span.attributes or {} for span in telemetry.spans()}
    assert USER not in seen["before"]
    assert USER not in seen["open"]
    assert seen["after"][USER] == "ada"
    assert seen["after"][SESSION] == "s"
    assert seen["after"]["otelier.metadata.tier"] == "gold"
    assert seen["after"][TAGS] == ("a", "b")
    assert seen["inside"][TAGS] == ("a", "b", "c")
    assert seen["inside"][semconv.CONVERSATION_ID] == "k"
    assert not {USER, SESSION, TAGS} & set(seen["outside"])


def test_an_inner_session_keeps_its_own(telemetry: Telemetry) -> None:
    with otelier.session(user_id="ada") as outer, otelier.session(user_id="bob"):
        outer.update(user_id="eve")
        work()
    assert users(telemetry) == ["bob"]


def test_tasks_that_share_a_session_object_do_not_mix(telemetry: Telemetry) -> None:
    shared = otelier.session(session_id="s")

    async def one(name: str) -> None:
        async with shared:
            await asyncio.sleep(0)
            shared.update(user_id=name)
            await asyncio.sleep(0)
            work(name)

    async def main() -> None:
        await asyncio.gather(*(one(name) for name in ("ada", "bob", "eve")))

    asyncio.run(main())
    with shared:
        work("later")
    seen = {span.name: (span.attributes or {}).get(USER) for span in telemetry.spans()}
    assert seen == {"ada": "ada", "bob": "bob", "eve": "eve", "later": None}


def test_threads_that_have_the_context_from_there(telemetry: Telemetry) -> None:
    with ThreadPoolExecutor(1) as pool, otelier.session(session_id="s") as session:
        context = copy_context()
        session.update(user_id="ada")
        pool.submit(context.run, work).result()
    assert users(telemetry) == ["ada"]


def test_before_it_is_entered(telemetry: Telemetry) -> None:
    session = otelier.session(session_id="s")
    session.update(user_id="ada", prompt="greeting")
    for _ in range(2):
        with session:
            work()
    assert users(telemetry) == ["ada", "ada"]


@pytest.mark.parametrize("wrong", [3, object(), {"a"}])
def test_wrong_values_raise_nothing(telemetry: Telemetry, wrong: Any) -> None:
    with otelier.session() as session:
        session.update(user_id=wrong, tags=wrong, metadata=wrong, prompt=wrong)
        work()


def test_what_one_run_is_told_from_outside_is_not_the_next_one_s(telemetry: Telemetry) -> None:
    shared = otelier.session(session_id="app")

    @shared
    def request(name: str, user: str | None) -> None:
        if user is not None:
            # A thread that has not inherited the context.
            thread = threading.Thread(target=shared.update, kwargs={"user_id": user})
            thread.start()
            thread.join()
        with otelier.step(name):
            pass

    request("first", "ann")
    request("second", None)
    assert "user.id" not in telemetry.span("second").attributes


def test_tasks_of_one_session_update_for_themselves(telemetry: Telemetry) -> None:
    async def child(session: otelier.session, name: str, all_have: asyncio.Barrier) -> None:
        session.update(user_id=name)
        await all_have.wait()
        work(name)
        await asyncio.create_task(grandchild(name))

    async def grandchild(name: str) -> None:
        work(f"of {name}")

    async def main() -> None:
        all_have = asyncio.Barrier(3)
        async with otelier.session(session_id="s") as session:
            await asyncio.gather(*(child(session, name, all_have) for name in ("a", "b", "c")))
            work("parent")

    asyncio.run(main())
    seen = {span.name: (span.attributes or {}).get(USER) for span in telemetry.spans()}
    for name in ("a", "b", "c"):
        assert seen[name] == seen[f"of {name}"] == name
    assert seen["parent"] is None


def test_threads_of_one_session_update_for_themselves(telemetry: Telemetry) -> None:
    def inside(session: otelier.session) -> None:
        session.update(user_id="thread", prompt="theirs")
        work("there")

    with ThreadPoolExecutor(1) as pool, otelier.session(session_id="s") as session:
        pool.submit(copy_context().run, inside, session).result()
        work("here")
    seen = {span.name: (span.attributes or {}).get(USER) for span in telemetry.spans()}
    assert seen == {"there": "thread", "here": None}


def test_tasks_that_run_already_see_what_their_session_is_told(telemetry: Telemetry) -> None:
    async def main() -> None:
        async with otelier.session(session_id="s") as session:
            told = asyncio.Event()

            async def child() -> None:
                await told.wait()
                work()

            task = asyncio.create_task(child())
            await asyncio.sleep(0)
            session.update(user_id="ada")
            told.set()
            await task

    asyncio.run(main())
    assert users(telemetry) == ["ada"]
