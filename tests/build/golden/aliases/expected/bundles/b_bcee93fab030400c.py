"""Written by workflow-build. Do not edit: the content is checked against its hash.

The code of workflow//aliases.flows//main, cut down to what replay needs.
"""
# ruff: noqa

from workflow_runtime.bundles import Bundle, BundleModule

BUNDLE = Bundle(
    workflow="workflow//aliases.flows//main",
    stateless=False,
    pure=(),
    modules=(
        BundleModule(
            name="aliases",
            path="aliases/__init__.py",
            is_package=True,
            source="""\
""",
        ),
        BundleModule(
            name="aliases.api",
            path="aliases/api/__init__.py",
            is_package=True,
            source="""\

from .pay import charge as charged
from .pay import charge, refund
""",
        ),
        BundleModule(
            name="aliases.api.pay",
            path="aliases/api/pay.py",
            is_package=False,
            source="""\





@__workflow_step__("step//aliases.api.pay//charge")
async def charge(cents: int) -> int:
    ...


@__workflow_step__("step//aliases.api.pay//refund")
def refund(cents: int) -> int:
    ...
""",
        ),
        BundleModule(
            name="aliases.flows",
            path="aliases/flows.py",
            is_package=False,
            source="""\
import aliases.other as o
from aliases import api
from aliases.api import charged


@__workflow_step__("step//aliases.flows//third")
async def third(cents: int) -> int:
    ...


pay = charged



async def main(cents: int) -> list[int]:
    return [await pay(cents), await api.refund(cents), await o.charge(cents), await third(cents), await api.charge(1)]
""",
        ),
        BundleModule(
            name="aliases.other",
            path="aliases/other.py",
            is_package=False,
            source="""\



@__workflow_step__("step//aliases.other//charge")
def charge(cents: int) -> int:
    ...
""",
        ),
    ),
)
