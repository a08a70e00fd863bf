from __future__ import annotations

from dataclasses import dataclass
from typing import NewType

Key = NewType("Key", int)


@dataclass
class Tag:
    name: str
    key: Key = Key(1)


class Only: ...
