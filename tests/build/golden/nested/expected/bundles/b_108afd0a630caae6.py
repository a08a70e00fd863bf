"""Written by workflow-build. Do not edit: the content is checked against its hash.

The code of workflow//nested.flows//Flows.run, cut down to what replay needs.
"""
# ruff: noqa

from workflow_runtime.bundles import Bundle, BundleModule

BUNDLE = Bundle(
    workflow="workflow//nested.flows//Flows.run",
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



from collections.abc import Awaitable, Callable





















































class Flows:
    \"\"\"Nested in a static method.\"\"\"

    @staticmethod

    async def run(numbers: list[int]) -> list[int]:
        def outer(offset: int) -> Callable[[int], Awaitable[int]]:
            @__workflow_step__("step//nested.flows//Flows.run.<locals>.outer.<locals>.inner", captured=lambda: {"numbers": numbers, "offset": offset})
            async def inner(number: int) -> int:
                ...

            return inner

        return [await outer(number)(1) for number in numbers]
""",
        ),
    ),
)
