"""The rules about what workflows reach, and about the project as a whole."""

from __future__ import annotations

from workflow_build.model import Severity
from workflow_build.rules.examples import GOOD
from workflow_build.rules.rule import Rule

IMPURE_IMPORT = Rule(
    code="WB101",
    title="workflow code uses a module that is not pure",
    message="workflow {workflow} uses {name}, which is not pure: {path}",
    hint="move the code that uses {name} into a step, or, if {package} only computes, name it in `pure` under [tool.workflow-build]",
    why="A workflow is replayed from its log. Whatever it does itself is done again in each replay, so it must not touch "
    "network, files, environment, threads or processes, and heavy packages would be loaded for nothing. Steps may do anything.",
    valid=(
        GOOD,
        """
import requests
from workflow_runtime import step, workflow

@step
def price(item: str) -> int:
    return requests.get(f"https://prices.example/{item}").json()

@workflow
async def checkout(item: str) -> int:
    return await price(item)
""",
    ),
    invalid=(
        """
import requests
from workflow_runtime import workflow

def price(item: str) -> int:
    return requests.get(f"https://prices.example/{item}").json()

@workflow
async def checkout(item: str) -> int:
    return price(item)
""",
    ),
)

BLOCKING_CALL = Rule(
    code="WB102",
    title="workflow code calls what only a step may call",
    message="workflow {workflow} calls {name}: {path}",
    hint="{advice}",
    why="These calls block, read the outside, or need a real event loop. None of them gives the same in a replay.",
    valid=(
        """
from workflow_runtime import sleep, workflow

@workflow
async def remind() -> None:
    await sleep("1 hour")
""",
    ),
    invalid=(
        """
import time
from workflow_runtime import workflow

@workflow
async def remind() -> None:
    time.sleep(3600)
""",
        """
from workflow_runtime import workflow

@workflow
async def load(path: str) -> str:
    with open(path) as file:
        return file.read()
""",
    ),
)

UNLOADABLE_CLASS = Rule(
    code="WB128",
    title="a workflow is given objects of a class that it can not load",
    message="workflow {workflow} gets objects of {cls} {source}, and can not load that class: defining it uses {name}, which is not pure",
    hint="take {name} out of what runs when {cls} is defined, or, if {package} only computes, name it in `pure` under "
    "[tool.workflow-build]",
    why="What a step returns reaches the workflow as data, and is made into an object again by the class. The bundle holds the class only if "
    "defining it touches nothing outside; without the class, the run would fail when the value arrives.",
    valid=(
        GOOD,
        """
import os
from dataclasses import dataclass, field
from workflow_runtime import step, workflow

def home() -> str:
    return os.environ["HOME"]

@dataclass
class Order:
    item: str
    folder: str = field(default_factory=home)

@step
async def load(item: str) -> Order:
    return Order(item)

@workflow
async def checkout(item: str) -> str:
    order = await load(item)
    return order.item
""",
    ),
    invalid=(
        """
import os
from dataclasses import dataclass
from workflow_runtime import step, workflow

@dataclass
class Order:
    item: str
    folder: str = os.environ["HOME"]

@step
async def load(item: str) -> Order:
    return Order(item)

@workflow
async def checkout(item: str) -> str:
    order = await load(item)
    return order.item
""",
    ),
)

NO_WORKFLOWS = Rule(
    code="WB109",
    title="no workflow was found",
    message="no workflow found under {roots}",
    hint="mark an async function with @workflow, or name the folder of your packages in `roots` under [tool.workflow-build]",
    why="There would be nothing to run. Most often the build looks into another folder than where the code is.",
    valid=(GOOD,),
    invalid=(
        """
from workflow_runtime import step

@step
def charge() -> int:
    return 1
""",
        """
def workflow(function: object) -> object:
    return function

@workflow
async def checkout() -> None: ...
""",
    ),
)

UNREADABLE_SOURCE = Rule(
    code="WB110",
    title="a file can not be read as Python",
    message="{problem}",
    hint="{advice}",
    why="The compiler reads source without running it, so it must be able to parse each file that may hold a workflow or a step.",
    valid=(GOOD,),
    invalid=(
        """
from workflow_runtime import workflow

@workflow
async def checkout(:
""",
    ),
)

UNUSED_STEP = Rule(
    code="WB111",
    title="no workflow uses a step",
    message="no workflow uses step {name}",
    hint="nothing needs to be done if other code calls it; a step called outside of a workflow simply runs",
    why="Most often the call was removed and the step forgotten, or it is called through something that the compiler can not follow.",
    valid=(GOOD,),
    invalid=(
        """
from workflow_runtime import step, workflow

@step
def charge() -> int:
    return 1

@workflow
async def checkout() -> None: ...
""",
    ),
    severity=Severity.HINT,
)
