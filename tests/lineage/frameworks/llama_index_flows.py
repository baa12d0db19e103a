"""Workflows and tools whose annotations LlamaIndex reads: earlier versions read no texts."""

from typing import Any

from llama_index.core.workflow import Context, StartEvent, StopEvent, Workflow, step


class Letters(Workflow):
    """A workflow of the program's own."""

    llm: Any = None

    @step
    async def write(self, ev: StartEvent) -> StopEvent:
        return StopEvent(result=str(await self.llm.acomplete(ev.about)))


class Broken(Workflow):
    """One that fails."""

    @step
    async def one(self, ev: StartEvent) -> StopEvent:
        raise LookupError("nothing there")


async def confirm(ctx: Context) -> str:
    """Asks a person."""
    from llama_index.core.workflow import HumanResponseEvent, InputRequiredEvent

    asked = InputRequiredEvent(prefix="Sure?")  # type: ignore[call-arg]
    answer = await ctx.wait_for_event(HumanResponseEvent, waiter_event=asked)
    return str(answer.response)
