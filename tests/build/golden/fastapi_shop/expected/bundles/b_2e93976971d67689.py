"""Written by workflow-build. Do not edit: the content is checked against its hash.

The code of workflow//shop.orders//checkout, cut down to what replay needs.
"""
# ruff: noqa

from workflow_runtime.bundles import Bundle, BundleModule

BUNDLE = Bundle(
    workflow="workflow//shop.orders//checkout",
    stateless=True,
    pure=(),
    modules=(
        BundleModule(
            name="shop",
            path="shop/__init__.py",
            is_package=True,
            source="""\
""",
        ),
        BundleModule(
            name="shop.orders",
            path="shop/orders.py",
            is_package=False,
            source="""\


import asyncio

from workflow_runtime import sleep

from shop import stock
from shop.payments import Receipt, charge
from shop.payments import cancel as cancel_payment





async def checkout(card: str, item: str) -> Receipt | None:
    \"\"\"Sell one item.\"\"\"
    receipt, reserved = await asyncio.gather(charge(card, price(item)), stock.reserve(item))
    if reserved:
        await sleep("2 days")
        return receipt
    await asyncio.gather(cancel_payment(receipt), stock.cancel(item))
    return None


def price(item: str) -> int:
    \"\"\"What an item costs, in cents.\"\"\"
    return 100 * len(item)
""",
        ),
        BundleModule(
            name="shop.payments",
            path="shop/payments.py",
            is_package=False,
            source="""\


from dataclasses import dataclass




@dataclass(frozen=True)
class Receipt:
    \"\"\"What was paid.\"\"\"

    text: str
    cents: int


@__workflow_step__("step//shop.payments//charge")
async def charge(card: str, cents: int) -> Receipt:
    ...



@__workflow_step__("step//shop.payments//cancel")
async def cancel(receipt: Receipt) -> None:
    ...
""",
        ),
        BundleModule(
            name="shop.stock",
            path="shop/stock.py",
            is_package=False,
            source="""\





@__workflow_step__("step//shop.stock//reserve")
async def reserve(item: str) -> bool:
    ...



@__workflow_step__("step//shop.stock//cancel")
async def cancel(item: str) -> None:
    ...
""",
        ),
    ),
)
