"""Written by workflow-build. Do not edit: the content is checked against its hash.

The code of workflow//nested.flows//main, cut down to what replay needs.
"""
# ruff: noqa

from workflow_runtime.bundles import Bundle, BundleModule

BUNDLE = Bundle(
    workflow="workflow//nested.flows//main",
    stateless=True,
    pure=(),
    modules=(
        BundleModule(
            name="nested",
            path="nested/__init__.py",
            is_package=True,
            source="""\
""",
        ),
        BundleModule(
            name="nested.flows",
            path="nested/flows.py",
            is_package=False,
            source="""\



from collections.abc import Awaitable, Callable
from dataclasses import dataclass




@dataclass
class Tariff:
    \"\"\"What a piece costs.\"\"\"

    cents: int


def priced(tariff: Tariff) -> Callable[[int], Awaitable[int]]:
    \"\"\"A helper that makes a step.\"\"\"

    @__workflow_step__("step//nested.flows//priced.<locals>.price", captured=lambda: {"tariff": tariff})
    async def price(count: int, rebate: int = tariff.cents // 10) -> int:
        ...

    return price



async def main(names: list[str], factor: int) -> list[object]:
    total = 0

    @__workflow_step__("step//nested.flows//main.<locals>.double", captured=lambda: {})
    def double(number: int, *more: int, by: int = factor) -> int:
        ...

    async def greet(name: str) -> str: ...

    greet = __workflow_step__("step//nested.flows//main.<locals>.greet", captured=lambda: {"names": names, "total": total})(greet)

    results: list[object] = []
    for name in names:
        total += await double(1, 2)
        results.append(await greet(name))
    results.append(await priced(Tariff(100))(3))
    return results
""",
        ),
    ),
)
