"""Workflows that are only started: of their code, a bundle has the signature."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

HEAD = "from workflow_runtime import cancel_runs, list_runs, start, step, workflow\n"
CHILD = """
import os
from dataclasses import dataclass
from workflow_runtime import step, workflow

BASE = os.cpu_count()

@dataclass
class Receipt:
    cents: int

@step
async def charge(cents: int) -> int: ...

def doubled(cents: int) -> int:
    return 2 * cents

@workflow
async def pay(
    cents: int,
    base: int = BASE,
) -> Receipt:  # as an object
    '''Pay.

    All of it.'''

    @step
    async def nested() -> int:
        return cents

    return Receipt(doubled(await charge(cents)) + await nested())

AFTER = 1
"""


@pytest.fixture
def parent(build: Callable[..., Any]) -> Callable[..., Any]:
    """What is made of ``w`` in ``m.py``, with ``child.py`` beside it."""

    def run(text: str, child: str = CHILD) -> Any:
        return build({"m.py": HEAD + text, "child.py": child})

    return run


def texts(built: Any, name: str = "w") -> Mapping[str, str]:
    """The modules of the workflow's bundle."""
    (found,) = (one.bundle for one in built.bundles.workflows if one.function.qualname == name)
    return {module.name: module.source for module in found.modules}


def steps(built: Any, name: str = "w") -> list[str]:
    (found,) = (one.steps for one in built.bundles.workflows if one.function.qualname == name)
    return [step.rpartition("/")[2] for step in found]


STARTS = {
    "imported": "from child import pay\n@workflow\nasync def w():\n    await start(pay, 1)\n",
    "by its module": "import child\n@workflow\nasync def w():\n    await start(child.pay, 1)\n",
    "in a function": "@workflow\nasync def w():\n    from child import pay\n    await start(pay, 1)\n",
    "with options": "from child import pay\n@workflow\nasync def w():\n    await start.options(attributes={})(pay, 1)\n",
    "by the runtime's module": "import workflow_runtime\nfrom child import pay\n@workflow\nasync def w():\n"
    "    await workflow_runtime.start(pay, 1)\n",
    "in a comprehension": "from child import pay\n@workflow\nasync def w():\n    [await start(pay, n) for n in range(3)]\n",
    "looked for": "from child import pay\n@workflow\nasync def w():\n    await list_runs(workflow=pay)\n"
    "    await cancel_runs(workflow=pay)\n",
}


@pytest.mark.parametrize("text", STARTS.values(), ids=list(STARTS))
def test_of_a_workflow_that_is_only_started_the_signature_stays(parent: Callable[..., Any], text: str) -> None:
    built = parent(text)
    lines = texts(built)["child"].split("\n")
    source = CHILD.split("\n")

    assert steps(built) == []
    assert [line for line in lines if line.strip()] == [
        "from dataclasses import dataclass",
        "@dataclass",
        "class Receipt:",
        "    cents: int",
        "async def pay(",
        "    cents: int,",
        "    base: int = ...,",
        ") -> Receipt:",
        "    ...",
    ]
    assert lines.index("async def pay(") == source.index("async def pay(")
    assert all(one.stateless for one in (w.bundle for w in built.bundles.workflows) if one.workflow.endswith("//w"))


USES = {
    "called": "from child import pay\n@workflow\nasync def w():\n    await start(pay, 1)\n    await pay(2)\n",
    "kept in a variable": "from child import pay\n@workflow\nasync def w():\n    it = pay\n    await start(it, 1)\n",
    "given to a function": "from child import pay\nasync def begin(what):\n    return await start(what, 1)\n"
    "@workflow\nasync def w():\n    await begin(pay)\n",
    "an argument": "from child import pay\n@workflow\nasync def other(x): ...\n@workflow\nasync def w():\n"
    "    await start(other, pay)\n",
    "of another start": "from child import pay\nasync def begin(what, n): ...\n@workflow\nasync def w():\n"
    "    start = begin\n    await start(pay, 1)\n",
}


