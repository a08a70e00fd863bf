"""The rules about names that lead nowhere, and about options."""

from __future__ import annotations

from workflow_build.rules.examples import GOOD
from workflow_build.rules.rule import Rule

MISSING_NAME = Rule(
    code="WB125",
    title="an import names what the project does not have",
    message="{problem}",
    hint="{advice}",
    why="The module is the project's own, so reading it tells that the import would fail.",
    valid=(
        """
# shop/prices.py
def price(item: str) -> int:
    return 100

# shop/orders.py
from shop.prices import price
from workflow_runtime import workflow

@workflow
async def checkout(item: str) -> int:
    return price(item)
""",
    ),
    invalid=(
        """
# shop/prices.py
def price(item: str) -> int:
    return 100

# shop/orders.py
from shop.prices import prize
from workflow_runtime import workflow

@workflow
async def checkout(item: str) -> int:
    return prize(item)
""",
        """
# shop/__init__.py

# shop/prices.py
def price(item: str) -> int:
    return 100

# shop/orders.py
from shop.price import price
from workflow_runtime import workflow

@workflow
async def checkout(item: str) -> int:
    return price(item)
""",
    ),
)

UNKNOWN_OPTION = Rule(
    code="WB126",
    title="a marker is given an option that it does not have",
    message="@{marker} has no option {option}",
    hint="{advice}",
    why="The marker would raise a `TypeError` as soon as the module is imported.",
    valid=(
        GOOD,
        """
from workflow_runtime import step

@step(max_retries=5)
async def charge(cents: int) -> str:
    return "receipt"
""",
    ),
    invalid=(
        """
from workflow_runtime import step

@step(retries=5)
async def charge(cents: int) -> str:
    return "receipt"
""",
        """
from workflow_runtime import workflow

@workflow(name="checkout")
async def checkout() -> None: ...
""",
    ),
)

IMPOSSIBLE_OPTION = Rule(
    code="WB130",
    title="an option has a value that it can not have",
    message="@{marker}: {problem}",
    hint="{advice}",
    why="The marker would raise an error as soon as the module is imported. A step that is a plain function runs in a thread, and nothing "
    "can stop a thread, so a `timeout` on it could not be kept.",
    valid=(
        GOOD,
        """
from workflow_runtime import NO_RETRY, exponential, step

@step(max_retries=5, retry={ValueError: NO_RETRY, OSError: exponential(1, cap="5 min")}, timeout="30 s")
async def charge(cents: int) -> str:
    return "receipt"
""",
        """
from workflow_runtime import step, workflow

@step(concurrency=5, rate="100/minute")
async def charge(cents: int) -> str:
    return "receipt"

@workflow(concurrency=10)
async def checkout(cents: int) -> str:
    return await charge(cents)
""",
    ),
    invalid=(
        """
from workflow_runtime import step

@step(concurrency=0)
async def charge(cents: int) -> str:
    return "receipt"
""",
        """
from workflow_runtime import workflow

@workflow(rate="fast")
async def checkout() -> None: ...
""",
        """
from workflow_runtime import step

@step(max_retries=-1)
async def charge(cents: int) -> str:
    return "receipt"
""",
        """
from workflow_runtime import exponential, step

@step(retry=exponential("1 min", cap="30 s"))
async def charge(cents: int) -> str:
    return "receipt"
""",
        """
from workflow_runtime import step

@step(timeout="30 s")
def charge(cents: int) -> str:
    return "receipt"
""",
    ),
)

NAME_RULES = (MISSING_NAME, UNKNOWN_OPTION, IMPOSSIBLE_OPTION)
