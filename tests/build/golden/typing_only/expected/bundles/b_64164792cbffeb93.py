"""Written by workflow-build. Do not edit: the content is checked against its hash.

The code of workflow//typing_only.flows//main, cut down to what replay needs.
"""
# ruff: noqa

from workflow_runtime.bundles import Bundle, BundleModule

BUNDLE = Bundle(
    workflow="workflow//typing_only.flows//main",
    stateless=True,
    pure=(),
    modules=(
        BundleModule(
            name="typing_only",
            path="typing_only/__init__.py",
            is_package=True,
            source="""\
""",
        ),
        BundleModule(
            name="typing_only.flows",
            path="typing_only/flows.py",
            is_package=False,
            source="""\


from __future__ import annotations



from typing_only.steps import charge






def halved(receipt: Receipt) -> int:
    return receipt.half



async def main(cents: int) -> int:
    return halved(await charge(cents))
""",
        ),
        BundleModule(
            name="typing_only.kinds",
            path="typing_only/kinds.py",
            is_package=False,
            source="""\

from dataclasses import dataclass


@dataclass
class Receipt:
    cents: int
    version: str = "1"

    @property
    def half(self) -> int:
        return self.cents // 2
""",
        ),
        BundleModule(
            name="typing_only.steps",
            path="typing_only/steps.py",
            is_package=False,
            source="""\
from __future__ import annotations









@__workflow_step__("step//typing_only.steps//charge")
async def charge(cents: int) -> kinds.Receipt:
    ...
""",
        ),
    ),
)
