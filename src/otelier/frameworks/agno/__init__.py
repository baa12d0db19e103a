"""Agno: agents and teams are agents, workflows are workflows, tools and searches what they are.

Each of Agno's methods is the whole step, also where it gives back a coroutine or an iterator.
"""
