"""Written by workflow-build. Do not edit: the content is checked against its hash.

The code of workflow//failures.flows//main, cut down to what replay needs.
"""
# ruff: noqa

from workflow_runtime.bundles import Bundle, BundleModule

BUNDLE = Bundle(
    workflow="workflow//failures.flows//main",
    stateless=True,
    pure=(),
    modules=(
        BundleModule(
            name="failures",
            path="failures/__init__.py",
            is_package=True,
            source="""\
""",
        ),
        BundleModule(
            name="failures.errors",
            path="failures/errors.py",
            is_package=False,
            source="""\



class ShopError(Exception):
    \"\"\"The root of all.\"\"\"

    code = 1


class Declined(ShopError):
    def __init__(self, reason: str, *, cents: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.cents = cents

    def __str__(self) -> str:
        return f"declined: {self.reason} ({self.cents})"






CAUGHT = (Declined, KeyError)
""",
        ),
        BundleModule(
            name="failures.flows",
            path="failures/flows.py",
            is_package=False,
            source="""\
from failures import errors
from failures.errors import CAUGHT
from workflow_runtime import FatalError


@__workflow_step__("step//failures.flows//charge")
async def charge(cents: int) -> int:
    ...







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
""",
        ),
    ),
)
