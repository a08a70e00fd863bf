"""What the graph of a workflow says: one small source for each thing that workflow code can do."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from workflow_build.graph.model import EdgeKind, Graph, NodeKind

Lines = Callable[..., list[str]]

FEATURES = {
    "steps in a row": (
        "await charge(o)\nawait asyncio.to_thread(label, o)\nreturn await ship(o)",
        ["step charge", "step label", "step ship", "return"],
    ),
    "arguments happen before the call": ("await ship(await charge(o))", ["step charge", "step ship"]),
    "sleeps": (
        'await sleep("2  days")\nawait asyncio.sleep(5)\nawait sleep(o.after)',
        ["sleep 2 days", "sleep 5 s", "sleep o.after"],
    ),
    "branches": (
        "if o.a:\n    await charge(o)\nelif o.b:\n    raise ValueError('no')\nelse:\n    return None",
        ["if o.a", "  step charge", "else if o.b", "  raise ValueError", "else", "  return None"],
    ),
    "a branch in which nothing happens is none": ("if o.a:\n    o = 1\nawait charge(o)", ["step charge"]),
    "an awaited condition": (
        "if o.a:\n    await mail(o)\nelif await charge(o):\n    await ship(o)",
        ["if o.a", "  step mail", "else", "  step charge", "  if await charge(o)", "    step ship"],
    ),
    "match": (
        "match o:\n    case {'a': 1} if x:\n        await charge(o)\n    case _:\n        await ship(o)",
        ["match o", "  case {'a': 1} if x", "    step charge", "  case _", "    step ship"],
    ),
    "a conditional expression": (
        "await (charge(o) if o.a else ship(o))",
        ["if o.a", "  step charge", "else", "  step ship"],
    ),
    "a choice of function": (
        "pick = charge if o.a else ship\nawait pick(o)",
        ["if o.a", "  step charge", "else", "  step ship"],
    ),
    "short circuits": (
        "ok = await charge(o) and await ship(o)",
        ["step charge", "if await charge(o)", "  step ship"],
    ),
    "try": (
        "try:\n    await charge(o)\nexcept (KeyError, ValueError):\n    await mail(o)\nfinally:\n    await ship(o)",
        ["try", "  step charge", "except (KeyError, ValueError)", "  step mail", "finally", "  step ship"],
    ),
    "a failure that is let pass": (
        "try:\n    await charge(o)\nexcept KeyError:\n    pass",
        ["try", "  step charge", "except KeyError", "  go on"],
    ),
    "loops": (
        "for x in o:\n    if x:\n        continue\n    await charge(x)\nelse:\n    await ship(o)",
        ["for x in o", "  if x", "    continue", "  step charge", "else, after the last turn", "  step ship"],
    ),
    "a loop's condition happens in each turn": (
        "while await charge(o):\n    await sleep(1)",
        ["while await charge(o)", "  step charge", "  sleep 1 s"],
    ),
    "a comprehension that awaits": ("x = [await ship(i) for i in o if i]", ["for i in o", "  step ship"]),
    "gather": (
        "a, b = await asyncio.gather(charge(o), ship(o))",
        ["all of (gather)", "  step charge", "  step ship"],
    ),
    "a starred comprehension": (
        "await asyncio.gather(*[ship(x) for x in o], charge(o))",
        ["all of (gather)", "  each x in o", "    step ship", "  step charge"],
    ),
    "a list that a loop fills": (
        "jobs = []\nfor x in o:\n    jobs.append(ship(x))\nawait asyncio.gather(*jobs)",
        ["all of (gather)", "  each x in o", "    step ship"],
    ),
    "map": ("await asyncio.gather(*map(ship, o.lines))", ["all of (gather)", "  each of o.lines", "    step ship"]),
    "a task group": (
        (
            "async with asyncio.TaskGroup() as g:\n    g.create_task(charge(o))\n    for x in o:\n"
            "        g.create_task(ship(x))\n    await mail(o)"
        ),
        ["all of (TaskGroup)", "  step charge", "  each x in o", "    step ship", "  step mail"],
    ),
    "tasks that are awaited later": (
        "t = asyncio.create_task(ship(o))\nu = asyncio.create_task(mail(o))\nawait charge(o)\nawait t\nawait u",
        ["all of", "  step ship", "  step mail", "  step charge"],
    ),
    "a task that is awaited in one branch only": (
        "t = asyncio.create_task(ship(o))\nif o:\n    await t",
        ["beside", "  step ship", "if o", "  await task"],
    ),
    "the first of several": (
        (
            "ts = {asyncio.create_task(ship(o)), asyncio.create_task(mail(o))}\n"
            "await asyncio.wait(ts, return_when=asyncio.FIRST_COMPLETED)"
        ),
        ["first of (wait)", "  step ship", "  step mail"],
    ),
    "wait for all": (
        "await asyncio.wait([asyncio.create_task(ship(x)) for x in o], timeout=5)",
        ["all of (wait at most 5 s)", "  each x in o", "    step ship"],
    ),
    "as_completed": (
        "for f in asyncio.as_completed([ship(o), charge(o)]):\n    await mail(await f)",
        [
            "all of (as_completed)",
            "  step ship",
            "  step charge",
            "for f in asyncio.as_completed([ship(o), charge(o)])",
            "  step mail",
        ],
    ),
    "time limits": (
        "async with asyncio.timeout(30):\n    await charge(o)\nawait asyncio.wait_for(ship(o), timeout=o.limit)",
        ["at most 30 s", "  step charge", "at most o.limit", "  step ship"],
    ),
    "a shielded step": ("await asyncio.shield(ship(o))", ["step ship"]),
    "functions inside of the workflow": (
        "async def inner(x):\n    await charge(x)\n    await ship(x)\nawait inner(o)",
        ["in inner", "  step charge", "  step ship"],
    ),
    "a plain function that gives a coroutine": ("def later(x):\n    return ship(x)\nawait later(o)", ["step ship"]),
    "what can not be read": (
        "await o.mystery(1)\nasync with o.lock:\n    await charge(o)\nasync for x in o.feed():\n    await ship(x)",
        [
            "? o.mystery(1)",
            "? async with o.lock",
            "step charge",
            "async for x in o.feed()",
            "  ? o.feed()",
            "  step ship",
        ],
    ),
    "an unknown part of a gather": (
        "await asyncio.gather(ship(o), o.thing(), *o.more())",
        ["all of (gather)", "  step ship", "  ? o.thing()", "  ? *o.more()"],
    ),
    "a step that is handed on": ("o.register(charge)", ["? charge, handed on"]),
    "a step that is not awaited": ("charge(o)", ["? charge, not awaited here"]),
    "a coroutine in a variable": ("c = charge(o)\nawait mail(o)\nawait c", ["step mail", "step charge"]),
}


@pytest.mark.parametrize("feature", FEATURES)
def test_the_graph_shows(feature: str, lines: Lines) -> None:
    body, expected = FEATURES[feature]
    code = "".join(f"    {line}\n" for line in body.splitlines())

    assert lines(f"@workflow\nasync def w(o, x=None):\n{code}") == expected


def test_a_table_of_steps_is_a_choice_between_them(lines: Lines) -> None:
    source = 'TABLE = {"a": ship, "b": mail}\n\n@workflow\nasync def w(o):\n    await TABLE[o.kind](o)\n'

    assert lines(source) == ["one of", "  ship", "    step ship", "  mail", "    step mail"]


def test_a_workflow_with_a_definition_for_each_case_is_a_choice_between_them(lines: Lines) -> None:
    source = """
        if len("x") > 1:
            @workflow
            async def w(o):
                await ship(o)
        else:
            @workflow
            async def w(o):
                await mail(o)
        """

    assert lines(source) == ["one of", "  as in line 8", "    step ship", "  as in line 12", "    step mail"]


def test_another_name_for_a_step_is_that_step(lines: Lines) -> None:
    source = "from shop.more import pay\n\n@workflow\nasync def w(o):\n    await pay(o)\n"

    assert lines(source, more="from shop import steps\n\npay = steps.charge\n") == ["step charge"]


def test_helpers_are_followed_through_imports_with_what_they_are_given(lines: Lines) -> None:
    helper = """
        from workflow_runtime import sleep as pause

        async def patiently(function, *args):
            for attempt in range(3):
                try:
                    return await function(*args)
                except ValueError:
                    await pause(5)
        """
    source = "from shop import tools\n\n@workflow\nasync def w(o):\n    await tools.patiently(charge, o)\n"

    assert lines(source, tools=helper) == [
        "in patiently",
        "  for attempt in range(3)",
        "    try",
        "      step charge",
        "      return",
        "    except ValueError",
        "      sleep 5 s",
    ]


def test_methods_are_followed(lines: Lines) -> None:
    source = """
        class Base:
            async def send(self):
                await ship(self)

        class Cart(Base):
            async def pay(self):
                await charge(self)
                await self.send()

            async def __aenter__(self):
                await mail(self)

        @workflow
        async def w(given: Cart):
            await given.pay()
            async with Cart():
                await sleep(1)
        """

    paid = ["in Cart.pay", "  step charge", "  in Base.send", "    step ship"]
    assert lines(source) == [*paid, "in Cart.__aenter__", "  step mail", "sleep 1 s"]


def test_hooks_and_webhooks(lines: Lines) -> None:
    source = """
        from workflow_runtime import create_hook, create_webhook, set_attributes

        @workflow
        async def w(o):
            approval = create_hook(Approval, token="x")
            await set_attributes({"stage": "asked"})
            if await approval.conflict():
                return
            await mail(approval)
            async for payload in approval:
                await charge(payload)
            with create_hook(Approval) as hook:
                await hook
            await create_webhook()
        """

    taken = ["if await approval.conflict()", "  return"]
    opened = ["hook Approval", *taken, "step mail", "async for payload in approval"]
    assert lines(source) == [*opened, "  hook payload of Approval", "  step charge", "hook Approval", "webhook"]


def test_child_runs_name_the_workflow(graph: Callable[..., Graph]) -> None:
    source = """
        @workflow
        async def parent(o):
            run = await start(zweite, o)
            await run.result()
            if await run.status() == "failed":
                await start.options(attributes={"again": "yes"})(zweite, o)

        @workflow
        async def zweite(o):
            await ship(o)
        """
    runs = [node for node in graph(source).nodes if node.kind is NodeKind.RUN]

    assert [(node.label, node.function) for node in runs] == [
        ("zweite", "workflow//shop.flows//zweite"),
        ("result of zweite", "workflow//shop.flows//zweite"),
        ("zweite", "workflow//shop.flows//zweite"),
    ]


def test_recursion_ends(lines: Lines) -> None:
    source = """
        async def down(n):
            await charge(n)
            await down(n - 1)

        @workflow
        async def w(o):
            await down(3)
        """

    assert lines(source) == ["in down", "  step charge", "  in down, again"]


def test_calls_that_double_at_each_level_stop_being_followed_and_say_so(graph: Callable[..., Graph]) -> None:
    levels = "".join(f"async def f{n}(o):\n    await f{n + 1}(o)\n    await f{n + 1}(o)\n" for n in range(40))
    last = "async def f40(o):\n    await charge(o)\n"
    found = graph(f"{levels}{last}\n@workflow\nasync def w(o):\n    await f0(o)\n")

    assert len(found.nodes) < 2000
    assert any("not followed any further" in node.label for node in found.nodes)
    assert any(node.function == "step//shop.steps//charge" for node in found.nodes)


def test_nesting_beyond_what_the_interpreter_walks_is_one_opaque_node_that_names_the_steps(
    graph: Callable[..., Graph],
) -> None:
    deep = "o" + " + o" * 400
    found = graph(f"@workflow\nasync def w(o):\n    await charge({deep})\n")

    assert {node.function for node in found.nodes} >= {"step//shop.steps//charge"}
    assert any(node.label == "nested too deeply to be followed" for node in found.nodes)


def test_steps_that_the_resolver_sees_and_nobody_else_are_named(lines: Lines) -> None:
    source = "def _look(name):\n    return globals()[name], charge\n\n@workflow\nasync def w(o):\n    o.f = _look\n"

    assert any("charge" in line for line in lines(source))


@pytest.mark.parametrize("feature", FEATURES)
def test_every_node_is_reached_and_goes_on(feature: str, graph: Callable[..., Graph]) -> None:
    body, _ = FEATURES[feature]
    code = "".join(f"    {line}\n" for line in body.splitlines())
    found = graph(f"@workflow\nasync def w(o, x=None):\n{code}")
    ids = [node.id for node in found.nodes]

    assert len(ids) == len(set(ids))
    assert {end for edge in found.edges for end in (edge.source, edge.target)} <= set(ids)
    assert set(ids) - {edge.target for edge in found.edges} == {"start"}
    assert {node.parent for node in found.nodes} - {None} <= set(ids)
    inside_tasks = {n.id for n in found.nodes if n.parent and n.parent.startswith("task")}
    assert set(ids) - {edge.source for edge in found.edges} - inside_tasks == {"end"}
    assert all(node.location.path == "shop/flows.py" and node.location.line for node in found.nodes)
    assert {edge.kind for edge in found.edges} <= set(EdgeKind)
