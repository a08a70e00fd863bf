"""The fixtures in this very session, on the kiosk: what they are made of, without pytest between."""

from __future__ import annotations

import asyncio
import importlib
import io
import itertools
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from rich.console import Console

from tests.plugin.conftest import KIOSK
from workflow_build.testing import AsyncWorkflows, ProjectError, StuckError, Workflows
from workflow_build.testing.compiling import compile_into, main
from workflow_build.testing.fakes import Fakes
from workflow_build.testing.host import Host
from workflow_build.testing.project import Compiled, compiled_folder, imported
from workflow_runtime import HookNotFoundError, Run, RunFailedError, run_sync, start
from workflow_runtime.events import EventKind
from workflow_runtime.process import process_world


@pytest.fixture(scope="module")
def _workflow_project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compiled]:
    """In the place of the plugin's own: the kiosk, and not the project whose tests these are."""
    folder, built = tmp_path_factory.mktemp("inside") / "project", tmp_path_factory.mktemp("built")
    shutil.copytree(KIOSK, folder)
    assert compile_into(folder, built, Console(file=io.StringIO()))
    paths = [str(folder), str(folder / "lib")]
    sys.path[:0] = paths
    with imported(built) as compiled:
        yield compiled
    for path in paths:
        sys.path.remove(path)
    for name in [name for name in sys.modules if name.partition(".")[0] in ("kiosk", "drift")]:
        del sys.modules[name]


@pytest.fixture
def compiled(_workflow_project: Compiled) -> Compiled:
    """The kiosk as this process has it."""
    return _workflow_project


@pytest.fixture
def flows(_workflow_project: Compiled) -> ModuleType:
    """The kiosk's workflows."""
    return importlib.import_module("kiosk.flows")


@pytest.fixture
def steps(_workflow_project: Compiled) -> ModuleType:
    """The kiosk's steps."""
    return importlib.import_module("kiosk.steps")


def test_a_run_ends_the_same_wherever_it_crashes(workflows: Workflows, flows: ModuleType) -> None:
    run = workflows.start(flows.sell, "Times", "busy")
    paper = workflows.result(run)

    for number, event in enumerate(workflows.events(run), 1):
        assert workflows.options(crash_at=number).run(flows.sell, "Times", "busy") == paper, event.kind


def test_a_body_that_runs_in_a_thread_while_its_worker_dies_runs_again(workflows: Workflows, flows: ModuleType) -> None:
    run = workflows.options(crash_at="step_started").start(flows.nap, 0.1)

    assert workflows.result(run) == "awake"
    assert [event.kind for event in workflows.events(run)].count(EventKind.STEP_STARTED) == 2


def test_a_crash_comes_when_others_write_the_event(workflows: Workflows, flows: ModuleType) -> None:
    run = workflows.options(crash_at="hook_received").start(flows.approve, "Times")
    workflows.resume(workflows.wait_for_hook(run), False)
    assert workflows.result(run) == "no"

    cancelled = workflows.options(crash_at="run_cancelled").start(flows.approve, "Times")
    workflows.wait_for_sleep(cancelled)
    assert run_sync(cancelled.cancel("enough"))
    with pytest.raises(Exception, match="enough"):
        workflows.result(cancelled)


async def test_time_is_skipped_for_whoever_waits(async_workflows: AsyncWorkflows, flows: ModuleType) -> None:
    before = async_workflows.now
    first, second = await start(flows.subscribe, "Times", 2), await start(flows.outer, "Times")

    assert len(await first.result()) == 2
    assert (async_workflows.now - before).days == 14
    assert (await second.result()).cents == 250
    assert (async_workflows.now - before).days == 30


async def test_what_a_run_waits_for_is_told(async_workflows: AsyncWorkflows, flows: ModuleType) -> None:
    with pytest.raises(StuckError, match=r"which waits for a payload for its hook 'h'"):
        await async_workflows.run(flows.waits_for_waiting, "h")
    run = await async_workflows.start(flows.restock, "Times")
    await async_workflows.advance("1 minute")
    assert "step kiosk.steps.call_printer (step_000001), which raised TimeoutError: no answer" in async_workflows._why(
        run.id
    )
    assert "of kiosk.flows.restock is running" in async_workflows._why_all()


