"""The examples of the rules: what they have in common, and which files they stand for."""

from __future__ import annotations

import re

PLACE = "shop/orders.py"
"""Where an example stands unless it says otherwise."""

_OTHER_FILE = re.compile(r"(?m)^# (\S+\.py)\n")

GOOD = """
from workflow_runtime import step, workflow

@step
async def charge(cents: int) -> str:
    return "receipt"

@workflow
async def checkout(cents: int) -> str:
    return await charge(cents)
"""
"""A module that no rule finds anything in."""


def files_of(example: str) -> dict[str, str]:
    """The files of an example: a line ``# shop/prices.py`` begins another one."""
    first, *rest = _OTHER_FILE.split(example)
    others = dict(zip(rest[::2], rest[1::2], strict=True))
    return {**({PLACE: first} if first.strip() else {}), **others}
