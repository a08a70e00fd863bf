"""In packages without __init__.py, under two roots."""

from layout_more.pay import charge
from layout_space.deep import rates
from workflow_runtime import workflow


@workflow
async def main(cents: int) -> int:
    return await charge(cents * rates.RATE)
