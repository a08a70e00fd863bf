"""Written by workflow-build. Do not edit: the content is checked against its hash.

The code of workflow//failures.flows//lost, cut down to what replay needs.
"""
# ruff: noqa

from workflow_runtime.bundles import Bundle, BundleModule

BUNDLE = Bundle(
    workflow="workflow//failures.flows//lost",
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
""",
        ),
        BundleModule(
            name="failures.flows",
            path="failures/flows.py",
            is_package=False,
            source="""\

from failures.errors import ShopError



@__workflow_step__("step//failures.flows//charge")
async def charge(cents: int) -> int:
    ...
























async def lost(amount: int) -> int:
    try:
        return await charge(amount)
    except ShopError as error:
        raise ValueError("lost") from error
""",
        ),
    ),
)
