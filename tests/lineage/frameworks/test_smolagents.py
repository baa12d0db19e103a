"""smolagents: agents that call tools, agents that write code, and those that they manage."""

from __future__ import annotations

import json
import urllib.request
from typing import Any, ClassVar

import pytest

pytest.importorskip("smolagents")

from PIL import Image
from smolagents import FinalAnswerTool, Tool, tool
from smolagents.utils import AgentGenerationError

try:
    from smolagents.local_python_executor import LocalPythonExecutor
except ImportError:  # Before 1.12.
    LocalPythonExecutor = object

import otelier
from tests.lineage.frameworks import smolagents_parts as parts
from tests.lineage.frameworks.drawing import draw, tokens, tree
from tests.servers import Json, ProviderServer, Recorded, Reply
from tests.telemetry import Telemetry

MODEL = parts.MODEL
# Agents of older versions have no name.
TELLER = " teller" if parts.NAMED else ""
PARALLEL = pytest.mark.skipif(parts.VERSION < (1, 18), reason="one call a step before 1.18")


RAISES = pytest.mark.skipif(parts.VERSION < (1, 15), reason="before 1.15 such an agent goes on")
REFUSED = Json({"error": {"message": "no", "type": "invalid_request_error"}}, status=400)
CODE = "smolagents.local_python_executor.InterpreterError"
MODELS = "smolagents.utils.AgentGenerationError"


def attributes(telemetry: Telemetry, name: str) -> dict[str, Any]:
    return dict(telemetry.span(name).attributes or {})


# --- tools --------------------------------------------------------------------------------------


def test_an_agent_that_calls_tools(server: ProviderServer, telemetry: Telemetry) -> None:
    parts.weather(server)
    who = parts.agent(server, name="teller", description="Tells the weather")
    assert who.run("What is it in Oslo?") == "Sunny."
    assert draw(telemetry, tokens) == tree(
        f"""
        invoke_agent{TELLER} 24+18
          chat {MODEL} 12+9
          execute_tool get_weather
          chat {MODEL} 12+9
        """
    )
    agent = attributes(telemetry, "invoke_agent")
    if parts.NAMED:
        assert agent["gen_ai.agent.description"] == "Tells the weather"
    assert agent["gen_ai.request.model"] == MODEL
    assert "expert assistant" in agent["gen_ai.system_instructions"]
    assert json.loads(agent["gen_ai.input.messages"]) == [
        {"role": "user", "parts": [{"type": "text", "content": "What is it in Oslo?"}]}
    ]
    assert "Sunny." in agent["gen_ai.output.messages"]
    offered = {each["name"]: each for each in json.loads(agent["gen_ai.tool.definitions"])}
    assert set(offered) == {"get_weather", "final_answer"}
    assert offered["get_weather"]["parameters"]["required"] == ["city"]
    used = attributes(telemetry, "execute_tool")
    assert json.loads(used["gen_ai.tool.call.arguments"]) == {"city": "Oslo"}
    assert json.loads(used["gen_ai.tool.call.result"]) == {"result": "Sunny in Oslo"}
    assert used["gen_ai.tool.call.id"] == "call_1"
    assert used["gen_ai.tool.type"] == "function"
    assert used["gen_ai.tool.description"] == "The weather of a city."
    assert used.get("gen_ai.agent.name") == ("teller" if parts.NAMED else None)
    metrics = telemetry.metrics()
    assert metrics["gen_ai.invoke_agent.duration"] and metrics["gen_ai.execute_tool.duration"]


def test_a_failing_tool_is_tried_again(server: ProviderServer, telemetry: Telemetry) -> None:
    left = [ValueError("no such city")]

    @tool
    def look_up(city: str) -> str:
        """Look a city up.

        Args:
            city: Its name.
        """
        if left:
            raise left.pop()
        return "found"

    parts.script(
        server,
        parts.calls(("look_up", {"city": "Olso"})),
        parts.calls(("look_up", {"city": "Oslo"})),
        parts.done(),
    )
    assert parts.agent(server, tools=[look_up]).run("Look it up") == "Sunny."
    assert draw(telemetry) == tree(
        f"""
        invoke_agent
          chat {MODEL}
          execute_tool look_up !ValueError
          chat {MODEL}
          execute_tool look_up
          chat {MODEL}
        """
    )


