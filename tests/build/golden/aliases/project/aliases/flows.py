import aliases.other as o
from aliases import api, marks
from aliases.api import charged


@api.task
async def third(cents: int) -> int:
    return cents * 3


pay = charged


@marks.workflow
async def main(cents: int) -> list[int]:
    return [await pay(cents), await api.refund(cents), await o.charge(cents), await third(cents), await api.charge(1)]
