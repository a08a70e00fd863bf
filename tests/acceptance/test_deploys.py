"""New code under a running app: built again by ``workflow-build --watch`` or by a deploy, while runs are in flight."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests import serving
from tests.acceptance.app import App, wait_for

FRESH = """
from workflow_runtime import step, workflow


@step
async def greet(name: str) -> str:
    return f"hello {name}"


@workflow
async def fresh(name: str) -> str:
    return await greet(name)
"""


def edit(app: App, module: str, old: str, new: str) -> None:
    """Replace a text, which must be there, in a module of the app."""
    path = app.folder / "acceptance" / module
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def manifest(app: App) -> Any:
    """What was built last; empty while it is being written."""
    try:
        return json.loads((app.folder / "acceptance" / "_workflow" / "manifest.json").read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return {}


def hashes(app: App) -> dict[str, str]:
    """The hash of each workflow's and step's text, by id."""
    built = manifest(app)
    return {one["id"]: one["hash"] for one in [*built.get("workflows", ()), *built.get("steps", ())]}


@contextmanager
def watched(folder: Path, log: Path) -> Iterator[None]:
    """``workflow-build --watch``, while the context is open."""
    command = [sys.executable, "-m", "workflow_build", "--watch", "--no-routes"]
    with log.open("wb") as output, subprocess.Popen(command, cwd=folder, stdout=output, stderr=output) as process:
        try:
            wait_for(lambda: "workflows" in log.read_text("utf-8"), lambda: f"no first build: {log.read_text('utf-8')}")
            yield
        finally:
            process.terminate()


@pytest.mark.acceptance("dev: workflow edit", "dev: step edit", "dev: new file", "local-build")
def test_edits_and_new_files_are_built_while_one_works_and_the_new_code_runs(
    redeployed: App, tmp_path: Path, token: str
) -> None:
    edited = ["workflow//acceptance.basics//addition", "step//acceptance.hooking//slow_mark"]
    before = hashes(redeployed)
    assert redeployed.run("basics.addition", 1, 2) == 3
    in_flight = redeployed.begin("hooking.hook_during_step", token)
    redeployed.mark(in_flight, "slow")

    with watched(redeployed.folder, tmp_path / "watch.log"):
        edit(
            redeployed,
            "basics.py",
            "return await add(left, right)\n\n\n@workflow",
            "return 10 * await add(left, right)\n\n\n@workflow",
        )
        wait_for(lambda: hashes(redeployed).get(edited[0], before[edited[0]]) != before[edited[0]], redeployed.log)
        edit(redeployed, "hooking.py", "    return label\n", '    return f"new {label}"\n')
        wait_for(lambda: hashes(redeployed).get(edited[1], before[edited[1]]) != before[edited[1]], redeployed.log)
        (redeployed.folder / "acceptance" / "fresh.py").write_text(FRESH, "utf-8")
        wait_for(lambda: "workflow//acceptance.fresh//fresh" in hashes(redeployed), redeployed.log)
    redeployed.kill()
    redeployed.start()
    redeployed.resume(token, 1)

    assert redeployed.run("basics.addition", 1, 2) == 30
    assert redeployed.run("fresh.fresh", "ada") == "hello ada"
    assert redeployed.result(in_flight)[-1] == "new after", "a run in flight goes on, with the steps of today"


@pytest.mark.acceptance("stepNotRegisteredCatchable", "stepNotRegisteredUncaught", "WorkflowNotRegistered")
def test_runs_in_flight_fail_by_what_a_deploy_took_away_and_only_those(redeployed: App, token: str) -> None:
    without_step = redeployed.begin("hooking.hook_during_step", f"{token}-step")
    redeployed.mark(without_step, "slow")
    without_bundle = redeployed.begin("lasting.labelled", f"{token}-bundle")
    untouched = redeployed.begin("hooking.one_payload", f"{token}-none", "ada")
    for name in ("step", "bundle", "none"):
        redeployed.hook(f"{token}-{name}")
    bundle = redeployed.events(without_bundle)[0]["data"]["bundle"]
    redeployed.kill()
    edit(redeployed, "hooking.py", "slow_mark", "unhurried_mark")
    edit(redeployed, "lasting.py", "def labelled", "def relabelled")
    done = serving.build(redeployed.folder, "--no-routes")
    assert done.returncode == 0, done.stdout + done.stderr
    (lost,) = (redeployed.folder / "acceptance" / "_workflow" / "bundles").glob(f"*{bundle}*")
    lost.unlink()
    redeployed.start()

    for name in ("step", "bundle"):
        redeployed.resume(f"{token}-{name}", 1)
    redeployed.resume(f"{token}-none", {"message": "fine"}, kind="hooking.payloads")

    told = redeployed.error(without_step)
    assert told["class"] == "StepNotRegisteredError"
    assert "step//acceptance.hooking//slow_mark" in told["message"]
    told = redeployed.error(without_bundle)
    assert told["class"] == "WorkflowNotRegisteredError"
    assert "workflow//acceptance.lasting//labelled" in told["message"]
    assert redeployed.result(untouched) == {"message": "fine", "customer": "ada"}
