"""The rules about what the runtime gives: what they find, and above all what they leave alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Build = Callable[..., Any]
HEAD = (
    "import asyncio, workflow_runtime\n"
    "from workflow_runtime import (Hook, Run, Stream, continue_as_new, create_hook, create_webhook, define_hook, get_run,\n"
    "    get_workflow_metadata, get_writable, list_runs, resume_hook, set_attributes, sleep, start, step, workflow)\n"
    "kind = define_hook(int)\n"
    "@step\nasync def pay(*a): ...\n"
    "@workflow\nasync def child(n: int) -> int:\n    return n\n"
)
FLOW = "@workflow\nasync def w(n: int, run: Run[int], stream: Stream, names: list[str]):\n    await pay(stream)\n"


def codes(build: Build, text: str) -> list[str]:
    return [code for code in build({"m.py": text}).codes if code != "WB111"]


def flow(*lines: str) -> str:
    return HEAD + FLOW + "".join(f"    {line}\n" for line in lines)


@pytest.mark.parametrize(
    "line",
    [
        "start(child, 1)",
        "workflow_runtime.start(child, 1)",
        "start.options(attributes={})(child, 1)",
        "sleep(1)",
        "set_attributes({'a': 'b'})",
        "resume_hook('t', 1)",
        "run.result()",
        "run.cancel('enough')",
        "got = await start(child, 1); got.result()",
        "got = get_run('x'); got.result()",
        "get_run('x').cancel()",
        "get_run('x').successor()",
        "got = start(child, 1); return got.id",
        "return start(child, 1)",
        "return [run.result()]",
        "return await pay(run.result())",
        "if run.status() == 'failed': return 1",
        "for info in list_runs(workflow=child): await pay(info)",
        "waiting = sleep(1)",
    ],
)
def test_a_call_that_is_never_awaited_is_found(build: Build, line: str) -> None:
    assert codes(build, flow(line)) == ["WB131"]


@pytest.mark.parametrize(
    "line",
    [
        "await (start(child, 1) if n else start.options(attributes={})(child, 2))",
        "await asyncio.gather(*(start(child, i) for i in range(n)), *[sleep(i) for i in range(n)])",
        "runs = {name: start(child, 1) for name in names}; return {name: (await run).id for name, run in runs.items()}",
        "tasks = [asyncio.create_task(run.result())]; await asyncio.wait(tasks)",
        "waiting = sleep(1); await asyncio.shield(waiting)",
        "await asyncio.wait_for(run.result(), 3)",
        "first = run.result(); second = get_run('x').result(); return await first + await second",
        "hook = create_hook(int); return [await hook, await hook]",
        "hooks = [kind.create(token=name) for name in names]; return await asyncio.gather(*hooks)",
        "async for got in create_hook(int): await pay(got)",
        "return await create_hook(int)",
        "continue_as_new(n - 1, run, stream, names)",
        "return continue_as_new(n - 1, run, stream, names)",
        "with kind.create() as one, create_hook() as two: await asyncio.wait([asyncio.ensure_future(one)])",
        "create_webhook(token='ping', respond=204)",
        "lock = create_hook(token='lock'); owner = await lock.conflict(); return await owner.result() if owner else None",
        "out = get_writable('out'); await pay(out); await start(child, out); return out",
        "names.write = 1; names.append('x'); return names.stream()",
        "return get_workflow_metadata().run_id",
    ],
)
def test_what_works_is_left_alone(build: Build, line: str) -> None:
    assert codes(build, flow(*line.split("; ") if "for " not in line else [line])) == []


@pytest.mark.parametrize(
    "line",
    [
        "await stream.write(1)",
        "await stream.close()",
        "out = get_writable(); await out.write(1)",
        "await get_writable('x').write(1)",
        "return [one async for one in stream.read()]",
        "return [one async for one in run.stream()]",
    ],
)
def test_a_stream_that_workflow_code_uses_itself_is_found(build: Build, line: str) -> None:
    assert codes(build, flow(line)) == ["WB132"]


def test_a_helper_that_writes_is_found_with_the_way_to_it(build: Build) -> None:
    text = HEAD + "async def tell(out: Stream):\n    await out.write(1)\n" + FLOW + "    await tell(stream)\n"

    (found,) = (one for one in build({"m.py": text}).diagnostics if one.code == "WB132")

    assert found.message == "workflow w calls out.write: w → tell"


def test_steps_use_streams_and_runs_as_they_like(build: Build) -> None:
    body = (
        "    await stream.write(1)\n    await get_writable().write(2)\n    return [one async for one in run.stream()]\n"
    )

    assert (
        codes(build, HEAD + "@step\nasync def write(stream: Stream, run: Run[int]):\n" + body + flow()[len(HEAD) :])
        == []
    )


@pytest.mark.parametrize(
    "line",
    [
        "return await create_hook(int)",
        "return create_webhook().url",
        "await sleep('1 minute')",
        "continue_as_new(1)",
        "return get_workflow_metadata().run_id",
        "return [sleep(one) for one in range(3)]",
    ],
)
def test_what_only_workflow_code_can_do_is_found_in_steps(build: Build, line: str) -> None:
    text = flow("await other()") + f"@step\nasync def other():\n    await asyncio.sleep(1)\n    {line}\n"

    assert "WB133" in codes(build, text)


def test_a_hook_that_is_opened_while_its_module_is_loaded_is_found(build: Build) -> None:
    assert codes(build, HEAD + "approval = create_hook(int)\n" + FLOW + "    return await approval\n") == ["WB133"]


def test_a_run_that_the_app_starts_and_does_not_await_is_found(build: Build) -> None:
    app = "from m import w\nfrom workflow_runtime import start\nasync def create():\n    start(w, 1)\n"

    found = [(one.code, one.location.path) for one in build({"m.py": flow(), "app.py": app}).diagnostics]

    assert ("WB131", "app.py") in found


def test_code_that_only_makes_the_coroutine_is_left_alone(build: Build) -> None:
    app = "from m import w\nfrom workflow_runtime import start\ndef create():\n    return start(w, 1)\n"

    assert [one.code for one in build({"m.py": flow(), "app.py": app}).diagnostics if one.code == "WB131"] == []


def test_a_hook_that_nobody_keeps_is_a_warning(build: Build) -> None:
    (found,) = (one for one in build({"m.py": flow("create_hook(int, token='x')")}).diagnostics if one.code == "WB134")

    assert found.severity == "warning"
    assert "hook = create_hook(int, token='x')" in found.hint
