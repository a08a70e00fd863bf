"""A deploy under live runs: what predeploy says of a changed project, and what the runs then really do."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from workflow_runtime.worlds.base import Log, RunStatus
from workflow_runtime.worlds.urls import open_world_url

PATIENCE = 60.0
SECRET = "of the shop"
FLOWS = dedent(
    '''
    """The shop before the deploy."""

    from workflow_runtime import RetryableError, sleep, step, workflow


    @step
    async def reserve(order: str) -> str:
        return order


    @step
    async def charge(card: str, cents: int) -> str:
        return f"{card} paid {cents}"


    @step
    async def call_back(order: str) -> str:
        raise RetryableError("nobody answers", retry_after="1 hour")


    @workflow
    async def checkout(order: str, pause: float) -> str:
        await reserve(order)
        await sleep(pause)
        return await charge(order, cents=100)


    @workflow
    async def follow_up(order: str) -> str:
        return await call_back(order)
    '''
)
START = """
import asyncio, sys
import shop._workflow
from shop import flows
from workflow_runtime import start

async def main():
    run = await start(getattr(flows, sys.argv[1]), *eval(sys.argv[2]))
    print(run.id)

asyncio.run(main())
"""


@dataclass(frozen=True, slots=True)
class Deployment:
    """A project in a folder of its own, with its world."""

    folder: Path

    @property
    def world(self) -> str:
        """The database, by URL."""
        return f"sqlite:///{self.folder / 'data.db'}"

    @property
    def environment(self) -> dict[str, str]:
        """What its processes see."""
        own = {name: value for name, value in os.environ.items() if not name.startswith(("WORKFLOW", "COVERAGE"))}
        return own | {"WORKFLOW_WORLD": self.world, "WORKFLOW_SECRET": SECRET, "CI": "1"}

    def command(self, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """``workflow-build`` with these words."""
        return self._python("-m", "workflow_build", *words, **settings)

    def build(self, *options: str) -> None:
        """Compile what is there."""
        done = self.command("build", *options)
        assert done.returncode == 0, done.stdout + done.stderr

    def change(self, *edits: tuple[str, str], prune: bool = False) -> None:
        """Edit the shop, and build it again; ``prune``: without the bundles of former builds, as in a fresh checkout."""
        path = self.folder / "shop" / "flows.py"
        text = path.read_text("utf-8")
        for old, new in edits:
            assert old in text
            text = text.replace(old, new)
        path.write_text(text, "utf-8")
        self.build(*(["--prune-bundles"] if prune else []))

    def start(self, workflow: str, *arguments: object) -> str:
        """Start a run; gives its id."""
        done = self._python("-c", START, workflow, repr(arguments))
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    @contextmanager
    def working(self) -> Iterator[None]:
        """Run a worker."""
        with (self.folder / "worker.log").open("ab") as log:
            command = [sys.executable, "-m", "workflow_runtime", "worker", "shop._workflow"]
            process = subprocess.Popen(command, cwd=self.folder, env=self.environment, stdout=log, stderr=log)
        try:
            yield
        finally:
            process.terminate()
            process.wait(PATIENCE)

    def log(self, run_id: str) -> Log:
        """The run's log."""

        async def read() -> Log:
            world = open_world_url(self.world)
            await world.open()
            try:
                return await world.load(run_id)
            finally:
                await world.close()

        return asyncio.run(read())

    def wait_for(self, run_id: str, is_there: Callable[[Log], bool]) -> Log:
        """The run's log once it is so."""
        deadline = time.monotonic() + PATIENCE
        while not is_there(log := self.log(run_id)):
            said = (self.folder / "worker.log").read_text("utf-8")[-3000:]
            assert time.monotonic() < deadline, f"{[event.kind for event in log.events]}\n{said}"
            time.sleep(0.05)
        return log

    def _python(self, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in (self.environment | settings).items() if value}
        command = [sys.executable, *words]
        return subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)


@dataclass(frozen=True, slots=True)
class Live:
    """The shop with a run that sleeps, and one whose step is to be tried again."""

    shop: Deployment
    sleeping: str
    retrying: str


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Live:
    """The shop before the deploy; each test works on a copy."""
    shop = Deployment(tmp_path_factory.mktemp("deploys") / "app")
    (shop.folder / "shop").mkdir(parents=True)
    (shop.folder / "shop" / "__init__.py").write_text("", "utf-8")
    (shop.folder / "shop" / "flows.py").write_text(FLOWS, "utf-8")
    shop.build()
    sleeping, retrying = shop.start("checkout", "tea", 6.0), shop.start("follow_up", "tea")
    with shop.working():
        shop.wait_for(sleeping, lambda log: any(event.kind == "wait_created" for event in log.events))
        shop.wait_for(retrying, lambda log: any(event.kind == "step_retrying" for event in log.events))
    return Live(shop, sleeping, retrying)


@pytest.fixture
def live(before: Live, tmp_path: Path) -> Live:
    """A copy of the shop before the deploy, with the same live runs."""
    folder = tmp_path / "app"
    shutil.copytree(before.shop.folder, folder)
    return Live(Deployment(folder), before.sleeping, before.retrying)


def verdict(shop: Deployment, code: int, **settings: str) -> dict[str, Any]:
    """What predeploy says; it must end with this exit code."""
    done = shop.command("predeploy", "--format", "json", **settings)
    assert done.returncode == code, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["ok"] == (code == 0)
    return found


def finishes(live: Live) -> str:
    """What the sleeping run returns, on the deploy as it is."""
    with live.shop.working():
        log = live.shop.wait_for(live.sleeping, lambda log: log.run.status.ended)
    assert log.run.status is RunStatus.COMPLETED, log.events[-1]
    output: str = log.events[-1].data["output"]
    return output