def test_what_is_not_executed_is_no_tool(server: ProviderServer, telemetry: Telemetry) -> None:
    parts.script(server, parts.calls(("unheard_of", {"city": "Oslo"})), parts.done())
    assert parts.agent(server).run("Look it up") == "Sunny."
    assert draw(telemetry) == tree(
        f"""
        invoke_agent
          chat {MODEL}
          chat {MODEL}
        """
    )


@PARALLEL
def test_tools_at_once(server: ProviderServer, telemetry: Telemetry) -> None:
    @tool
    def now() -> str:
        """The time of day."""
        return "noon"

    cities = [("get_weather", {"city": city}) for city in ("Oslo", "Rome", "Lima")]
    parts.script(server, parts.calls(*cities, ("now", {})), parts.done())
    who = parts.agent(server, tools=[parts.get_weather, now])
    assert who.run("And there?") == "Sunny."
    assert draw(telemetry, ordered=False) == tree(
        f"""
        invoke_agent
          chat {MODEL}
          chat {MODEL}
          execute_tool get_weather
          execute_tool get_weather
          execute_tool get_weather
          execute_tool now
        """
    )
    found = {}
    for span in telemetry.spans("execute_tool"):
        held = dict(span.attributes or {})
        given = json.loads(str(held.get("gen_ai.tool.call.arguments", "{}")))
        found[held["gen_ai.tool.call.id"]] = given.get("city")
    assert found == {"call_1": "Oslo", "call_2": "Rome", "call_3": "Lima", "call_4": None}


def test_what_a_tool_does_is_its_own(server: ProviderServer, telemetry: Telemetry) -> None:
    @tool
    def fetch(page: str) -> str:
        """Fetch a page.

        Args:
            page: Its address.
        """
        with telemetry.tracer.start_as_current_span("fetch"):
            with urllib.request.urlopen(page) as answer:
                answer.read()
        asked = otelier.current()
        asked.set("shop.page", page)
        return str(parts.model(server)([{"role": "user", "content": "Sum it up"}]).content)

    server.route("/page", lambda request: Json({}))

    def reply(request: Recorded) -> Reply:
        if "Sum it up" in parts.asked(request):
            return parts.says("In short: sunny")
        if "In short" in parts.asked(request):
            return parts.done()
        return parts.calls(("fetch", {"page": f"{server.url}/page"}))

    server.route("/chat/completions", reply)
    assert parts.agent(server, tools=[fetch]).run("What is there?") == "Sunny."
    assert draw(telemetry, tokens) == tree(
        f"""
        invoke_agent 36+27
          chat {MODEL} 12+9
          execute_tool fetch
            fetch
            chat {MODEL} 12+9
          chat {MODEL} 12+9
        """
    )
    assert attributes(telemetry, "execute_tool")["shop.page"] == f"{server.url}/page"


def test_a_declared_tool_is_one(server: ProviderServer, telemetry: Telemetry) -> None:
    class Weather(Tool):  # type: ignore[misc]
        name = "get_weather"
        description = "The weather"
        inputs: ClassVar[Any] = {"city": {"type": "string", "description": "The city"}}
        output_type = "string"

        @otelier.tool("weather of a city")
        def forward(self, city: str) -> str:
            return f"Sunny in {city}"

    parts.weather(server)
    assert parts.agent(server, tools=[Weather()]).run("And there?") == "Sunny."
    assert draw(telemetry) == tree(
        f"""
        invoke_agent
          chat {MODEL}
          execute_tool weather of a city
          chat {MODEL}
        """
    )
    assert attributes(telemetry, "execute_tool")["gen_ai.tool.call.id"] == "call_1"


