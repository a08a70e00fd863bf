"""Written by workflow-build. Do not edit: the content is checked against its hash.

The code of workflow//methods.orders//mistaken, cut down to what replay needs.
"""
# ruff: noqa

from workflow_runtime.bundles import Bundle, BundleModule

BUNDLE = Bundle(
    workflow="workflow//methods.orders//mistaken",
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







class Size(enum.Enum):
    SMALL = 1
    LARGE = 2

    @__workflow_step__("step//methods.orders//Size.price")
    def price(self) -> int:
        ...

















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






















async def mistaken() -> str:
    try:
        await Gift.of("x")
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "no error"
""",
        ),
    ),
)