def test_a_run_that_failed_instead_is_told_of_with_its_error(workflows: Workflows, flows: ModuleType) -> None:
    run = workflows.start(flows.restock, "Times")

    with pytest.raises(StuckError, match=r"it has no hook: .* has ended: failed with TimeoutError: no answer"):
        workflows.wait_for_hook(run)


def test_what_still_runs_ends_with_its_test(compiled: Compiled, flows: ModuleType, steps: ModuleType) -> None:
    ended: list[str] = []

    async def for_ever(seconds: float) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.05)
            ended.append("ended")

    host, fakes = Host(0.2), Fakes(compiled.steps)
    host.enter()
    workflows = Workflows(AsyncWorkflows(host, fakes))
    workflows.fake(steps.ponder).calls(for_ever)
    with pytest.raises(StuckError, match=r"it still goes on after 0.2 s of real time.*kiosk.steps.ponder .* attempt 1"):
        workflows.run(flows.think, 60)
    assert ended == []
    fakes.restore()
    host.close()

    assert ended == ["ended"]


def test_runs_go_on_when_the_loop_that_they_began_on_has_gone(workflows: Workflows, flows: ModuleType) -> None:
    async def begin() -> Run[str]:
        run = await start(flows.nap, 0.2)
        await asyncio.sleep(0.05)
        return run

    run = asyncio.run(begin())

    assert workflows.result(run) == "awake"


def test_the_settings_of_production_count(
    workflows: Workflows, flows: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKFLOW_EVENT_LIMIT", "20")

    with pytest.raises(RunFailedError, match="EventLimitError"):
        workflows.run(flows.tick_for_ever)


def test_each_test_has_a_world_of_its_own(workflows: Workflows) -> None:
    with pytest.raises(HookNotFoundError):
        workflows.resume("approve-Times", True)


def test_the_last_fake_counts(workflows: Workflows, flows: ModuleType, steps: ModuleType) -> None:
    workflows.fake(steps.charge).raises(ValueError)
    workflows.fake(steps.charge).raises(LookupError)

    with pytest.raises(RunFailedError) as failed:
        workflows.run(flows.sell, "Times", "good")

    assert isinstance(failed.value.__cause__, LookupError)


@pytest.mark.parametrize("odd", range(4))
def test_one_execution_that_decides_otherwise_is_found_whichever_it_is(
    workflows: Workflows, flows: ModuleType, monkeypatch: pytest.MonkeyPatch, odd: int
) -> None:
    executions = itertools.count()
    monkeypatch.setattr("drift.tick", lambda: int(next(executions) == odd))

    with pytest.raises(RunFailedError, match="ReplayDivergenceError"):
        workflows.run(flows.gamble, "Times")
    assert next(executions) == max(2, odd + 1), "it has failed at once, and was not tried again"


def test_replay_is_checked(workflows: Workflows, flows: ModuleType) -> None:
    with pytest.raises(RunFailedError, match="ReplayDivergenceError"):
        workflows.run(flows.gamble, "Times")


async def test_a_worker_of_an_app_leaves_the_work_to_the_tests_own(async_workflows: AsyncWorkflows) -> None:
    world = await process_world()

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(world.receive(1), 0.01)
    await world.close()
    await world.open()
    assert await world.paused() == []


def test_a_project_is_tried_once_however_many_ask(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "pyproject.toml").write_text("[tool.workflow-build]\nroots = 5\n")
    with pytest.raises(ProjectError, match=r"'roots' in .* must be a list of strings"):
        compiled_folder(project, tmp_path)
    (project / "pyproject.toml").unlink()

    with pytest.raises(ProjectError, match=r"'roots' in .* must be a list of strings"):
        compiled_folder(project, tmp_path)


def test_the_compiling_process_tells_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "flows.py").write_text(
        "from workflow_runtime import workflow\n@workflow\nasync def main():\n    open('x')\n", "utf-8"
    )
    (tmp_path / "pyproject.toml").write_text("[tool.workflow-build]\nexclude = []\n", "utf-8")

    assert main(str(tmp_path), str(tmp_path / "out")) == 1
    assert "error WB102" in capsys.readouterr().out
    assert main(str(tmp_path / "nowhere"), str(tmp_path / "out")) == 1
    assert "is not a folder" in capsys.readouterr().out
