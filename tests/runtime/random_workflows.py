"""Random workflows, as data that one workflow walks, and what each may result in."""

from __future__ import annotations

import random
from typing import Any

SOURCE = """
from workflow_runtime.machine.current import running_machine
from workflow_runtime.machine.commands import ContinueAsNew
from workflow_runtime.errors import HookConflictError

async def run(node):
    kind, *rest = node
    if kind == "step":
        return await a(rest)
    if kind == "sleep":
        await asyncio.sleep(rest[0])
        return "slept"
    if kind == "seq":
        return [await run(child) for child in rest]
    if kind == "gather":
        return await asyncio.gather(*[run(child) for child in rest])
    if kind == "group":
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(run(child)) for child in rest]
        return [task.result() for task in tasks]
    if kind == "race":
        tasks = [asyncio.create_task(run(child)) for child in rest]
        done, late = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        won = min(tasks.index(task) for task in done)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        return ["won", won, tasks[won].result()]
    if kind == "lead":
        tasks = [asyncio.create_task(run(child)) for child in rest]
        done, late = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if tasks[0] in done:
            return ["led", await tasks[0], await run(["step", "after", 0, 0])]
        return ["followed", await asyncio.gather(*tasks)]
    if kind == "timeout":
        try:
            async with asyncio.timeout(rest[0]):
                return await run(rest[1])
        except TimeoutError:
            return ["late", await run(["step", "late", 0, 0])]
    if kind == "caught":
        try:
            return await run(rest[0])
        except ValueError as error:
            return str(error)

    if kind == "hook":
        door = running_machine().open_hook(None, None, None, "")
        got = [await door.receive() for _ in range(rest[0])]
        door.dispose()
        return ["got", *got]
    if kind == "shared":
        token, quiet = rest
        beside = asyncio.create_task(asyncio.sleep(quiet))
        if quiet != 0.1:
            await run(["step", "before", 0, 0])
        door = running_machine().open_hook(token, None, None, "")
        try:
            if quiet > 1:
                beside.cancel()
            if quiet == 0.5:
                owner = await door.conflict()
                if owner is not None:
                    return ["taken", await run(["step", "taken", 0, 0])]
            return ["had", await door.receive()]
        except HookConflictError:
            return ["taken", await run(["step", "taken", 0, 0])]
        finally:
            door.dispose()
    if kind == "brief":
        token, seconds = rest
        got = []
        for _ in range(2):
            door = running_machine().open_hook(token, None, None, "")
            try:
                async with asyncio.timeout(seconds):
                    got.append(await door.receive())
            except TimeoutError:
                got.append("late")
            except HookConflictError:
                got.append("taken")
            door.dispose()
        return ["brief", *got]
    if kind == "patient":
        child = running_machine().start_child("workflow//app//main", {"args": [rest[1]]}, {"n": "1"}, "")
        try:
            async with asyncio.timeout(rest[0]):
                end = await running_machine().watch(child, "")
        except TimeoutError:
            again = await asyncio.gather(running_machine().watch(child, ""), running_machine().watch(child, ""))
            assert again[0] == again[1]
            end = again[1]
        return [end["status"], end.get("output")]
    if kind == "spawn":
        running_machine().start_child("workflow//app//main", {"args": [rest[0]]}, {}, "")
        return "spawn"
    if kind == "attribute":
        running_machine().set_attributes({rest[0]: rest[1]}, "")
        assert running_machine().attributes.get(rest[0]) == rest[1]
        return "attribute"
    if kind == "either":
        doors = [running_machine().open_hook(None, None, None, "") for _ in range(2)]
        tasks = [asyncio.create_task(door.receive()) for door in doors]
        done, late = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in late:
            task.cancel()
        for door in doors:
            door.dispose()
        return ["either", *sorted([task.result() for task in done])]
    if kind == "child":
        child = running_machine().start_child("workflow//app//main", {"args": rest}, {}, "")
        end = await running_machine().watch(child, "")
        return [end["status"], end.get("output")]

async def main(node):
    if node[0] == "again":
        got = await run(node[2])
        if node[1]:
            raise ContinueAsNew({"args": [["again", node[1] - 1, node[2]]]})
        return got
    return await run(node)
"""


