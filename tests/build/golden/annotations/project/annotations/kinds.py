from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel

from annotations.heavy import Client

if TYPE_CHECKING:
    from annotations.plain import Only

from annotations.plain import Tag


class Record(BaseModel):
    tag: Tag
    by: list[Tag] = []

    def client(self) -> Client:
        return Client()

    def only(self, only: Only | None = None) -> Only | None:
        return only
