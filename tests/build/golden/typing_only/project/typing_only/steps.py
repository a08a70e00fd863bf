from __future__ import annotations

from typing import TYPE_CHECKING

from workflow_runtime import step

if TYPE_CHECKING:
    from typing_only import kinds


@step
async def charge(cents: int) -> kinds.Receipt:
    from typing_only import kinds

    return kinds.Receipt(cents)
