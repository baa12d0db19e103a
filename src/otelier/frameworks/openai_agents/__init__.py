"""OpenAI's Agents SDK. The seam are its own tracing objects, which are there with tracing off, too.

``spans`` and ``traces`` see agents, tools and workflows begin and end; the other modules tell what
those objects do not know: whose conversation a run is (``runs``), a tool call's id (``calls``), an
agent's instructions and tools (``agents``), how a trace that is off is called (``naming``), and
models that no SDK's hook sees (``models``).
"""
