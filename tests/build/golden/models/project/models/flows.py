from decimal import Decimal

from pydantic import ValidationError

from models.types import GRACE, Basket, Colour, Item, Money, Page, Size
from workflow_runtime import step, workflow


@step
async def load(page: int) -> Page[Item]:
    return Page[Item](rows=[Item(name=f" item {page} ", colours=[Colour.BLUE])], next=page + 1)


@step
async def pay(amount: Money, basket: Basket) -> Money:
    return amount + Money(Decimal(basket.total))


@workflow
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