def test_a_tool_alone(server: ProviderServer, telemetry: Telemetry) -> None:
    assert parts.get_weather("Oslo") == parts.get_weather(city="Oslo") == "Sunny in Oslo"
    assert draw(telemetry) == "execute_tool get_weather\nexecute_tool get_weather"
    for span in telemetry.spans():
        held = dict(span.attributes or {})
        assert json.loads(str(held["gen_ai.tool.call.arguments"])) == {"city": "Oslo"}
        assert "gen_ai.tool.call.id" not in held


@pytest.mark.skipif(parts.VERSION < (1, 16), reason="the last tool is not called before 1.16")
def test_a_last_tool_of_the_program_is_one(server: ProviderServer, telemetry: Telemetry) -> None:
    class Checked(FinalAnswerTool):  # type: ignore[misc]
        def forward(self, answer: Any) -> Any:
            return f"{answer} Checked."

    parts.script(server, parts.done())
    assert parts.agent(server, tools=[Checked()]).run("And there?") == "Sunny. Checked."
    assert draw(telemetry) == tree(
        f"""
        invoke_agent
          chat {MODEL}
          execute_tool final_answer
        """
    )


# --- code ---------------------------------------------------------------------------------------


def test_an_agent_that_writes_code(server: ProviderServer, telemetry: Telemetry) -> None:
    parts.script(
        server,
        parts.writes("sky = get_weather(city='Oslo')\nprint(sky)"),
        parts.writes("final_answer('Sunny.')"),
    )
    assert parts.coder(server).run("What is it in Oslo?") == "Sunny."
    assert draw(telemetry, tokens) == tree(
        f"""
        invoke_agent 24+18
          chat {MODEL} 12+9
          execute_tool python_interpreter
            execute_tool get_weather
          chat {MODEL} 12+9
          execute_tool python_interpreter
        """
    )
    first, second = (
        dict(span.attributes or {}) for span in telemetry.spans("execute_tool python_interpreter")
    )
    code = json.loads(str(first["gen_ai.tool.call.arguments"]))["code"]
    assert "get_weather(city='Oslo')" in code
    assert "Sunny in Oslo" in json.loads(str(first["gen_ai.tool.call.result"]))["logs"]
    assert json.loads(str(second["gen_ai.tool.call.result"]))["output"] == "Sunny."
    agent = attributes(telemetry, "invoke_agent")
    assert "Sunny." in agent["gen_ai.output.messages"]


def test_code_that_fails_is_written_again(server: ProviderServer, telemetry: Telemetry) -> None:
    @tool
    def look_up(city: str) -> str:
        """Look a city up.

        Args:
            city: Its name.
        """
        raise LookupError(city)

    parts.script(
        server,
        parts.writes("look_up(city='Oslo')"),
        parts.writes("import subprocess"),
        parts.writes("final_answer(get_weather('Oslo'))"),
    )
    who = parts.coder(server, tools=[look_up, parts.get_weather])
    assert who.run("What is it in Oslo?") == "Sunny in Oslo"
    assert draw(telemetry) == tree(
        f"""
        invoke_agent
          chat {MODEL}
          execute_tool python_interpreter !{CODE}
            execute_tool look_up !LookupError
          chat {MODEL}
          execute_tool python_interpreter !{CODE}
          chat {MODEL}
          execute_tool python_interpreter
            execute_tool get_weather
        """
    )


@pytest.mark.skipif(parts.VERSION < (1, 12), reason="since 1.12")
def test_an_executor_of_the_program(server: ProviderServer, telemetry: Telemetry) -> None:
    class Careful(LocalPythonExecutor):  # type: ignore[misc]
        def __call__(self, code_action: str) -> Any:
            return super().__call__(code_action)

    parts.script(server, parts.writes("final_answer(get_weather('Oslo'))"))
    who = parts.coder(server)
    who.python_executor = Careful([])
    assert who.run("What is it in Oslo?") == "Sunny in Oslo"
    assert draw(telemetry) == tree(
        f"""
        invoke_agent
          chat {MODEL}
          execute_tool python_interpreter
            execute_tool get_weather
        """
    )


