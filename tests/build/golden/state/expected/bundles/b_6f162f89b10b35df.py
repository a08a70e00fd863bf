"""Written by workflow-build. Do not edit: the content is checked against its hash.

The code of workflow//state.flows//main, cut down to what replay needs.
"""
# ruff: noqa

from workflow_runtime.bundles import Bundle, BundleModule

BUNDLE = Bundle(
    workflow="workflow//state.flows//main",
    stateless=False,
    pure=(),
    modules=(
        BundleModule(
            name="state",
            path="state/__init__.py",
            is_package=True,
            source="""\
""",
        ),
        BundleModule(
            name="state.flows",
            path="state/flows.py",
            is_package=False,
            source="""\


import contextlib
import functools


CALLS = 0
SEEN: list[int] = []
registry: dict[str, int] = {}
registry["one"] = 1
registry.update(two=2)
SEEN.append(-1)

if CALLS == 0:
    MODE = "fresh"

with contextlib.suppress(KeyError):
    MODE = registry["missing"]

for _name in ("three", "four"):
    registry[_name] = len(_name)


def register(function):
    registry[function.__name__] = 99
    return function


@register
def registered() -> int:
    return registry["registered"]


@functools.cache
def remembered(n: int) -> int:
    SEEN.append(n)  # workflow-build: ignore[WB122] what each run starts anew
    return n


def bump() -> int:
    global CALLS
    CALLS += 1  # workflow-build: ignore[WB122] what each run starts anew
    return CALLS


@__workflow_step__("step//state.flows//echo")
async def echo(n: int) -> int:
    ...



async def main(n: int) -> list[object]:
    await echo(bump())
    remembered(n)
    remembered(n)
    return [bump(), SEEN, MODE, registry, registered()]
""",
        ),
    ),
)