def test_a_changed_workflow_body_breaks_no_run_which_finishes_on_its_own_code(live: Live) -> None:
    live.shop.change(("    await reserve(order)\n", ""), ("cents=100)", "cents=999)"))

    assert verdict(live.shop, 0)["live"] == 2
    assert finishes(live) == "tea paid 100"


def test_a_parameter_with_a_default_breaks_no_run(live: Live) -> None:
    live.shop.change(("cents: int)", 'cents: int, coin: str = "EUR")'), ("paid {cents}", "paid {cents} {coin}"))

    verdict(live.shop, 0)
    assert finishes(live) == "tea paid 100 EUR"


@pytest.mark.parametrize(
    ("old", "new", "endangered", "kind", "why"),
    [
        ("async def charge(", "async def bill(", "sleeping", "step", "charge is gone"),
        ("cents: int)", "pennies: int)", "sleeping", "parameters", "cents"),
        ("cents: int)", "cents: int, coin: str)", "sleeping", "parameters", "missing a required argument: 'coin'"),
        ("call_back(order: str)", "call_back(order: str, times: int)", "retrying", "parameters", "'times'"),
    ],
)
def test_a_step_that_is_gone_or_takes_other_parameters_is_told_with_the_runs_that_need_it(
    live: Live, old: str, new: str, endangered: str, kind: str, why: str
) -> None:
    another_way = "'another way'"
    live.shop.change(
        ("await charge(order, cents=100)", another_way), ("await call_back(order)", another_way), (old, new)
    )

    found = verdict(live.shop, 1)

    (run,) = found["endangered"]
    assert run["run"] == getattr(live, endangered)
    assert {problem["kind"] for problem in run["problems"]} == {kind}
    assert any(why in problem["why"] for problem in run["problems"])
    text = live.shop.command("predeploy")
    assert text.returncode == 1
    assert run["run"] in text.stdout
    assert all(problem["why"] in text.stdout and problem["advice"] in text.stdout for problem in run["problems"])


def test_what_predeploy_warns_of_really_fails(live: Live) -> None:
    live.shop.change(("cents: int", "pennies: int"), ("{cents}", "{pennies}"), ("cents=100", "pennies=100"))
    verdict(live.shop, 1)

    with live.shop.working():
        log = live.shop.wait_for(live.sleeping, lambda log: log.run.status.ended)

    assert log.run.status is RunStatus.FAILED


def test_a_run_whose_bundle_is_nowhere_is_told_and_published_it_finishes(live: Live) -> None:
    published = live.shop.command("publish")
    assert published.returncode == 0, published.stderr
    assert "2 bundles published, 0 there already" in published.stdout
    live.shop.change(("cents=100)", "cents=999)"), prune=True)

    verdict(live.shop, 0)
    without = verdict(live.shop, 1, WORKFLOW_SECRET="")
    assert {run["run"] for run in without["endangered"]} == {live.sleeping}
    assert "WORKFLOW_SECRET is not set here" in without["endangered"][0]["problems"][0]["why"]
    assert finishes(live) == "tea paid 100"


def test_without_its_bundle_a_run_is_endangered(live: Live) -> None:
    live.shop.change(("cents=100)", "cents=999)"), prune=True)

    (run,) = verdict(live.shop, 1)["endangered"]

    assert run["run"] == live.sleeping
    assert "neither in the output folder nor in the world" in run["problems"][0]["why"]
    assert "workflow-build publish" in run["problems"][0]["advice"]


def test_an_altered_bundle_of_the_folder_counts_for_none(live: Live) -> None:
    needed = live.shop.log(live.sleeping).run.bundle
    live.shop.change(("cents=100)", "cents=999)"))
    path = live.shop.folder / "shop" / "_workflow" / "bundles" / f"b_{needed}.py"
    path.write_text(path.read_text("utf-8").replace("cents=100", "cents=1"), "utf-8")

    (run,) = verdict(live.shop, 1)["endangered"]

    assert "was altered" in run["problems"][0]["why"]


def test_a_stale_build_is_not_judged(live: Live) -> None:
    path = live.shop.folder / "shop" / "flows.py"
    path.write_text(path.read_text("utf-8").replace("cents=100", "cents=5"), "utf-8")

    done = live.shop.command("predeploy")

    assert done.returncode == 2
    assert "run workflow-build first" in done.stderr


def test_a_world_that_is_not_there_is_not_taken_for_one_without_runs(live: Live) -> None:
    for url in (f"sqlite:///{live.shop.folder / 'typo.db'}", "memory://", "nosuch://x"):
        done = live.shop.command("predeploy", "--world", url)
        assert done.returncode == 2, done.stdout
    assert not (live.shop.folder / "typo.db").exists()


def test_publish_refuses_without_a_secret_and_publishes_twice_what_it_published_once(live: Live) -> None:
    refused = live.shop.command("publish", WORKFLOW_SECRET="")
    assert refused.returncode == 2
    assert "WORKFLOW_SECRET is not set" in refused.stderr

    live.shop.command("publish")
    again = live.shop.command("publish")
    assert again.returncode == 0
    assert "0 bundles published, 2 there already" in again.stdout

    other = live.shop.command("publish", WORKFLOW_SECRET="another")
    assert other.returncode == 1
    assert "something else in the place of bundle" in other.stderr
    assert "publish with --replace" in other.stderr

    changed = live.shop.command("publish", "--replace", WORKFLOW_SECRET="another")
    assert "0 bundles published, 0 there already, 2 signed anew" in changed.stdout, changed.stderr
    assert live.shop.command("publish", WORKFLOW_SECRET="another").returncode == 0
