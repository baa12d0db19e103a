"""CrewAI: crews and flows are workflows, agents, tools and searches what they are.

CrewAI's event bus runs its handlers in threads of its own, where nothing can be made current. So
the functions that are the steps are wrapped. A module for each kind of step; ``reading`` looks at
CrewAI's objects, ``steps`` are begun by :mod:`.running`.
"""
