"""smolagents: agents, the agents that they manage, their tools, and the code that they write.

A module for each kind of step; ``reading`` looks at smolagents' objects, steps are begun by
:mod:`.running`. An agent's run is one function, or the generator that it gives back. What runs in a
thread of smolagents' own belongs where it was handed over (:mod:`.threads`).
"""
