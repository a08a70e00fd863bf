"""Written by workflow-build. Do not edit: the content is checked against its hash.

The code of workflow//conditional.flows//main, cut down to what replay needs.
"""
# ruff: noqa

from workflow_runtime.bundles import Bundle, BundleModule

BUNDLE = Bundle(
    workflow="workflow//conditional.flows//main",
    stateless=False,
    pure=(),
    modules=(
        BundleModule(
            name="conditional",
            path="conditional/__init__.py",
            is_package=True,
            source="""\
""",
        ),
        BundleModule(
            name="conditional.flows",
            path="conditional/flows.py",
            is_package=False,
            source="""\


import sys







try:
    import no_such_package_at_all
except ImportError:

    @__workflow_step__("step//conditional.flows//charge")
    async def charge(cents: int) -> str:
        ...

else:

    @__workflow_step__("step//conditional.flows//charge")
    async def charge(cents: int) -> str:
        ...


if sys.version_info >= (3, 0):

    @__workflow_step__("step//conditional.flows//refund")
    def refund(cents: int) -> int:
        ...

elif sys.version_info >= (2, 0):

    @__workflow_step__("step//conditional.flows//refund")
    def refund(cents: int) -> int:
        ...

else:

    def refund(cents: int) -> int: ...

    refund = __workflow_step__("step//conditional.flows//refund")(refund)


LIMIT = 10
if LIMIT > 5:
    RATE = 2
else:
    RATE = 3

try:
    NAME = {"a": 1}["b"]
except KeyError:
    NAME = 7


def receipt(text: str) -> "Receipt":
    return text



async def main(cents: int) -> list[object]:
    return [receipt(await charge(cents)), await refund(cents), RATE, NAME]
""",
        ),
    ),
)
