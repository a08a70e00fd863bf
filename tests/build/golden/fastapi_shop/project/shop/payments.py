"""Money."""

from dataclasses import dataclass

from workflow_runtime import step


@dataclass(frozen=True)
class Receipt:
    """What was paid."""

    text: str
    cents: int


@step(max_retries=5)
async def charge(card: str, cents: int) -> Receipt:
    """Take the money."""
    return Receipt(f"{card} paid", cents)


@step
async def cancel(receipt: Receipt) -> None:
    """Give it back."""
    print(receipt)
