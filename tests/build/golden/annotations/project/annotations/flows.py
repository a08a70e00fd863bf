from __future__ import annotations

import decimal
from typing import TYPE_CHECKING, Any

from annotations.heavy import Client
from annotations.kinds import Record
from annotations.plain import Tag
from workflow_runtime import step, workflow

if TYPE_CHECKING:
    from collections.abc import Sequence


@step
async def store(record: Record, price: decimal.Decimal) -> Record:
    return record.model_copy(update={"by": [record.tag]})


@step
async def connect(client: Client | None = None) -> None: ...


def names(records: Sequence[Record], client: Client | None = None) -> Any:
    found: Client | None = None
    return [record.by[0].name for record in records], found


@workflow
async def main(name: str) -> Any:
    record = Record(tag=Tag(name))
    await connect()
    return names([await store(record, decimal.Decimal("1.0"))])
