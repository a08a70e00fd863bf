"""Written by workflow-build. Do not edit: the content is checked against its hash.

The code of workflow//layout_space.deep.flows//main, cut down to what replay needs.
"""
# ruff: noqa

from workflow_runtime.bundles import Bundle, BundleModule

BUNDLE = Bundle(
    workflow="workflow//layout_space.deep.flows//main",
    stateless=True,
    pure=(),
    modules=(
        BundleModule(
            name="layout_more",
            path="lib/layout_more/__init__.py",
            is_package=True,
            source="""\
""",
        ),
        BundleModule(
            name="layout_more.pay",
            path="lib/layout_more/pay.py",
            is_package=False,
            source="""\



@__workflow_step__("step//layout_more.pay//charge")
async def charge(cents: int) -> int:
    ...
""",
        ),
        BundleModule(
            name="layout_space",
            path="src/layout_space",
            is_package=True,
            source="""\
""",
        ),
        BundleModule(
            name="layout_space.deep",
            path="src/layout_space/deep",
            is_package=True,
            source="""\
""",
        ),
        BundleModule(
            name="layout_space.deep.flows",
            path="src/layout_space/deep/flows.py",
            is_package=False,
            source="""\


from layout_more.pay import charge
from layout_space.deep import rates




async def main(cents: int) -> int:
    return await charge(cents * rates.RATE)
""",
        ),
        BundleModule(
            name="layout_space.deep.rates",
            path="src/layout_space/deep/rates.py",
            is_package=False,
            source="""\
RATE = 3
""",
        ),
    ),
)
