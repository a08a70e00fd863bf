"""Written by workflow-build. Do not edit: the content is checked against its hash.

The code of workflow//nested.flows//unfit, cut down to what replay needs.
"""
# ruff: noqa

from workflow_runtime.bundles import Bundle, BundleModule

BUNDLE = Bundle(
    workflow="workflow//nested.flows//unfit",
    stateless=True,
    pure=(),
    modules=(
        BundleModule(
            name="nested",
            path="nested/__init__.py",
            is_package=True,
            source="""\
""",
        ),
        BundleModule(
            name="nested.flows",
            path="nested/flows.py",
            is_package=False,
            source="""\















































async def unfit() -> int:
    handle = object()

    @__workflow_step__("step//nested.flows//unfit.<locals>.use", captured=lambda: {"handle": handle})
    def use() -> int:
        ...

    return await use()
""",
        ),
    ),
)
