"""Steps that are methods: of a class with fields, of an enum, of a model, static and class methods."""

import enum
import heapq
import json
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel

from workflow_runtime import step, workflow


class Size(enum.Enum):
    SMALL = 1
    LARGE = 2

    @step
    def price(self) -> int:
        return self.value * int(Path("/nowhere").name == "nowhere") * 100


class Customer(BaseModel):
    name: str
    points: int = 0

    async def greeted(self) -> "Customer":
        """
        Add to the points.
        """
        return await self._stored(by=2)

    async def _stored(self, *, by: int = 1) -> "Customer":
        "use step"
        return self.model_copy(update={"points": self.points + by})


@dataclass(frozen=True)
class Order:
    """What is sold."""

    size: Size
    items: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        return len(self.items)

    @step(
        max_retries=1,
    )
    async def ship(self, to: str, cost: int = 7) -> str:
        """Hand it to the carrier."""
        assert isinstance(self, Order)
        return json.dumps([to, cost, *self.items])

    @staticmethod
    @step
    def smallest(numbers: list[int]) -> int:
        return heapq.nsmallest(1, numbers)[0]

    @staticmethod
    def largest(numbers: list[int]) -> int:
        "use step"
        return heapq.nlargest(1, numbers)[0]

    @classmethod
    @step
    async def of(cls, *items: str, size: Size = Size.SMALL) -> "Order":
        return cls(size, list(items))


@dataclass(frozen=True)
class Gift(Order):
    """Inherits its steps."""

    note: str = "for you"


class Flows:
    """A workflow may be a static method."""

    @staticmethod
    @workflow
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


@workflow
async def mistaken() -> str:
    try:
        await Gift.of("x")
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "no error"
