"""The rules about what the runtime gives to workflow code: coroutines, hooks, streams."""

from __future__ import annotations

from workflow_build.model import Severity
from workflow_build.rules.rule import Rule

UNAWAITED_CALL = Rule(
    code="WB131",
    title="a call of the runtime is not awaited",
    message="{name} is called, but {problem}",
    hint="write `await {call}`",
    why="`start`, `sleep`, `set_attributes`, `run.result()` and their like are async: until they are awaited, alone or through `asyncio.gather` and "
    "the like, nothing happens at all. No run is started, nothing is waited for, nothing is sent.",
    valid=(
        """
import asyncio
from workflow_runtime import Run, get_run, set_attributes, sleep, start, workflow

@workflow
async def pay(cents: int) -> int:
    await sleep("1 day")
    return cents

@workflow
async def checkout(cents: list[int], other: str) -> list[int]:
    waiting = asyncio.create_task(sleep("2 days"))
    runs = await asyncio.gather(*(start(pay, part) for part in cents))
    await set_attributes({"stage": "paying"})
    results = [run.result() for run in runs]
    first = get_run(other).result()
    await waiting
    return [*await asyncio.gather(*results), await first]
""",
    ),
    invalid=(
        """
from workflow_runtime import sleep, workflow

@workflow
async def checkout(cents: int) -> int:
    sleep("2 days")
    return cents
""",
        """
from workflow_runtime import start, workflow

@workflow
async def pay(cents: int) -> int:
    return cents

@workflow
async def checkout(cents: int) -> None:
    run = await start(pay, cents)
    run.result()
""",
        """
from workflow_runtime import start, workflow

@workflow
async def checkout(cents: int) -> int:
    return cents

async def create(cents: int) -> str:
    run = start.options(key="order")(checkout, cents)
    return run.id
""",
    ),
)

STREAM_IN_WORKFLOW = Rule(
    code="WB132",
    title="workflow code writes to a stream, or reads one",
    message="workflow {workflow} calls {name}: {path}",
    hint="do it in a step: pass it the stream, or call `get_writable()` there",
    why="What is written to a stream is there at once, for everybody, and a replay would write it again; what is read depends on when it is read. "
    "Workflow code can hand a stream on, to steps and to child runs.",
    valid=(
        """
from workflow_runtime import Stream, get_writable, step, workflow

@step
async def tell(stream: Stream, text: str) -> None:
    await stream.write(text)

@step
async def tell_all(text: str) -> None:
    await get_writable("all").write(text)

@workflow
async def checkout(text: str) -> Stream:
    stream = get_writable()
    await tell(stream, text)
    await tell_all(text)
    return stream
""",
    ),
    invalid=(
        """
from workflow_runtime import get_writable, workflow

@workflow
async def checkout(text: str) -> None:
    await get_writable().write(text)
""",
        """
from workflow_runtime import Stream, workflow

async def tell(stream: Stream, text: str) -> None:
    await stream.write(text)

@workflow
async def checkout(stream: Stream) -> None:
    await tell(stream, "paid")
""",
        """
from workflow_runtime import get_run, workflow

@workflow
async def checkout(other: str) -> list[object]:
    return [value async for value in get_run(other).stream()]
""",
    ),
)

ONLY_IN_WORKFLOWS = Rule(
    code="WB133",
    title="what only workflow code can do is done elsewhere",
    message="{name} is called {place}, and works in workflow code only",
    hint="{advice}",
    why="Hooks, durable sleep and going on as new are decisions of a run: they are written to its log when its workflow makes them. "
    "A step has no part in that, and neither has a module while it is loaded. The call raises `WorkflowError`.",
    valid=(
        """
from dataclasses import dataclass
from workflow_runtime import create_hook, define_hook, sleep, step, workflow

@dataclass
class Approval:
    by: str

approvals = define_hook(Approval)

@step
async def ask(token: str) -> None: ...

@workflow
async def checkout(order: str) -> str:
    hook = approvals.create()
    await ask(hook.token)
    await sleep("1 s")
    with create_hook(Approval, token=order) as second:
        return (await hook).by + (await second).by
""",
    ),
    invalid=(
        """
from workflow_runtime import create_hook, step, workflow

@step
async def ask(order: str) -> str:
    return await create_hook(str, token=order)

@workflow
async def checkout(order: str) -> str:
    return await ask(order)
""",
        """
from workflow_runtime import sleep, step, workflow

@step
async def poll(order: str) -> None:
    await sleep("1 minute")

@workflow
async def checkout(order: str) -> None:
    await poll(order)
""",
        """
from workflow_runtime import create_hook, workflow

approval = create_hook(str, token="approval")

@workflow
async def checkout(order: str) -> str:
    return await approval
""",
    ),
)

HOOK_DROPPED = Rule(
    code="WB134",
    title="a hook is opened and not kept",
    message="what {name} gives is dropped, so nobody can await it",
    hint="keep it, as in `hook = {call}`: await it, ask `await hook.conflict()`, or dispose of it",
    why="The token is taken until the run ends, or is not, when another run has it: only the hook can tell. Payloads that are sent to it are stored, and "
    "nobody reads them.",
    valid=(
        """
from workflow_runtime import create_hook, create_webhook, workflow

@workflow
async def checkout(order: str) -> str:
    create_webhook(token=f"ping:{order}", respond=204)
    lock = create_hook(token=order)
    if await lock.conflict():
        return "busy"
    return await create_hook(str)
""",
    ),
    invalid=(
        """
from workflow_runtime import create_hook, workflow

@workflow
async def checkout(order: str) -> None:
    create_hook(str, token=order)
""",
    ),
    severity=Severity.WARNING,
)

RUNTIME_RULES = (UNAWAITED_CALL, STREAM_IN_WORKFLOW, ONLY_IN_WORKFLOWS, HOOK_DROPPED)
