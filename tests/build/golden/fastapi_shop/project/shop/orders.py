"""Orders."""

import asyncio

from workflow_runtime import sleep, workflow

from shop import stock
from shop.payments import Receipt, charge
from shop.payments import cancel as cancel_payment

QUOTE = """three "quotes" and a \\ backslash"""


@workflow
async def checkout(card: str, item: str) -> Receipt | None:
    """Sell one item."""
    receipt, reserved = await asyncio.gather(charge(card, price(item)), stock.reserve(item))
    if reserved:
        await sleep("2 days")
        return receipt
    await asyncio.gather(cancel_payment(receipt), stock.cancel(item))
    return None


def price(item: str) -> int:
    """What an item costs, in cents."""
    return 100 * len(item)


def unreached() -> None:
    """Nothing that a workflow needs."""
    print(QUOTE)
