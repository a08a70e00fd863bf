from workflow_runtime import step


@step
async def charge(cents: int) -> int:
    return cents + 1
