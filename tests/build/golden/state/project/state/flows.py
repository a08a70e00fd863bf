"""State in modules: each run has its own."""

import contextlib
import functools
from workflow_runtime import step, workflow

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


@step
async def echo(n: int) -> int:
    return n


@workflow
async def main(n: int) -> list[object]:
    await echo(bump())
    remembered(n)
    remembered(n)
    return [bump(), SEEN, MODE, registry, registered()]
