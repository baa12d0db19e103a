"""A notebook without a browser: a real kernel, cells, and what each of them shows."""

from __future__ import annotations

import os
import sys
import textwrap
from typing import Any

from jupyter_client.manager import KernelManager

_QUIET = ("status", "execute_input")
Shown = list[tuple[str, str]]


class Notebook:
    """A kernel in a process of its own, while the block is entered."""

    def __init__(self, **environment: str) -> None:
        self._manager: Any = KernelManager()
        self._manager.kernel_spec.argv = [
            *(sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"),
        ]
        self._environment = {**os.environ, **environment}
        self._client: Any = None

    def __enter__(self) -> Notebook:
        self._manager.start_kernel(env=self._environment)
        self._connect()
        return self

    def __exit__(self, *exception: object) -> None:
        self.shut_down(now=True)

    def _connect(self) -> None:
        self._client = self._manager.client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=100)

    def shut_down(self, *, now: bool = False) -> None:
        """As the menu does."""
        if self._client is not None:
            self._client.stop_channels()
            self._client = None
            self._manager.shutdown_kernel(now=now)

    def restart(self) -> None:
        """As the menu does; all names are gone."""
        self._client.stop_channels()
        self._manager.restart_kernel(now=False)
        self._connect()

    def interrupt(self) -> None:
        """The button."""
        self._manager.interrupt_kernel()

    def begin(self, code: str) -> str:
        """Run a cell, and do not wait for it; what it is known by."""
        return str(self._client.execute(textwrap.dedent(code)))

    def shown(self, cell: str) -> Shown:
        """All that a cell shows until it is over."""
        found: Shown = []
        while True:
            message = self._client.get_iopub_msg(timeout=100)
            if message["parent_header"].get("msg_id") != cell:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "stream":
                found.append((content["name"], content["text"]))
            elif kind == "execute_result":
                found.append(("result", content["data"]["text/plain"]))
            elif kind == "error":
                found.append(("error", content["ename"]))
            elif kind == "status" and content["execution_state"] == "idle":
                return found
            elif kind not in _QUIET:
                found.append((kind, str(content)))

    def interrupt_when_shown(self, cell: str, words: str) -> None:
        """Press the button when a cell has shown these words."""
        shown = ""
        while words not in shown:
            message = self._client.get_iopub_msg(timeout=100)
            if message["parent_header"].get("msg_id") == cell and message["msg_type"] == "stream":
                shown += message["content"]["text"]
        self.interrupt()

    def run(self, code: str) -> Shown:
        """Run a cell; all that it shows."""
        return self.shown(self.begin(code))
