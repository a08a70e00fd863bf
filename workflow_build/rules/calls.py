"""The rules about how steps and workflows are called."""

from __future__ import annotations

from workflow_build.rules.examples import GOOD
from workflow_build.rules.rule import Rule

UNAWAITED_STEP = Rule(
    code="WB120",
    title="a step is called and not awaited",
    message="step {name} is called, but {problem}",
    hint="write `{fix}`",
    why="Calling a step only describes the call. It runs, and its outcome is recorded, when it is awaited, alone or through "
    "`asyncio.gather`, `create_task` and the like. A plain (sync) step is awaited through `asyncio.to_thread`, as type checkers expect.",
    valid=(
        GOOD,
        """
import asyncio
from workflow_runtime import step, workflow

@step
async def charge(cents: int) -> str:
    return "receipt"

@step
def print_label(order: str) -> None: ...

@workflow
async def checkout(order: str) -> str:
    printing = asyncio.create_task(asyncio.to_thread(print_label, order))
    payments = [charge(100), charge(200)]
    first, second = await asyncio.gather(*payments)
    await printing
    return first + second
""",
        """
from workflow_runtime import step, workflow

@step
async def charge(cents: int) -> str:
    return "receipt"

def payment(cents: int):
    return charge(cents)

@workflow
async def checkout(cents: int) -> str:
    pay = charge(cents) if cents else payment(1)
    return await pay
""",
    ),
    invalid=(
        """
from workflow_runtime import step, workflow

@step
async def charge(cents: int) -> str:
    return "receipt"

@workflow
async def checkout(cents: int) -> None:
    charge(cents)
""",
        """
from workflow_runtime import step, workflow

@step
def price(item: str) -> int:
    return 100

@step
async def charge(cents: int) -> str:
    return "receipt"

@workflow
async def checkout(item: str) -> str:
    cents = price(item)
    return await charge(cents + 1)
""",
        """
from workflow_runtime import step, workflow

@step
async def charge(cents: int) -> str:
    return "receipt"

@workflow
async def checkout(cents: int) -> str:
    return charge(cents)
""",
    ),
)

UNSERIALIZABLE_ARGUMENT = Rule(
    code="WB123",
    title="an argument can not be serialized",
    message="{name} is given {what}, which can not be serialized",
    hint="{advice}",
    why="Arguments go into the run's log, so that a replay, or another process, has the same ones. What crosses is data: "
    "numbers, text, dates, lists, dicts, dataclasses, pydantic models and the like.",
    valid=(
        GOOD,
        """
from workflow_runtime import step, workflow

@step
async def total(cents: list[int]) -> int:
    return sum(cents)

@workflow
async def checkout(cents: list[int]) -> int:
    biggest = max(cents, key=lambda cent: cent)
    return await total([cent for cent in cents if cent < biggest])
""",
    ),
    invalid=(
        """
from workflow_runtime import step, workflow

@step
async def choose(key) -> str:
    return "x"

@workflow
async def checkout() -> str:
    return await choose(lambda item: item)
""",
        """
from workflow_runtime import step, workflow

@step
async def total(cents) -> int:
    return sum(cents)

@workflow
async def checkout(cents: list[int]) -> int:
    doubled = (2 * cent for cent in cents)
    return await total(doubled)
""",
        """
import json
from workflow_runtime import start, workflow

@workflow
async def checkout(codec: object) -> None: ...

async def create() -> None:
    await start(checkout, json)
""",
    ),
)

WORKFLOW_CALLED = Rule(
    code="WB124",
    title="a workflow is called directly",
    message="workflow {name} is called directly, which would not be durable",
    hint="write `run = await start({name}{arguments})` with `start` from workflow_runtime; `await run.result()` waits for its end",
    why="A run exists only once `start` has recorded it. A direct call raises `WorkflowError`. (Within a workflow, calling another "
    "one is fine: its code then runs as a part of the same run.)",
    valid=(
        """
from workflow_runtime import start, workflow

@workflow
async def checkout(order: str) -> str:
    return order

async def create(order: str) -> str:
    run = await start(checkout, order)
    return run.id
""",
        """
from workflow_runtime import workflow

@workflow
async def pay(order: str) -> str:
    return order

@workflow
async def checkout(order: str) -> str:
    return await pay(order)
""",
    ),
    invalid=(
        """
from workflow_runtime import workflow

@workflow
async def checkout(order: str) -> str:
    return order

async def create(order: str) -> str:
    return await checkout(order)
""",
    ),
)

NOT_A_WORKFLOW = Rule(
    code="WB127",
    title="`start` is given something that is no workflow",
    message="start is given {name}, which is {what}",
    hint="{advice}",
    why="`start` makes a run, and a run is one execution of a workflow. A step needs none: outside of a workflow it simply runs.",
    valid=(
        """
from workflow_runtime import start, workflow

@workflow
async def checkout(order: str) -> str:
    return order

async def create(order: str) -> str:
    return (await start(checkout, order)).id
""",
    ),
    invalid=(
        """
from workflow_runtime import start, step

@step
async def charge(cents: int) -> str:
    return "receipt"

async def create(cents: int) -> None:
    await start(charge, cents)
""",
        """
from workflow_runtime import start, step

async def checkout(order: str) -> str:
    return order

async def create(order: str) -> None:
    await start(checkout, order)
""",
    ),
)

CALL_RULES = (UNAWAITED_STEP, UNSERIALIZABLE_ARGUMENT, WORKFLOW_CALLED, NOT_A_WORKFLOW)
