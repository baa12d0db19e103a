"""Semantic Kernel: its tools' spans are its own, always on, and stay; the rest is added.

It has spans of agents and model calls, too, by a switch: its agents' make way for ours, which say
the same and more, whether it is on or not; its model calls' stay and are completed.

``agents``
    One run of an agent, whole or streamed.
``threads``
    The thread of an agent, which is the conversation, and its instructions.
``functions``
    Tools and prompt functions: a step on the framework's own span.
``kept``
    A span of its own that is a step as ours are.
``calls``
    What a function is given and gives back.
``prompts``
    Which prompts have a name.
``streams``
    Generators of the framework's that make spans current: nowhere but in their own code.
``loops``, ``models``
    The loop of model calls and tools; calls of models that no SDK carries.
``native``, ``switches``
    Spans and content of its own that are there by its switches.
``elsewhere``
    Spans of its own that go to another backend than ours.
``orchestrations``, ``works``, ``messages``
    Several agents that work together, and the messages by which they do.
``chats``
    The older group chat.
``processes``
    Processes, whose steps are functions of the kernel's.
``searches``, ``memories``
    Searches in vector stores, and in what was there before.
``others``
    Whether another instrumentation shows the framework's steps.
``reading``, ``older``
    Looks at the framework's objects; what older versions have otherwise.
"""

from __future__ import annotations