def test_an_answer_that_is_no_text(server: ProviderServer, telemetry: Telemetry) -> None:
    parts.script(server, parts.writes("final_answer({'degrees': 21})"))
    assert parts.coder(server).run("How warm is it?") == {"degrees": 21}
    agent = attributes(telemetry, "invoke_agent")
    assert "gen_ai.output.messages" not in agent
    assert '"degrees":21' in "".join(str(value) for value in agent.values())


def test_a_picture(server: ProviderServer, telemetry: Telemetry) -> None:
    class Draw(Tool):  # type: ignore[misc]
        name = "draw"
        description = "Draws"
        inputs: ClassVar[Any] = {"what": {"type": "string", "description": "What"}}
        output_type = "image"

        def forward(self, what: str) -> Any:
            return Image.new("RGB", (20, 30))

    parts.script(
        server,
        parts.calls(("draw", {"what": "the sun"})),
        parts.done("image.png"),
    )
    parts.agent(server, tools=[Draw()]).run("Draw the sun")
    used = attributes(telemetry, "execute_tool")
    assert json.loads(used["gen_ai.tool.call.result"])["size"] == [20, 30]


# --- several agents -----------------------------------------------------------------------------


def _two(server: ProviderServer, **options: Any) -> Any:
    inner = parts.agent(server, **options)
    return parts.managed(inner, "teller", "Tells the weather")


def test_an_agent_is_asked_by_another(server: ProviderServer, telemetry: Telemetry) -> None:
    asks = {"task": "What is it in Oslo?"} if parts.NAMED else {"request": "What is it in Oslo?"}
    parts.script(
        server,
        parts.calls(("teller", asks)),
        parts.calls(("get_weather", {"city": "Oslo"})),
        parts.done("Sunny in Oslo"),
        parts.done(),
    )
    who = parts.agent(server, tools=[], managed_agents=[_two(server)], name="boss")
    assert who.run("And?") == "Sunny."
    boss = " boss" if parts.NAMED else ""
    assert draw(telemetry, tokens) == tree(
        f"""
        invoke_agent{boss} 48+36
          chat {MODEL} 12+9
          execute_tool teller
            invoke_agent{TELLER} 24+18
              chat {MODEL} 12+9
              execute_tool get_weather
              chat {MODEL} 12+9
          chat {MODEL} 12+9
        """
    )
    (used,) = telemetry.spans("execute_tool teller")
    held = dict(used.attributes or {})
    assert held["gen_ai.tool.call.id"] == "call_1"
    assert held["gen_ai.tool.description"] == "Tells the weather"
    assert json.loads(str(held["gen_ai.tool.call.arguments"])) == asks
    assert "Sunny in Oslo" in str(held["gen_ai.tool.call.result"])
    offered = dict(telemetry.spans("invoke_agent")[-1].attributes or {})
    names = {each["name"] for each in json.loads(str(offered["gen_ai.tool.definitions"]))}
    assert names == {"teller", "final_answer"}


@PARALLEL
def test_two_agents_are_asked_at_once(server: ProviderServer, telemetry: Telemetry) -> None:
    def reply(request: Recorded) -> Reply:
        text = parts.asked(request)
        for city in ("Oslo", "Rome"):
            if f"And {city}?" in text and "Both?" not in text:
                if f"Sunny in {city}" in text:
                    return parts.done(city)
                return parts.calls(("get_weather", {"city": city}))
        if "And Oslo?" in text:
            return parts.done()
        return parts.calls(("north", {"task": "And Oslo?"}), ("south", {"task": "And Rome?"}))

    server.route("/chat/completions", reply)
    both = [parts.managed(parts.agent(server), name, "Knows") for name in ("north", "south")]
    assert parts.agent(server, tools=[], managed_agents=both).run("Both?") == "Sunny."
    assert draw(telemetry, tokens, ordered=False) == tree(
        f"""
        invoke_agent 72+54
          chat {MODEL} 12+9
          chat {MODEL} 12+9
          execute_tool north
            invoke_agent north 24+18
              chat {MODEL} 12+9
              chat {MODEL} 12+9
              execute_tool get_weather
          execute_tool south
            invoke_agent south 24+18
              chat {MODEL} 12+9
              chat {MODEL} 12+9
              execute_tool get_weather
        """
    )
    ids = {
        span.name: (span.attributes or {})["gen_ai.tool.call.id"]
        for span in telemetry.spans("execute_tool")
        if not span.name.endswith("weather")
    }
    assert ids == {"execute_tool north": "call_1", "execute_tool south": "call_2"}


