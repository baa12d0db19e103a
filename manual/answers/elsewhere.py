"""For pages whose programs name hosts: what goes to these is answered by the page's provider.

Led there where requests leave, below the SDKs and all that looks at them: the program, its client
and the span have the host that the page says.
"""

from __future__ import annotations

from typing import Final

# The provider's port is in this variable.
PORT: Final = "MANUAL_PROVIDER_PORT"
BEFORE: Final = """
import importlib, importlib.util, os

PORT = int(os.environ["MANUAL_PROVIDER_PORT"])


def lead(transport, method):
    send = getattr(transport, method)

    def led(self, request):
        request.url = request.url.copy_with(scheme="http", host="127.0.0.1", port=PORT)
        return send(self, request)

    setattr(transport, method, led)


for name in filter(importlib.util.find_spec, ("httpx", "httpx2")):
    module = importlib.import_module(name)
    lead(module.HTTPTransport, "handle_request")
    lead(module.AsyncHTTPTransport, "handle_async_request")
"""