def program(dice: random.Random, depth: int) -> list[Any]:
    """A random workflow: ``["step", name, failures, seconds]`` or a node of others."""
    leaf: list[Any] = ["step", f"s{dice.randrange(10**6)}", dice.choice([0, 0, 0, 1, 2]), dice.choice([0, 0, 0.2, 1.5])]
    if dice.random() < 0.25:
        return _of_others(dice, program(dice, depth - 1) if depth else leaf)
    if depth == 0:
        return dice.choice([leaf, leaf, ["sleep", dice.choice([0, 0.1, 0.7, 3])], ["hook", dice.choice([1, 1, 3])]])
    kind = dice.choice(
        ["step", "seq", "seq", "gather", "gather", "group", "race", "lead", "timeout", "caught", "child"]
    )
    if kind == "child":
        inner = program(dice, depth - 1)
        return [kind, dice.choice([inner, ["again", dice.choice([0, 1, 2]), inner]])]
    if kind == "step":
        return leaf
    if kind == "timeout":
        return [kind, dice.choice([0.1, 0.5, 2, 20]), program(dice, depth - 1)]
    if kind == "caught":
        return [kind, dice.choice([["step", leaf[1], 9, 0], program(dice, depth - 1)])]
    return [kind, *(program(dice, depth - 1) for _ in range(dice.randint(2, 3)))]


def _of_others(dice: random.Random, inner: list[Any]) -> list[Any]:
    """A node that has to do with other runs: with their tokens, of which there are few, or as their parent."""
    token = dice.choice("xyz")
    nodes: list[list[Any]] = [
        ["shared", token, dice.choice([0.1, 0.5, 3])],
        ["shared", token, dice.choice([0.1, 0.5, 3])],
        ["brief", token, dice.choice([0, 0.1, 1])],
        ["patient", dice.choice([0, 0.1, 1]), inner],
        ["spawn", inner],
        ["attribute", token, dice.choice(["1", "2", None])],
        ["either"],
    ]
    return dice.choice(nodes)


def fits(node: list[Any], got: Any) -> bool:
    """Whether ``got`` is a right result of the workflow."""
    kind, *rest = node
    match kind:
        case "step":
            return bool(got == f"done {rest[0]}")
        case "sleep":
            return bool(got == "slept")
        case "hook":
            return bool(got == ["got", *(f"payload {n}" for n in range(rest[0]))])
        case "shared":
            return got == ["taken", "done taken"] or (got[0] == "had" and str(got[1]).startswith("payload"))
        case "brief":
            right = all(one in ("late", "taken") or one.startswith("payload") for one in got[1:])
            return got[0] == "brief" and len(got) == 3 and right
        case "patient":
            return got[0] == "completed" and fits(rest[1], got[1])
        case "spawn" | "attribute":
            return bool(got == kind)
        case "either":
            return got[0] == "either" and len(got) in (2, 3)
        case "child":
            return got[0] == "completed" and fits(rest[0], got[1])
        case "again":
            return fits(rest[1], got)
        case "seq" | "gather" | "group":
            return len(got) == len(rest) and all(map(fits, rest, got))
        case "race":
            return got[0] == "won" and fits(rest[got[1]], got[2])
        case "lead":
            if got[0] == "led":
                return fits(rest[0], got[1]) and got[2] == "done after"
            return got[0] == "followed" and len(got[1]) == len(rest) and all(map(fits, rest, got[1]))
        case "timeout":
            return got == ["late", "done late"] or fits(rest[1], got)
        case _:
            return got == f"{rest[0][1]} is broken" if rest[0][2:3] == [9] else fits(rest[0], got)
