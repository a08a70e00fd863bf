"""The rules about workflow code that would not go the same way again."""

from __future__ import annotations

from workflow_build.model import Severity
from workflow_build.rules.examples import GOOD
from workflow_build.rules.rule import Rule

SET_ORDER = Rule(
    code="WB121",
    title="workflow code depends on the order of a set",
    message="{what}, a set: its order differs between processes",
    hint="{advice}",
    why="Python gives text another hash in each process, and sets keep their elements by hash. A replay in another process would visit "
    "them in another order, and make its calls in another order than the log has. Asking whether something is in a set is fine, "
    "and so is what does not depend on the order: `len`, `sum`, `min`, `sorted`, another set. Where nothing is awaited, it is a warning.",
    valid=(
        GOOD,
        """
from workflow_runtime import step, workflow

@step
async def charge(card: str) -> None: ...

@workflow
async def checkout(cards: list[str], blocked: set[str]) -> int:
    unique = set(cards)
    for card in sorted(unique):
        if card not in blocked:
            await charge(card)
    return len({card.lower() for card in unique})
""",
    ),
    invalid=(
        """
from workflow_runtime import step, workflow

@step
async def charge(card: str) -> None: ...

@workflow
async def checkout(cards: list[str]) -> None:
    for card in set(cards):
        await charge(card)
""",
        """
from workflow_runtime import step, workflow

@step
async def charge(cards: list[str]) -> None: ...

@workflow
async def checkout(cards: list[str]) -> None:
    unique = {card.lower() for card in cards}
    await charge(list(unique))
""",
    ),
)

STATE_CHANGED = Rule(
    code="WB122",
    title="workflow code changes what belongs to its module",
    message="workflow {workflow} changes {name}, which belongs to module {module}: {path}",
    hint="keep it in a variable of the workflow and pass it on; what runs share belongs into a database, written by a step",
    why="Each replay has modules of its own, fresh ones. What a run puts there is not there in its next replay, other runs never "
    "see it, and the app does not either.",
    valid=(
        """
from workflow_runtime import workflow

RATES = {"se": 25, "dk": 25}

@workflow
async def checkout(country: str, cents: int) -> list[int]:
    parts = []
    parts.append(cents * RATES[country] // 100)
    return parts
""",
    ),
    invalid=(
        """
from workflow_runtime import workflow

orders = 0

@workflow
async def checkout(cents: int) -> int:
    global orders
    orders += 1
    return orders
""",
        """
from workflow_runtime import workflow

SEEN: list[str] = []

def remember(card: str) -> None:
    SEEN.append(card)

@workflow
async def checkout(card: str) -> None:
    remember(card)
""",
    ),
    severity=Severity.WARNING,
)

REPLAY_RULES = (SET_ORDER, STATE_CHANGED)
