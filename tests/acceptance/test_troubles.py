"""What can not be loaded or is not there fails the calls and runs that need it, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import serving
from tests.acceptance.app import App
from tests.acceptance.conftest import FIXTURE, world_url
from tools.acceptance import WORLDS

TROUBLES = {
    "broken.py": """
from workflow_runtime import step

raise ImportError("no libbank on this machine")


@step(max_retries=0)
async def pay() -> str:
    return "paid"
""",
    "unloadable.py": """
import time

from workflow_runtime import workflow

STARTED = getattr(time, "sl" + "eep")(0)


@workflow
async def unloadable() -> object:
    return STARTED
""",
    "troubles.py": """
from workflow_runtime import StepNotRegisteredError, workflow


@workflow
async def caught() -> list[str]:
    try:
        await call()
    except StepNotRegisteredError as error:
        return [error.step, type(error.__cause__).__name__, str(error.__cause__)]
    return []


@workflow
async def uncaught() -> str:
    return await call()


async def call() -> str:
    from acceptance.broken import pay

    return await pay()
""",
}


@pytest.fixture(scope="session")
def ailing_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The fixture with all sorts of trouble in it, built."""
    folder = serving.copy_project(FIXTURE, tmp_path_factory.mktemp("ailing") / "app")
    for name, text in TROUBLES.items():
        (folder / "acceptance" / name).write_text(text, "utf-8")
    done = serving.build(folder, "--no-routes")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="session", params=WORLDS)
def ailing(
    request: pytest.FixtureRequest, ailing_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[App]:
    """A server of that, which answers."""
    data = tmp_path_factory.mktemp(f"ailing-{request.param}")
    with serving.listening() as listener:
        app = App(ailing_folder, data, listener, world_url(request.param, data), ready=(503,))
        try:
            app.start()
            yield app
        finally:
            app.close()


@pytest.mark.acceptance("module-load: step", "stepNotRegisteredCatchable")
def test_a_step_module_that_can_not_be_imported_fails_its_own_calls_and_shows_in_health(ailing: App) -> None:
    health = ailing.client.get(serving.HEALTH)

    assert health.status_code == 503
    assert "step//acceptance.broken//pay" in health.text
    assert "libbank" not in health.text, "what is wrong is nobody's business"
    assert ailing.run("basics.add_ten", 123) == 133
    step, *cause = ailing.run("troubles.caught")
    assert step == "step//acceptance.broken//pay"
    assert cause == ["ImportError", "no libbank on this machine"]


@pytest.mark.acceptance("module-load: workflow")
def test_workflow_code_that_can_not_be_loaded_fails_its_runs(ailing: App) -> None:
    told = ailing.error(ailing.begin("unloadable.unloadable"))

    assert told["class"] == "WorkflowError"
    assert "workflow//acceptance.unloadable//unloadable can not be loaded" in told["message"]
    assert told["cause"]["class"] == "NondeterminismError"
    assert ailing.run("basics.add_ten", 123) == 133


@pytest.mark.acceptance("stepNotRegisteredUncaught")
def test_a_step_that_is_not_registered_fails_its_run_unless_it_is_caught(ailing: App) -> None:
    told = ailing.error(ailing.begin("troubles.uncaught"))

    assert told["class"] == "StepNotRegisteredError"
    assert "step//acceptance.broken//pay" in told["message"]
    assert told["cause"]["message"] == "no libbank on this machine"


@pytest.mark.acceptance("WorkflowNotRegistered")
def test_a_workflow_that_was_not_built_is_not_started(app: App) -> None:
    answer = app.client.post("/runs", json={"workflow": "unbuilt.unknown"})

    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("WorkflowNotRegisteredError: workflow//acceptance.unbuilt//unknown")
