"""The rules about how functions are marked."""

from __future__ import annotations

from workflow_build.model import Severity
from workflow_build.rules.examples import GOOD
from workflow_build.rules.rule import Rule

SYNC_WORKFLOW = Rule(
    code="WB103",
    title="a workflow is not async",
    message="workflow {name} is not async",
    hint="write `async def {name}(…)`",
    why="A workflow waits for its steps, and waiting is what `await` is for. Steps may be sync or async.",
    valid=(GOOD,),
    invalid=(
        """
from workflow_runtime import workflow

@workflow
def checkout() -> None: ...
""",
        """
def checkout() -> None:
    "use workflow"
""",
    ),
)

GENERATOR = Rule(
    code="WB104",
    title="a generator is marked",
    message="{kind} {name} is a generator; what it yields can not be recorded",
    hint="return the values, as a list for example, or write them to a stream from a step",
    why="A step has one outcome and so has a workflow. Each is recorded as one event.",
    valid=(GOOD,),
    invalid=(
        """
from collections.abc import Iterator
from workflow_runtime import step

@step
def pages() -> Iterator[int]:
    yield 1
""",
    ),
)

DUPLICATE_ID = Rule(
    code="WB105",
    title="two functions have the same id",
    message="{id} is defined twice; the other one is at {other}",
    hint="rename one of the two functions, or one of the two modules",
    why="The id is how a run's log names its workflow and its steps. It must mean one function.",
    valid=(GOOD,),
    invalid=(
        """
from workflow_runtime import step

@step
def charge() -> int:
    return 1

@step
def charge() -> int:
    return 2
""",
    ),
)

UNSUPPORTED_PLACE = Rule(
    code="WB106",
    title="a marker on something that is not supported",
    message="{marker} on {what}: this is not supported",
    hint="mark a function at the top level of a module; docs/what-is-found.md says where else a mark may stand",
    why="A step must be found again by its id in another process, after a deploy, without the objects that were around it. "
    "That holds for functions at the top level of a module, for static and class methods, for methods of classes whose instances are "
    "data, and for functions inside of functions whose captured values can travel.",
    valid=(
        GOOD,
        """
from workflow_runtime import step

durable = step(max_retries=5)

@durable
def charge() -> int:
    return 1
""",
        """
from dataclasses import dataclass
from workflow_runtime import step, workflow

@dataclass
class Order:
    cents: int

    @step
    async def charge(self) -> int:
        return self.cents

    @staticmethod
    @workflow
    async def checkout(cents: int) -> int:
        factor = 2

        @step
        def doubled(amount: int) -> int:
            return factor * amount

        return await doubled(await Order(cents).charge())
""",
    ),
    invalid=(
        """
from workflow_runtime import step

@step
class Charge: ...
""",
        """
from workflow_runtime import step

class Payments:
    @step
    def charge(self) -> int:
        return 1
""",
        """
from workflow_runtime import workflow

def outer() -> object:
    @workflow
    async def inner() -> int:
        return 1
    return inner
""",
        """
from workflow_runtime import step

double = step(lambda x: 2 * x)
""",
    ),
)

UNCLEAR_MARK = Rule(
    code="WB107",
    title="it is not clear how a function is marked",
    message="{name}: {problem}",
    hint="{advice}",
    why="A function is a workflow or a step, and says so in one place: a decorator, or a directive that is its first statement.",
    valid=(
        """
async def checkout() -> None:
    "use workflow"
    "What is said here is no docstring, but it may be said."
""",
    ),
    invalid=(
        """
from workflow_runtime import step, workflow

@step
@workflow
async def checkout() -> None: ...
""",
        '''
async def checkout() -> None:
    """Take the money."""
    "use workflow"
''',
        """
"use step"

def charge() -> int:
    return 1
""",
        """
def charge() -> int: "use step"
""",
        """
from workflow_runtime import workflow

MOST = 5

@workflow(concurrency=MOST)
async def checkout() -> None: ...
""",
    ),
)

MISSPELLED_DIRECTIVE = Rule(
    code="WB108",
    title="a string looks like a misspelled directive",
    message='{name} starts with "{found}", which marks nothing',
    hint='write "{meant}", or reword the docstring if it is one',
    why="A directive that is almost right would be silently no directive.",
    valid=(
        '''
def charge() -> int:
    """Use steps with care when you charge."""
    return 1
''',
    ),
    invalid=(
        """
async def checkout() -> None:
    "use workflows"
""",
        """
def charge() -> int:
    "use-step"
    return 1
""",
    ),
    severity=Severity.WARNING,
)

DECORATED_WORKFLOW = Rule(
    code="WB112",
    title="a workflow has another decorator",
    message="workflow {name} has another decorator besides the marker: {decorator}",
    hint="remove the decorator and do what it does inside of the workflow, or in a step",
    why="A decorator would run in each replay, around code whose shape the log must match. This is not supported yet.",
    valid=(GOOD,),
    invalid=(
        """
import functools
from workflow_runtime import workflow

@workflow
@functools.cache
async def checkout() -> None: ...
""",
    ),
)
