"""LlamaIndex: agents, workflows, tools, retrievers, query and chat engines.

Its dispatcher tells of each call that it knows where that begins and ends (``dispatching``):
``classes`` says what a call is, a module for each kind opens and finishes it.
"""
