"""A notebook's kernel: cells await, share a session, are interrupted and run again."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("ipykernel")

from tests.backends.receiver import Receiver
from tests.lineage.frameworks.drawing import tree
from tests.lineage.frameworks.notebook import Notebook
from tests.servers import Gate, ProviderServer, Sse
from tests.servers.openai_wire import chat_chunks, chat_message

HELLO = "Hello from the local server."
CONVERSATION = "gen_ai.conversation.id"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture
def notebook(server: ProviderServer, receiver: Receiver) -> Iterator[Notebook]:
    """One whose first cells are over; nothing of ours was shown."""
    host = server.url.removeprefix("http://")
    with Notebook(
        OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url,
        OTEL_SERVICE_NAME="notebook",
        OTELIER_PROVIDER_HOSTS=f"{host}=openai",
    ) as running:
        first(running, server)
        yield running


def first(notebook: Notebook, server: ProviderServer) -> None:
    assert notebook.run("import otelier\notelier.instrument()") == []
    cell = f"""
        import anthropic, asyncio, openai
        hi = [{{"role": "user", "content": "hi"}}]
        aclient = openai.AsyncOpenAI(base_url="{server.url}/v1", api_key="k", max_retries=0)
        client = openai.OpenAI(base_url="{server.url}/v1", api_key="k", max_retries=0)
        claude = anthropic.AsyncAnthropic(base_url="{server.url}", api_key="k", max_retries=0)
    """
    assert notebook.run(cell) == []


def drawn(receiver: Receiver) -> str:
    """What has arrived, as a tree; an error's kind and the conversation beside the names."""
    spans = receiver.spans()
    known = {span["span_id"] for span in spans}
    assert len(known) == len(spans)

    def lines(above: str) -> list[str]:
        found = []
        for span in spans:
            if span["parent_id"] != above:
                continue
            held = span["attributes"]
            told = f" !{held['error.type']}" if span["error"] else ""
            told += f" [{held[CONVERSATION]}]" if CONVERSATION in held else ""
            below = "\n".join(lines(span["span_id"]))
            found.append(f"{span['name']}{told}\n{textwrap.indent(below, '  ')}".rstrip())
        return found

    assert all(span["parent_id"] in known for span in spans if span["parent_id"])
    return "\n".join(lines(""))


def test_cells_that_await(notebook: Notebook, receiver: Receiver) -> None:
    cell = """
        answer = await aclient.chat.completions.create(model="gpt-4o", messages=hi)
        answer.choices[0].message.content
    """
    assert notebook.run(cell) == [("result", repr(HELLO))]
    cell = """
        @otelier.tool
        async def look():
            await aclient.embeddings.create(model="e", input="x")

        @otelier.agent("clerk")
        async def clerk():
            said = ""
            async with claude.messages.stream(model="c", max_tokens=9, messages=hi) as stream:
                async for text in stream.text_stream:
                    said += text
            await asyncio.gather(look(), look())
            return said

        print(await clerk())
    """
    assert notebook.run(cell) == [("stdout", HELLO + "\n")]
    cell = """
        async for chunk in await aclient.chat.completions.create(
            model="gpt-4o-mini", messages=hi, stream=True
        ):
            print(chunk.choices[0].delta.content or "", end="")
    """
    assert "".join(text for kind, text in notebook.run(cell) if kind == "stdout") == HELLO
    assert notebook.run("otelier.flush()") == [("result", "True")]
    assert drawn(receiver) == tree(
        """
        chat gpt-4o
        invoke_agent clerk
          chat c
          execute_tool look
            embeddings e
          execute_tool look
            embeddings e
        chat gpt-4o-mini
        """
    )


def test_a_session_of_several_cells(notebook: Notebook, receiver: Receiver) -> None:
    cell = """
        session = otelier.session(conversation_id="c1", user_id="u1")
        session.__enter__();
    """
    assert notebook.run(cell) == []
    assert notebook.run('client.chat.completions.create(model="one", messages=hi);') == []
    assert notebook.run('await aclient.chat.completions.create(model="two", messages=hi);') == []
    assert notebook.run('session.update(tags=["seen"])') == []
    cell = """
        with otelier.agent("clerk"):
            client.chat.completions.create(model="three", messages=hi)
        task = asyncio.create_task(aclient.chat.completions.create(model="four", messages=hi))
    """
    assert notebook.run(cell) == []
    assert notebook.run("await task;") == []
    assert notebook.run("session.__exit__(None, None, None)") == []
    assert notebook.run('client.chat.completions.create(model="five", messages=hi);') == []
    assert notebook.run("otelier.flush();") == []
    assert drawn(receiver) == tree(
        """
        chat one [c1]
        chat two [c1]
        invoke_agent clerk [c1]
          chat three [c1]
        chat four [c1]
        chat five
        """
    )
    tags = {span["name"]: span["attributes"].get("otelier.tags") for span in receiver.spans()}
    assert tags == {
        "chat one": None,
        "chat two": None,
        "invoke_agent clerk": ["seen"],
        "chat three": ["seen"],
        "chat four": ["seen"],
        "chat five": None,
    }


