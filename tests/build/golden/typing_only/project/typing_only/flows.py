"""The class of what a step returns is imported for type checkers only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_only.steps import charge
from workflow_runtime import workflow

if TYPE_CHECKING:
    from typing_only.kinds import Receipt


def halved(receipt: Receipt) -> int:
    return receipt.half


@workflow
async def main(cents: int) -> int:
    return halved(await charge(cents))