def test_an_agent_is_asked_by_code(server: ProviderServer, telemetry: Telemetry) -> None:
    parts.script(
        server,
        parts.writes("final_answer(teller('What is it in Oslo?'))"),
        parts.calls(("get_weather", {"city": "Oslo"})),
        parts.done("Sunny in Oslo"),
    )
    who = parts.coder(server, tools=[], managed_agents=[_two(server)])
    assert "Sunny in Oslo" in who.run("And?")
    assert draw(telemetry, tokens) == tree(
        f"""
        invoke_agent 36+27
          chat {MODEL} 12+9
          execute_tool python_interpreter
            execute_tool teller
              invoke_agent{TELLER} 24+18
                chat {MODEL} 12+9
                execute_tool get_weather
                chat {MODEL} 12+9
        """
    )


@RAISES
def test_an_agent_that_fails_another(server: ProviderServer, telemetry: Telemetry) -> None:
    asks = {"task": "And?"} if parts.NAMED else {"request": "And?"}
    parts.script(
        server,
        parts.calls(("teller", asks)),
        REFUSED,
        parts.done(),
    )
    who = parts.agent(server, tools=[], managed_agents=[_two(server)])
    assert who.run("And?") == "Sunny."
    assert draw(telemetry) == tree(
        f"""
        invoke_agent
          chat {MODEL}
          execute_tool teller !{MODELS}
            invoke_agent{TELLER} !{MODELS}
              chat {MODEL} !openai.BadRequestError
          chat {MODEL}
        """
    )


# --- plans and limits ---------------------------------------------------------------------------


def test_a_plan(server: ProviderServer, telemetry: Telemetry) -> None:
    def reply(request: Recorded) -> Reply:
        if not request.json().get("tools"):
            return parts.says("1. Ask the tool")
        return parts.done() if "Sunny in" in parts.asked(request) else look

    look = parts.calls(("get_weather", {"city": "Oslo"}))
    server.route("/chat/completions", reply)
    assert parts.agent(server, planning_interval=2).run("And?") == "Sunny."
    # Older versions ask for the facts first.
    plans = 1 if parts.VERSION >= (1, 12) else 2
    assert draw(telemetry) == "invoke_agent\n" + f"  chat {MODEL}\n" * (plans + 1) + (
        f"  execute_tool get_weather\n  chat {MODEL}"
    )


def test_no_more_steps(server: ProviderServer, telemetry: Telemetry) -> None:
    look = parts.calls(("get_weather", {"city": "Oslo"}))
    parts.script(server, look, look, parts.says("I give up."))
    assert parts.agent(server, max_steps=2).run("And?") == "I give up."
    assert draw(telemetry, tokens) == tree(
        f"""
        invoke_agent 36+27
          chat {MODEL} 12+9
          execute_tool get_weather
          chat {MODEL} 12+9
          execute_tool get_weather
          chat {MODEL} 12+9
        """
    )
    assert "I give up." in attributes(telemetry, "invoke_agent")["gen_ai.output.messages"]


@RAISES
def test_a_model_that_fails(server: ProviderServer, telemetry: Telemetry) -> None:
    server.route("/chat/completions", lambda request: REFUSED)
    with pytest.raises(AgentGenerationError):
        parts.agent(server).run("And?")
    assert draw(telemetry) == tree(
        f"""
        invoke_agent !{MODELS}
          chat {MODEL} !openai.BadRequestError
        """
    )