# A cell that reads, synchronous or awaited, and says when it is in the middle.
READS = {
    "plain": """
        @otelier.agent("clerk")
        def clerk():
            for chunk in client.chat.completions.create(
                model="gpt-4o", messages=hi, stream=True
            ):
                print(chunk.choices[0].delta.content or "", end="", flush=True)

        clerk()
    """,
    "awaited": """
        @otelier.agent("clerk")
        async def clerk():
            async for chunk in await aclient.chat.completions.create(
                model="gpt-4o", messages=hi, stream=True
            ):
                print(chunk.choices[0].delta.content or "", end="", flush=True)

        await clerk()
    """,
}


@pytest.mark.parametrize("how", READS)
def test_an_interrupted_cell(
    notebook: Notebook, receiver: Receiver, server: ProviderServer, how: str
) -> None:
    gate = Gate(hold_after=2)
    server.script(Sse(chat_chunks(chat_message("one two three")), gate=gate))
    cell = notebook.begin(READS[how])
    assert gate.reached.wait(60)
    # The first piece was printed: the cell waits for the next one.
    notebook.interrupt_when_shown(cell, "one")
    shown = notebook.shown(cell)
    gate.open()
    assert [text for kind, text in shown if kind == "error"] in (
        ["KeyboardInterrupt"],
        ["CancelledError"],
    )
    assert not [text for kind, text in shown if kind == "stderr"]
    # The kernel goes on, and nothing is current of what was interrupted.
    assert notebook.run('client.chat.completions.create(model="after", messages=hi);') == []
    assert notebook.run("otelier.flush();") == []
    # Who presses the button has not failed.
    assert drawn(receiver).splitlines() == ["invoke_agent clerk", "  chat gpt-4o", "chat after"]
    clerk = next(span for span in receiver.spans() if span["name"] == "invoke_agent clerk")
    assert clerk["attributes"]["otelier.stream.end"] == "cancelled"
    asked = next(span for span in receiver.spans() if span["name"] == "chat gpt-4o")
    assert "one" in asked["attributes"]["gen_ai.output.messages"]


def test_cells_that_are_run_again(notebook: Notebook, receiver: Receiver) -> None:
    for _ in range(3):
        assert notebook.run("import otelier\notelier.instrument()") == []
        assert notebook.run('client.chat.completions.create(model="gpt-4o", messages=hi);') == []
    # As while one writes the notebook: off, and on again.
    assert notebook.run("otelier.uninstrument()\notelier.instrument()") == []
    cell = """
        @otelier.agent("clerk")
        def clerk():
            client.chat.completions.create(model="gpt-4o-mini", messages=hi)
        clerk()
    """
    for _ in range(2):
        assert notebook.run(cell) == []
    assert notebook.run("otelier.flush();") == []
    assert drawn(receiver) == tree(
        """
        chat gpt-4o
        chat gpt-4o
        chat gpt-4o
        invoke_agent clerk
          chat gpt-4o-mini
        invoke_agent clerk
          chat gpt-4o-mini
        """
    )


def test_a_cell_that_fails(notebook: Notebook, receiver: Receiver, server: ProviderServer) -> None:
    cell = """
        @otelier.agent("clerk")
        def clerk():
            client.chat.completions.create(model="gpt-4o", messages=hi)
            raise ValueError("mine")
        clerk()
    """
    assert notebook.run(cell) == [("error", "ValueError")]
    assert notebook.run('client.chat.completions.create(model="after", messages=hi);') == []
    assert notebook.run("otelier.flush();") == []
    assert drawn(receiver) == tree(
        """
        invoke_agent clerk !ValueError
          chat gpt-4o
        chat after
        """
    )


@pytest.mark.parametrize("how", ["shutdown", "restart"])
def test_what_is_not_flushed_arrives_when_the_kernel_ends(
    notebook: Notebook, receiver: Receiver, server: ProviderServer, how: str
) -> None:
    assert notebook.run('client.chat.completions.create(model="gpt-4o", messages=hi);') == []
    cell = """
        left = otelier.agent("left open")
        left.__enter__()
        stream = client.chat.completions.create(model="read", messages=hi, stream=True)
        next(iter(stream));
    """
    assert notebook.run(cell) == []
    if how == "shutdown":
        notebook.shut_down()
        more: list[Any] = []
    else:
        notebook.restart()
        first(notebook, server)
        assert notebook.run('client.chat.completions.create(model="new", messages=hi);') == []
        assert notebook.run("otelier.flush();") == []
        more = ["chat new"]
    assert drawn(receiver).splitlines() == [
        "chat gpt-4o",
        "invoke_agent left open",
        "  chat read",
        *more,
    ]
