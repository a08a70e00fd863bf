from failures import errors
from failures.errors import CAUGHT, Declined, ShopError
from workflow_runtime import FatalError, step, workflow


@step(max_retries=0)
async def charge(cents: int) -> int:
    if cents > 100:
        raise Declined("too much", cents=cents)
    if cents < 0:
        raise FatalError("negative")
    return {5: 50}[cents]


@workflow
async def main(amounts: list[int]) -> list[str]:
    found: list[str] = []
    for amount in amounts:
        try:
            found.append(str(await charge(amount)))
        except CAUGHT as error:
            found.append(f"{type(error).__name__} {error} {getattr(error, 'cents', None)} {errors.ShopError.code}")
        except FatalError as error:
            found.append(f"fatal {error}")
        else:
            found.append("fine")
        finally:
            found.append("next")
    return found


@workflow
async def lost(amount: int) -> int:
    try:
        return await charge(amount)
    except ShopError as error:
        raise ValueError("lost") from error
