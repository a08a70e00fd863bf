"""Written by workflow-build. Do not edit: the content is checked against its hash.

The code of workflow//annotations.flows//main, cut down to what replay needs.
"""
# ruff: noqa

from workflow_runtime.bundles import Bundle, BundleModule

BUNDLE = Bundle(
    workflow="workflow//annotations.flows//main",
    stateless=False,
    pure=(),
    modules=(
        BundleModule(
            name="annotations",
            path="annotations/__init__.py",
            is_package=True,
            source="""\
""",
        ),
        BundleModule(
            name="annotations.flows",
            path="annotations/flows.py",
            is_package=False,
            source="""\
from __future__ import annotations

import decimal
from typing import Any

from annotations.heavy import Client
from annotations.kinds import Record
from annotations.plain import Tag






@__workflow_step__("step//annotations.flows//store")
async def store(record: Record, price: decimal.Decimal) -> Record:
    ...


@__workflow_step__("step//annotations.flows//connect")
async def connect(client: Client | None = ...) -> None: ...


def names(records: Sequence[Record], client: Client | None = None) -> Any:
    found: Client | None = None
    return [record.by[0].name for record in records], found



async def main(name: str) -> Any:
    record = Record(tag=Tag(name))
    await connect()
    return names([await store(record, decimal.Decimal("1.0"))])
""",
        ),
        BundleModule(
            name="annotations.heavy",
            path="annotations/heavy.py",
            is_package=False,
            source="""\







class Client:
    \"\"\"Not for workflows.\"\"\"
""",
        ),
        BundleModule(
            name="annotations.kinds",
            path="annotations/kinds.py",
            is_package=False,
            source="""\
from __future__ import annotations



from pydantic import BaseModel

from annotations.heavy import Client




from annotations.plain import Tag


class Record(BaseModel):
    tag: Tag
    by: list[Tag] = []

    def client(self) -> Client:
        return Client()

    def only(self, only: Only | None = None) -> Only | None:
        return only
""",
        ),
        BundleModule(
            name="annotations.plain",
            path="annotations/plain.py",
            is_package=False,
            source="""\
from __future__ import annotations

from dataclasses import dataclass
from typing import NewType

Key = NewType("Key", int)


@dataclass
class Tag:
    name: str
    key: Key = Key(1)


class Only: ...
""",
        ),
    ),
)
