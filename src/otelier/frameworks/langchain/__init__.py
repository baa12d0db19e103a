"""LangChain, LangGraph and Deep Agents: agents, tools, searches and workflows are steps.

One callback handler, which every callback manager gets (:mod:`.callbacks`), says where runs begin
and end; each has a module here. What is current in a run's body is set where LangChain and
LangGraph copy a context for it (:mod:`.contexts`).
"""
