"""Claude Code's side of the wire: line-delimited JSON with an SDK, by a script of turns.

A program of its own: ``python claude_cli.py`` with the arguments that the SDK gives to the CLI. The
file that ``FAKE_CLAUDE`` names is a list of turns, a list of steps each; a turn is played for each
prompt that comes. A step is a message that is written as it is, or one of

``{"call": [{"id", "server", "name", "arguments"}, …], "meta": bool}``
    tools of the SDK's own servers, all at once; their results are written as they come;
``{"permission": {"id", "name", "input"}}``, ``{"hook": {"event", "id", "input"}}``
    what the SDK is asked for; a refusal is written as the tool's result;
``{"interrupted": true}``
    wait until the SDK interrupts;
``{"prompt": true}``
    wait until the next prompt has come;
``{"stderr": text}``, ``{"exit": code}``.
"""

from __future__ import annotations

import json
import os
import sys
from collections import deque
from typing import Any

Message = dict[str, Any]


class Cli:
    def __init__(self, arguments: list[str]) -> None:
        self.arguments = arguments
        with open(os.environ["FAKE_CLAUDE"]) as file:
            self.turns: list[list[Message]] = json.load(file)
        self.session = self.value("--session-id") or self.value("--resume") or "session-1"
        self.prompts: deque[Message] = deque()
        self.answers: dict[str, Message] = {}
        self.hooks: dict[str, str] = {}
        self.interrupted = False
        self.asked = 0
        self.ready = False

    def value(self, name: str) -> str | None:
        """The value of an option, in one argument or in two."""
        for at, each in enumerate(self.arguments):
            if each == name:
                return self.arguments[at + 1]
            if each.startswith(name + "="):
                return each.split("=", 1)[1]
        return None

    def write(self, message: Message) -> None:
        sys.stdout.write(json.dumps(message) + "\n")
        sys.stdout.flush()

    def say(self, message: Message) -> None:
        """A message of the session's."""
        self.write({"session_id": self.session, "uuid": f"u{id(message)}", **message})

    def read(self) -> bool:
        """Take one line; False at the end of the input."""
        line = sys.stdin.readline()
        if not line:
            return False
        message = json.loads(line)
        if message["type"] == "user":
            self.prompts.append(message)
        elif message["type"] == "control_response":
            self.answers[message["response"]["request_id"]] = message["response"]
        elif message["type"] == "control_request":
            self.control(message)
        return True

    def control(self, message: Message) -> None:
        request = message["request"]
        if request["subtype"] == "initialize":
            for event, matchers in (request.get("hooks") or {}).items():
                self.hooks[event] = matchers[0]["hookCallbackIds"][0]
        elif request["subtype"] == "interrupt":
            self.interrupted = True
        elif request["subtype"] == "set_model":
            pass
        answer = {"subtype": "success", "request_id": message["request_id"], "response": {}}
        self.write({"type": "control_response", "response": answer})

    def ask(self, request: Message) -> str:
        self.asked += 1
        key = f"cli-{self.asked}"
        self.write({"type": "control_request", "request_id": key, "request": request})
        return key

    def answer(self, *keys: str) -> Message:
        """The first answer to one of the requests."""
        while True:
            for key in keys:
                if key in self.answers:
                    return self.answers[key]
            if not self.read():
                sys.exit(1)

    def mcp(self, server: str, method: str, params: Message) -> str:
        self.asked += 1
        body = {"jsonrpc": "2.0", "method": method, "params": params}
        if not method.startswith("notifications/"):
            body["id"] = self.asked
        return self.ask({"subtype": "mcp_message", "server_name": server, "message": body})

    def connect(self) -> None:
        """Shake hands with the SDK's own servers, before the first of their tools."""
        config = json.loads(self.value("--mcp-config") or "{}")
        for name, server in config.get("mcpServers", {}).items():
            if server.get("type") != "sdk" or self.ready:
                continue
            client = {"name": "claude-code", "version": "2.1.0"}
            hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client}
            for method, params in (
                ("initialize", hello),
                ("notifications/initialized", {}),
                ("tools/list", {}),
            ):
                self.answer(self.mcp(name, method, params))
        self.ready = True

    def result(self, key: str, content: Any, failed: bool) -> None:
        block = {"type": "tool_result", "tool_use_id": key, "content": content}
        if failed:
            block["is_error"] = True
        message = {"role": "user", "content": [block]}
        self.say({"type": "user", "message": message, "parent_tool_use_id": None})

    def call(self, calls: list[Message], meta: bool) -> None:
        self.connect()
        open_calls = {}
        for call in calls:
            params = {"name": call["name"], "arguments": call["arguments"]}
            if meta:
                params["_meta"] = {"claudecode/toolUseId": call["id"]}
            open_calls[self.mcp(call["server"], "tools/call", params)] = call
        while open_calls:
            answer = self.answer(*open_calls)
            call = open_calls.pop(answer["request_id"])
            told = answer["response"]["mcp_response"]
            found = told.get("result") or {"content": told["error"]["message"], "isError": True}
            self.result(call["id"], found["content"], bool(found.get("isError")))

    def permission(self, asked: Message) -> None:
        request = {"subtype": "can_use_tool", "tool_name": asked["name"], "input": asked["input"]}
        key = self.ask({**request, "tool_use_id": asked["id"], "permission_suggestions": []})
        told = self.answer(key)["response"]
        if told.get("behavior") == "deny":
            self.result(asked["id"], told["message"], True)
        elif told.get("allow") is False:
            # Before 0.1.4.
            self.result(asked["id"], told["reason"], True)

    def hook(self, asked: Message) -> None:
        callback = self.hooks[asked["event"]]
        request = {"subtype": "hook_callback", "callback_id": callback, "input": asked["input"]}
        self.answer(self.ask({**request, "tool_use_id": asked["id"]}))

    def play(self, steps: list[Message]) -> None:
        for step in steps:
            if "call" in step:
                self.call(step["call"], step.get("meta", True))
            elif "permission" in step:
                self.permission(step["permission"])
            elif "hook" in step:
                self.hook(step["hook"])
            elif "stderr" in step:
                sys.stderr.write(step["stderr"])
            elif "exit" in step:
                sys.stdout.flush()
                sys.exit(step["exit"])
            elif "interrupted" in step:
                while not self.interrupted and self.read():
                    pass
                self.interrupted = False
            elif "prompt" in step:
                while not self.prompts and self.read():
                    pass
            else:
                self.say(step)

    def run(self) -> None:
        # Older SDKs give a text as an argument.
        if "--print" in self.arguments and self.value("--input-format") != "stream-json":
            self.play(self.turns[0])
            return
        while self.turns:
            while not self.prompts:
                if not self.read():
                    return
            self.prompts.popleft()
            self.play(self.turns.pop(0))
        while self.read():
            pass


if __name__ == "__main__":
    if {"-v", "--version"} & set(sys.argv[1:]):
        print("2.1.0 (Claude Code)")
    else:
        Cli(sys.argv[1:]).run()
