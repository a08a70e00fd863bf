"""A module that no rule finds anything in."""

GOOD = """
from workflow_runtime import step, workflow

@step
async def charge(cents: int) -> str:
    return "receipt"

@workflow
async def checkout(cents: int) -> str:
    return await charge(cents)
"""
