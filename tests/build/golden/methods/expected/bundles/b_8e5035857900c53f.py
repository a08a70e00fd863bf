"""Written by workflow-build. Do not edit: the content is checked against its hash.

The code of workflow//methods.orders//Flows.checkout, cut down to what replay needs.
"""
# ruff: noqa

from workflow_runtime.bundles import Bundle, BundleModule

BUNDLE = Bundle(
    workflow="workflow//methods.orders//Flows.checkout",
    stateless=True,
    pure=(),
    modules=(
        BundleModule(
            name="methods",
            path="methods/__init__.py",
            is_package=True,
            source="""\
""",
        ),
        BundleModule(
            name="methods.orders",
            path="methods/orders.py",
            is_package=False,
            source="""\


import enum


from dataclasses import dataclass, field


from pydantic import BaseModel




class Size(enum.Enum):
    SMALL = 1
    LARGE = 2

    @__workflow_step__("step//methods.orders//Size.price")
    def price(self) -> int:
        ...


class Customer(BaseModel):
    name: str
    points: int = 0

    async def greeted(self) -> "Customer":
        \"\"\"
        Add to the points.
        \"\"\"
        return await self._stored(by=2)

    async def _stored(self, *, by: int = ...) -> "Customer": ...

    _stored = __workflow_step__("step//methods.orders//Customer._stored")(_stored)


@dataclass(frozen=True)
class Order:
    \"\"\"What is sold.\"\"\"

    size: Size
    items: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        return len(self.items)

    @__workflow_step__("step//methods.orders//Order.ship")


    async def ship(self, to: str, cost: int = ...) -> str:
        ...



    @__workflow_step__("step//methods.orders//Order.smallest", staticmethod)

    def smallest(numbers: list[int]) -> int:
        ...

    @__workflow_step__("step//methods.orders//Order.largest", staticmethod)
    def largest(numbers: list[int]) -> int:
        ...


    @__workflow_step__("step//methods.orders//Order.of", classmethod)

    async def of(cls, *items: str, size: Size = ...) -> "Order":
        ...


@dataclass(frozen=True)
class Gift(Order):
    \"\"\"Inherits its steps.\"\"\"

    note: str = "for you"


class Flows:
    \"\"\"A workflow may be a static method.\"\"\"

    @staticmethod

    async def checkout(name: str) -> list[object]:
        order = await Order.of("cup", "plate", size=Size.LARGE)
        gift = Gift(Size.SMALL, ["book"])
        customer = await Customer(name=name).greeted()
        return [
            await order.ship("home"),
            await gift.ship(to="away", cost=0),
            await order.size.price(),
            await Order.smallest([3, 1, 2]) + await gift.largest([3, 1, 2]),
            order.count,
            customer,
        ]
""",
        ),
    ),
)
