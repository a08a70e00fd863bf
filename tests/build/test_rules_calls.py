"""The rules about calls of steps and workflows: what they find, and above all what they leave alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Build = Callable[..., Any]
HEAD = (
    "import asyncio\nfrom workflow_runtime import start, step, workflow\n"
    "@step\nasync def pay(*a, **k): return 1\n@step\ndef label(*a): return 1\n"
)
FLOW = "@workflow\nasync def checkout(x: int, items: list[str]):\n    await pay(); await asyncio.to_thread(label)\n"


def found(build: Build, text: str, code: str) -> list[str]:
    return [one.message for one in build({"m.py": text}).diagnostics if one.code == code]


def flow(*lines: str) -> str:
    return HEAD + FLOW + "".join(f"    {line}\n" for line in lines)


@pytest.mark.parametrize(
    "line",
    [
        "pay(1)",
        "label(1)",
        "[pay(item) for item in items]",
        "(pay(1), pay(2))",
        "return pay(1)",
        "return [pay(1), pay(2)]",
        "return {'a': pay(1)}",
        "return pay(1) if x else None",
        "result = pay(1)",
        "result = label(1); return result",
        "result: int = label(1); await pay(result)",
        "result = label(1); await pay(result.total)",
        "return pay(1) + 1",
        "return f'{label(1)}'",
        "return label(1)['a']",
        "await pay(label(1))",
        "await pay(given=pay(2))",
        "await asyncio.gather(pay(label(1)))",
        "print(label(1))",
        "return str(label(x)), len(label(x))",
        "if pay(1): return 2",
        "while label(1): x += 1",
        "for one in label(1): await pay(one)",
        "assert pay(1)",
        "return label(1) == 2",
        "if (got := label(1)): return got",
        "return [one for one in label(1)]",
    ],
)
def test_a_step_that_is_never_awaited_is_found(build: Build, line: str) -> None:
    assert found(build, flow(line), "WB120")


@pytest.mark.parametrize(
    "line",
    [
        "await pay(1)",
        "await label(1)",
        "return await pay(1)",
        "result = pay(1); await result",
        "result = pay(1); return await asyncio.wait_for(result, 5)",
        "tasks = [pay(item) for item in items]; await asyncio.gather(*tasks)",
        "await asyncio.gather(pay(1), pay(2), *(pay(item) for item in items))",
        "task = asyncio.create_task(pay(1)); await task",
        "todo = []; todo.append(pay(1)); await asyncio.gather(*todo)",
        "todo = {'a': pay(1)}; await todo['a']",
        "later = lambda: pay(1); await later()",
        "async with asyncio.TaskGroup() as group: group.create_task(pay(1))",
        "for one in asyncio.as_completed([pay(1), pay(2)]): await one",
        "done, _ = await asyncio.wait({asyncio.ensure_future(pay(i)) for i in items})",
        "call = pay if x else label; call(1)",
        "pay = print; pay(1)",
        "call = pay(1) if x else pay(2); await call",
        "call = pay(1)\n    if x: call = pay(2)\n    await call",
        "first, second = pay(1), pay(2); await first; await second",
        "self = pay(1); self.close()",
        "return await (pay(1) if x else pay(2))",
        "return (await pay(1)) + 1",
        "def inner(): return pay(1)\n    await inner()",
        "call = pay(1)\n    async def inner(): return await call\n    await inner()",
        "call = None\n    def inner():\n        nonlocal call\n        call = pay(1)\n    inner(); await call",
        "match x:\n        case 1: call = pay(1)\n        case _: call = pay(2)\n    await call",
        "if (call := pay(1)) is not None: await call",
        "call = pay(1); await (call)",
        "call = pay(1); x = call; await x",
        "call = pay(1); items = [call]; await asyncio.gather(*items)",
        "call = pay(1); call.close()",
    ],
)
def test_a_step_that_may_be_awaited_is_left_alone(build: Build, line: str) -> None:
    assert found(build, flow(line), "WB120") == []


def test_helpers_may_hand_the_call_on_and_steps_may_call_each_other(build: Build) -> None:
    text = HEAD + (
        "def one(): return pay(1)\ndef some(): yield pay(1)\n"
        "@step\nasync def both(): await pay(1); pay(2)\n"
        "@workflow\nasync def checkout(): await one(); await asyncio.gather(*some()); await both()\n"
    )
    assert found(build, text, "WB120") == []


def test_what_the_app_does_with_steps_is_its_own_affair(build: Build) -> None:
    assert found(build, flow() + "def create(): return label(1)\n", "WB120") == []


def test_the_advice_for_a_plain_step_goes_through_a_thread_with_the_users_arguments(build: Build) -> None:
    built = build({"m.py": flow("total = label(x, 'a')", "return total + 1")})
    (finding,) = [one for one in built.diagnostics if one.code == "WB120"]
    assert finding.hint == "write `await asyncio.to_thread(label, x, 'a')`"
    assert finding.message == "step label is called, but its call is used as if it were the result"


def test_steps_are_known_through_imports_aliases_and_classes(build: Build) -> None:
    files = {
        "shop/__init__.py": "from shop.steps import pay as take\n",
        "shop/steps.py": HEAD + "class Bank:\n    @staticmethod\n    @step\n    async def wire(x): ...\n",
        "shop/a.py": "import shop\nimport shop.steps as s\nfrom shop import take\nfrom shop.steps import Bank\n"
        "from workflow_runtime import workflow\n"
        "@workflow\nasync def w():\n    take(1)\n    s.pay(2)\n    shop.steps.pay(3)\n    s.Bank.wire(4)\n    Bank.wire(5)\n"
        "    from shop.steps import pay as inner\n    inner(6)\n",
    }
    lines = [one.location.line for one in build(files).diagnostics if one.code == "WB120"]
    assert lines == [8, 9, 10, 11, 12, 14]


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("await pay(lambda: 1)", "a lambda"),
        ("await pay(key=lambda: 1)", "a lambda"),
        ("await pay(i for i in items)", "a generator"),
        ("await pay(open('x'))", "an open file"),
        ("await pay(asyncio.Lock())", "an asyncio.Lock"),
        ("await pay(map(str, items))", "an iterator"),
        ("await pay(asyncio)", "the module asyncio"),
        ("await pay(pay)", "the function pay"),
        ("await pay(label)", "the function label"),
        ("key = lambda: 1; await pay(key)", "a lambda"),
        ("def key(): ...\n    await pay(key)", "the function key"),
        ("lock = asyncio.Lock(); await asyncio.to_thread(label, lock)", "an asyncio.Lock"),
        ("run = await start(checkout, lambda: 1)", "a lambda"),
    ],
)
def test_an_argument_that_is_no_data_is_found(build: Build, line: str, what: str) -> None:
    messages = found(build, flow(line), "WB123")
    assert len(messages) == 1
    assert messages[0].endswith(f"is given {what}, which can not be serialized")


@pytest.mark.parametrize(
    "line",
    [
        "await pay([i for i in items], {i: 1 for i in items})",
        "await pay(max(items, key=lambda i: i))",
        "key = lambda: 1\n    key = 2\n    await pay(key)",
        "key = x\n    await pay(key)",
        "for key in items: await pay(key)",
        "key = lambda: 1; await pay(key())",
        "await pay(*[lambda: 1][:0])",
        "sorted(items, key=lambda i: i); print(lambda: 1)",
        "open = str; await pay(open('x'))",
        "await pay(asyncio.TimeoutError)",
        "await pay(asyncio.__name__)",
    ],
)
def test_an_argument_that_may_be_data_is_left_alone(build: Build, line: str) -> None:
    assert found(build, flow(line), "WB123") == []


def test_what_the_app_gives_to_a_step_is_not_serialized(build: Build) -> None:
    assert found(build, flow() + "async def create(): await pay(lambda: 1)\n", "WB123") == []


APP = "from shop import orders\nfrom shop.orders import checkout\nfrom workflow_runtime import start\n"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("async def create(): return await checkout(1, [])\n", 1),
        ("async def create(): return await orders.checkout(1, [])\n", 1),
        ("class View:\n    async def post(self): await checkout(1, [])\n", 1),
        ("run = asyncio.run(checkout(1, []))\n", 1),
        ("async def create(): await start(checkout(1, []))\n", 1),
        ("async def create(): await start(checkout, 1, [])\n", 0),
        ("async def create(): await checkout.__wrapped__(1, [])\n", 0),
        ("async def create(checkout): await checkout(1, [])\n", 0),
        ("async def create():\n    from other import checkout\n    await checkout(1)\n", 0),
        ("def register(app): app.on_event(checkout)\n", 0),
    ],
)
def test_a_workflow_that_the_app_calls_is_found(build: Build, text: str, count: int) -> None:
    built = build({"shop/__init__.py": "", "shop/orders.py": flow(), "shop/main.py": APP + text})
    assert built.codes.count("WB124") == count


def test_workflows_may_call_each_other_and_tests_may_call_what_they_like(build: Build) -> None:
    other = "@workflow\nasync def outer(): return await checkout(1, [])\n"
    files = {
        "shop/orders.py": flow() + other,
        "tests/test_orders.py": APP + "async def test(): await checkout(1, [])\n",
    }
    assert "WB124" not in build(files).codes


def test_a_step_that_calls_a_workflow_is_found(build: Build) -> None:
    assert found(build, flow() + "@step\nasync def inner(): await checkout(1, [])\n", "WB124")


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ("orders.pay", "start is given pay, which is a step"),
        ("plain", "start is given plain, which is marked neither as a workflow nor as a step"),
        ("checkout", None),
        ("chosen", None),
        ("WORKFLOWS['a']", None),
    ],
)
def test_start_with_something_else_than_a_workflow_is_found(build: Build, given: str, what: str | None) -> None:
    main = APP + f"async def plain(): ...\nasync def create(chosen): await start({given})\n"
    built = build({"shop/orders.py": flow(), "shop/main.py": main})
    assert [one.message for one in built.diagnostics if one.code == "WB127"] == ([what] if what else [])


def test_a_function_of_the_users_that_is_called_start_is_none_of_ours(build: Build) -> None:
    text = flow() + "def create():\n    def start(x): ...\n    start(pay)\n"
    assert found(build, text, "WB127") == []


@pytest.mark.parametrize("count", [200, 300, 350, 400, 450])
def test_a_step_may_be_nested_deeper_than_the_checks_can_walk(build: Build, count: int) -> None:
    deep = "@step\ndef s():\n    return " + "+".join(["1"] * count) + "\n@step(max_retries=1)\ndef t(): ...\n"
    codes = build({"m.py": flow("pay(1)", "await start(checkout, 1)") + deep}).codes
    assert "WB120" in codes or codes == ["WB110"]
