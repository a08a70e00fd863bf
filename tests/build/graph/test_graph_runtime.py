"""How graphs show what the runtime gives to workflow code: hooks of a kind, other runs, going on as new."""

from __future__ import annotations

from collections.abc import Callable

from workflow_build.graph.model import Graph, NodeKind

Lines = Callable[..., list[str]]


def test_hooks_of_a_kind_that_a_module_defines(lines: Lines) -> None:
    kinds = "from workflow_runtime import define_hook\nclass Approval: ...\napprovals = define_hook(Approval)\n"
    source = """
        from shop.kinds import approvals

        @workflow
        async def w(o):
            with approvals.create(token=o) as first:
                await charge(o)
                await first
            hooks = [approvals.create(token=one) for one in o.tokens]
            await asyncio.gather(*hooks)
            await approvals.resume(o.other, o)
        """

    shown = lines(source, kinds=kinds)

    assert shown[:3] == ["hook Approval", "step charge", "hook payload of Approval"]
    assert "  hook Approval" in shown
    assert shown[-1] == "step resume_hook"
    assert not [line for line in shown if "?" in line]


def test_runs_that_are_found_are_shown_with_what_is_asked_of_them(lines: Lines) -> None:
    source = """
        from workflow_runtime import Run, cancel_runs, create_hook, get_hook, get_run, list_runs, resume_hook, step

        @step
        async def spawn(o) -> Run[int]: ...

        @workflow
        async def w(o, given: Run[str]):
            await get_run(o.id).result()
            await (await spawn(o)).result()
            await given.cancel("enough")
            told = await resume_hook(o.token, o)
            await told.result()
            lock = create_hook(token="lock")
            owner = await lock.conflict()
            if owner:
                await owner.result()
            await get_hook(o.token)
            await list_runs(workflow=w)
            await cancel_runs(workflow=w)
        """

    assert lines(source) == [
        "await result of o.id",
        "step spawn",
        "await result of a run",
        "step cancel of a run",
        "step resume_hook",
        "await result of the hook's run",
        "hook",
        "if owner",
        "  await result of the run that has the token",
        "step get_hook",
        "step list_runs",
        "step cancel_runs",
    ]


def test_hooks_that_a_function_is_given(lines: Lines) -> None:
    source = """
        from workflow_runtime import Hook, Webhook, create_hook, create_webhook

        async def first_of(hook: Hook[int], web: Webhook):
            await hook
            await charge(1)
            await web

        @workflow
        async def w(o):
            await first_of(o.hook, o.web)
        """

    assert lines(source) == ["in first_of", "  hook payload of int", "  step charge", "  webhook payload"]


def test_continue_as_new_ends_the_workflow(graph: Callable[..., Graph], lines: Lines) -> None:
    source = """
        import workflow_runtime
        from workflow_runtime import continue_as_new

        async def turn(o):
            await ship(o)
            continue_as_new(o)

        @workflow
        async def w(o):
            if o.late:
                await turn(o)
            if o.more:
                continue_as_new(o - 1)
                await ship(o)
            await mail(o)
            return workflow_runtime.continue_as_new(o)
        """

    assert lines(source) == [
        "if o.late",
        "  in turn",
        "    step ship",
        "    raise continue_as_new(o)",
        "if o.more",
        "  return continue_as_new(o - 1)",
        "step mail",
        "return workflow_runtime.continue_as_new(o)",
    ]
    found = graph(source)
    ends = {node.id for node in found.nodes if node.kind in (NodeKind.RETURN, NodeKind.RAISE)}
    finish = next(node.id for node in found.nodes if node.kind is NodeKind.END)
    assert {edge.source for edge in found.edges if edge.target == finish} == ends
