"""Written by workflow-build. Do not edit: the content is checked against its hash.

The code of workflow//models.flows//main, cut down to what replay needs.
"""
# ruff: noqa

from workflow_runtime.bundles import Bundle, BundleModule

BUNDLE = Bundle(
    workflow="workflow//models.flows//main",
    stateless=False,
    pure=(),
    modules=(
        BundleModule(
            name="models",
            path="models/__init__.py",
            is_package=True,
            source="""\
""",
        ),
        BundleModule(
            name="models.flows",
            path="models/flows.py",
            is_package=False,
            source="""\
from decimal import Decimal

from pydantic import ValidationError

from models.types import GRACE, Basket, Item, Money, Page, Size



@__workflow_step__("step//models.flows//load")
async def load(page: int) -> Page[Item]:
    ...


@__workflow_step__("step//models.flows//pay")
async def pay(amount: Money, basket: Basket) -> Money:
    ...



async def main(count: int) -> list[object]:
    pages = [await load(number) for number in range(count)]
    basket = Basket(items=[item for page in pages for item in page.rows], parent=Basket(items=[]))
    paid = await pay(Money.nothing(), basket)
    try:
        Basket(items=basket.items * 4)
    except ValidationError as error:
        problem = error.errors()[0]["type"]
    return [
        paid.amount,
        max(paid, Money(Decimal("1.5"), scale=2)).amount,
        paid.history[1].unit,
        basket.items[0].name,
        basket.items[0].colours[0].other,
        basket.items[0].size._replace(height=9) > Size(0),
        basket.parent is not None and basket.parent.total,
        pages[-1].next,
        problem,
        GRACE.days,
    ]
""",
        ),
        BundleModule(
            name="models.types",
            path="models/types.py",
            is_package=False,
            source="""\



from dataclasses import KW_ONLY, InitVar, dataclass, field
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum, auto
from functools import total_ordering
from typing import Annotated, ClassVar, Generic, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, Field, computed_field, field_validator, model_validator
from typing_extensions import TypedDict

T = TypeVar("T")
Cents = Annotated[int, Field(ge=0)]
MAX_ITEMS = 3


class Colour(StrEnum):
    RED = auto()
    BLUE = auto()

    @property
    def other(self) -> "Colour":
        return Colour.BLUE if self is Colour.RED else Colour.RED


class Size(NamedTuple):
    width: int
    height: int = 2


class Extra(TypedDict, total=False):
    note: str


def new_tags() -> list[str]:
    return ["new"]


class Item(BaseModel):
    model_config = ConfigDict(frozen=True)

    name: str
    price: Cents = 5
    size: Size = Size(1)
    colours: list[Colour] = Field(default_factory=lambda: [Colour.RED])
    tags: list[str] = Field(default_factory=new_tags)

    @field_validator("name")
    @classmethod
    def strip(cls, value: str) -> str:
        return value.strip()


class Basket(BaseModel):
    items: "list[Item]"
    parent: "Basket | None" = None
    extra: Extra = {}

    @model_validator(mode="after")
    def not_too_many(self) -> "Basket":
        if len(self.items) > MAX_ITEMS:
            raise ValueError(f"more than {MAX_ITEMS}")
        return self

    @computed_field
    @property
    def total(self) -> int:
        return sum(item.price for item in self.items)


class Page(BaseModel, Generic[T]):
    rows: list[T]
    next: int | None = None


@total_ordering
@dataclass(order=False)
class Money:
    amount: Decimal
    _: KW_ONLY
    unit: str = "EUR"
    scale: InitVar[int] = 1
    history: list["Money"] = field(default_factory=list, repr=False)
    zero: ClassVar[Decimal] = Decimal(0)

    def __post_init__(self, scale: int) -> None:
        self.amount *= scale

    def __add__(self, other: "Money") -> "Money":
        return Money(self.amount + other.amount, history=[self, other])

    def __lt__(self, other: "Money") -> bool:
        return self.amount < other.amount

    @classmethod
    def nothing(cls) -> "Money":
        return cls(cls.zero)







GRACE = timedelta(days=2)
""",
        ),
    ),
)
