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

UNSEEN_CHANGE = Rule(
    code="WB129",
    title="workflow code reads what other code changes, and never sees the change",
    message="workflow {workflow} reads {name}, and never sees what {who} does to it",
    hint="read it in a step, or give it to the workflow as an argument; what is filled while modules are loaded has to be filled in the "
    "module that it belongs to",
    why="Workflow code has modules of its own, in which only what it reaches is executed. What steps, the app, or other modules change "
    "in the real ones is not there.",
    valid=(
        """
from workflow_runtime import step, workflow

HANDLERS = {}

def handles(name):
    def register(function):
        HANDLERS[name] = function
        return function
    return register

@handles("double")
def double(n: int) -> int:
    return n * 2

@workflow
async def checkout(n: int) -> int:
    handler = HANDLERS["double"]
    return handler(n)
""",
    ),
    invalid=(
        """
from workflow_runtime import step, workflow

settings = {"currency": "SEK"}

def configure(currency: str) -> None:
    settings["currency"] = currency

@workflow
async def checkout(cents: int) -> str:
    return f"{cents} {settings['currency']}"
""",
        """
from workflow_runtime import step, workflow

done = False

@step
async def charge(cents: int) -> None:
    global done
    done = True

@workflow
async def checkout(cents: int) -> bool:
    await charge(cents)
    return done
""",
    ),
    severity=Severity.WARNING,
)

REPLAY_RULES = (SET_ORDER, STATE_CHANGED, UNSEEN_CHANGE)
