"""Haystack: pipelines are workflows; agents, tools and retrievers are what they are.

Haystack has one slot for a tracer, which belongs to the program: it stays free. The functions that
are the steps are wrapped instead, so it does not matter who traces besides. ``components`` wraps
Haystack's own classes, and ``pipelines`` what runs the program's; a module for each kind of step.
"""
