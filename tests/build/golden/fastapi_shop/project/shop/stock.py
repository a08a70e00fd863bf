"""Things."""

from workflow_runtime import step


@step
async def reserve(item: str) -> bool:
    """Put an item aside."""
    return item != "unicorn"


@step
async def cancel(item: str) -> None:
    """Put an item back."""
    print(item)