@pytest.mark.parametrize("text", USES.values(), ids=list(USES))
def test_a_workflow_that_is_used_otherwise_stays_whole(parent: Callable[..., Any], text: str) -> None:
    built = parent(text)

    assert "return Receipt(doubled(" in texts(built)["child"]
    assert set(steps(built)) >= {"charge", "pay.<locals>.nested"}


def test_a_change_of_what_is_started_leaves_the_starter_as_it_was(parent: Callable[..., Any]) -> None:
    text = STARTS["imported"]
    changed = CHILD.replace("return 2 * cents", "return 3 * cents").replace("charge(cents))", "charge(cents + 1))")

    before, after = parent(text), parent(text, changed)

    hashes = [{one.function.qualname: one.hash for one in built.bundles.workflows} for built in (before, after)]
    assert hashes[0]["w"] == hashes[1]["w"]
    assert hashes[0]["pay"] != hashes[1]["pay"]


def test_workflows_that_start_each_other_have_bundles_of_their_own(build: Callable[..., Any]) -> None:
    built = build(
        {
            "m.py": HEAD
            + "@step\nasync def seven() -> int: ...\n"
            + "@workflow\nasync def even(n: int) -> bool:\n    return not n or await (await start(odd, n - 1)).result()\n"
            + "@workflow\nasync def odd(n: int) -> bool:\n    await seven()\n"
            + "    return n and await (await start(even, n - 1)).result()\n"
            + "@workflow\nasync def fibonacci(n: int) -> int:\n"
            + "    return n if n < 2 else await (await start(fibonacci, n - 1)).result()\n"
        }
    )

    assert steps(built, "even") == []
    assert steps(built, "odd") == ["seven"]
    assert "async def odd(n: int) -> bool:\n    ...\n" in texts(built, "even")["m"]
    assert "async def even(n: int) -> bool:\n    ...\n" in texts(built, "odd")["m"]
    assert "start(fibonacci, n - 1)" in texts(built, "fibonacci")["m"]
    assert not built.diagnostics


def test_what_only_the_child_may_not_do_is_said_of_the_child(parent: Callable[..., Any]) -> None:
    built = parent(STARTS["imported"], CHILD.replace("    '''Pay.", "    open('x')\n    '''Pay."))

    found = [one for one in built.diagnostics if one.code == "WB102"]

    assert [one.trail for one in found] == [("pay",)]


def test_runs_share_the_modules_of_a_workflow_whose_hooks_are_defined_there(build: Callable[..., Any]) -> None:
    source = """
        from dataclasses import dataclass
        from workflow_runtime import define_hook, workflow

        @dataclass
        class Approval:
            by: str

        approvals = define_hook(Approval)
        names = define_hook(list[str])
        anything = define_hook()

        @workflow
        async def w(token: str) -> str:
            return (await approvals.create(token=token)).by + str(await names.create()) + str(await anything.create())
        """

    (found,) = build({"m.py": source}).bundles.workflows

    assert found.bundle.stateless


def test_a_workflow_by_directive_and_one_on_a_single_line_are_cut_as_well(build: Callable[..., Any]) -> None:
    source = (
        HEAD + "async def by_directive(n: int) -> int:\n    'use workflow'\n    return n\n"
        "@workflow\nasync def short(n: int = 2) -> int: return n\n"
        "@workflow\nasync def w():\n    await start(by_directive, 1)\n    await start(short)\n"
    )

    text = texts(build({"m.py": source}))["m"]

    assert [line for line in text.split("\n") if line.strip()] == [
        "from workflow_runtime import start",
        "async def by_directive(n: int) -> int:",
        "    ...",
        "async def short(n: int = ...) -> int: ...",
        "async def w():",
        "    await start(by_directive, 1)",
        "    await start(short)",
    ]
    assert text.split("\n").index("async def w():") == source.split("\n").index("async def w():")
