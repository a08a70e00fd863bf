"""Definitions in branches, of which one exists at run time."""

import sys
from typing import TYPE_CHECKING

from workflow_runtime import step, workflow

if TYPE_CHECKING:
    from heavy_types import Receipt

try:
    import no_such_package_at_all
except ImportError:

    @step
    async def charge(cents: int) -> str:
        return f"plain {cents}"

else:

    @step
    async def charge(cents: int) -> str:
        return str(no_such_package_at_all.charge(cents))


if sys.version_info >= (3, 0):

    @step(max_retries=1)
    def refund(cents: int) -> int:
        return -cents

elif sys.version_info >= (2, 0):

    @step(max_retries=1)
    def refund(cents: int) -> int:
        return 0

else:

    def refund(cents: int) -> int:
        "use step"
        return 1


LIMIT = 10
if LIMIT > 5:
    RATE = 2
else:
    RATE = 3

try:
    NAME = {"a": 1}["b"]
except KeyError:
    NAME = 7


def receipt(text: str) -> "Receipt":
    return text


@workflow
async def main(cents: int) -> list[object]:
    return [receipt(await charge(cents)), await refund(cents), RATE, NAME]
