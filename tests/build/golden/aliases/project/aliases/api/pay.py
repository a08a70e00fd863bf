import workflow_runtime as w

__all__ = ["charge", "refund"]


@w.step(max_retries=2)
async def charge(cents: int) -> int:
    return cents


@w.step
def refund(cents: int) -> int:
    return -cents


def _hidden() -> None: ...
