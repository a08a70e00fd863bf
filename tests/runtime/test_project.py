"""The registered-steps guard, and what a process knows."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from workflow_runtime import start, step, workflow
from workflow_runtime.bundles import Bundle, BundleModule
from workflow_runtime.errors import StepNotRegisteredError, WorkflowError, WorkflowNotRegisteredError
from workflow_runtime.marking import options_of
from workflow_runtime.project import Project, Registrations, load_bundle, register_project, workflow_of_script


def charge() -> None: ...


def import_error(module: str) -> ImportError:
    with pytest.raises(ImportError) as caught:
        importlib.import_module(module)
    return caught.value


def test_a_missing_step_is_named_with_the_likely_pruner() -> None:
    steps = Registrations()
    steps.add("step//shop//charge", charge)
    with pytest.raises(StepNotRegisteredError, match=r"step//shop//refund is not registered.*linter"):
        steps.require(["step//shop//charge", "step//shop//refund"])
    with pytest.raises(StepNotRegisteredError, match="step//shop//a, step//shop//b are not registered"):
        steps.require(["step//shop//charge", "step//shop//a", "step//shop//b"])


def test_a_module_that_fails_to_import_fails_its_own_steps_only() -> None:
    steps = Registrations()
    steps.add("step//shop//charge", charge)
    steps.unavailable("shop.reports", ImportError("no library libheavy"), ["step//shop.reports//chart"])
    steps.require(["step//shop//charge", "step//shop.reports//chart"])
    assert steps.find("step//shop//charge") is charge
    with pytest.raises(StepNotRegisteredError, match="libheavy") as caught:
        steps.find("step//shop.reports//chart")
    assert isinstance(caught.value.__cause__, ImportError)


def test_a_module_that_is_not_there_is_a_missing_step() -> None:
    steps = Registrations()
    steps.unavailable(
        "no_such_package.payments", import_error("no_such_package.payments"), ["step//no_such_package.payments//charge"]
    )
    with pytest.raises(StepNotRegisteredError) as caught:
        steps.require(["step//no_such_package.payments//charge"])
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)


def test_a_missing_dependency_of_a_module_is_not_a_missing_module() -> None:
    steps = Registrations()
    steps.unavailable("shop.payments", import_error("no_such_dependency"), ["step//shop.payments//charge"])
    steps.require(["step//shop.payments//charge"])
    assert "step//shop.payments//charge" in steps.failures


def test_an_altered_bundle_is_refused() -> None:
    bundle = Bundle("workflow//app//main", True, (), (BundleModule("app", "app.py", False, "async def main(): ..."),))
    register_project(Project("altered._workflow", Path("/nowhere"), "b", {}, (), {"0000000000000000": lambda: bundle}))
    with pytest.raises(WorkflowNotRegisteredError, match="altered"):
        load_bundle("workflow//app//main", "0000000000000000")


def test_a_bundles_hash_is_that_of_its_content() -> None:
    module = BundleModule("app", "app.py", False, "async def main(): ...")
    assert Bundle("w", True, (), (module,)).hash == Bundle("w", True, (), (module,)).hash
    assert Bundle("w", True, (), (module,)).hash != Bundle("w", False, (), (module,)).hash


async def test_starting_what_is_not_registered_says_what_to_do() -> None:
    @workflow
    async def unknown() -> None: ...

    with pytest.raises(WorkflowNotRegisteredError, match="workflow-build"):
        await start(unknown)


async def test_a_workflow_called_directly_says_to_use_start() -> None:
    @workflow
    async def checkout() -> None: ...

    with pytest.raises(WorkflowError, match=r"await start\(.*checkout"):
        await checkout()


async def test_a_step_called_outside_of_a_workflow_simply_runs() -> None:
    @step(max_retries=5)
    async def double(n: int) -> int:
        return n * 2

    assert await double(4) == 8
    assert options_of(double).max_retries == 5


def test_marks_refuse_what_they_can_not_mean() -> None:
    with pytest.raises(TypeError, match="async"):
        workflow(charge)  # type: ignore[arg-type]  # the mistake under test
    with pytest.raises(ValueError, match="max_retries"):
        step(max_retries=-1)


def test_a_workflow_of_the_script_that_runs_is_found_by_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workflow_runtime.project._projects", {})
    module = BundleModule("shop.main", "shop/main.py", False, "")
    bundle = Bundle("workflow//shop.main//go", True, (), (module,))
    register_project(
        Project("shop._workflow", tmp_path, "b", {bundle.workflow: bundle.hash}, (), {bundle.hash: lambda: bundle})
    )

    assert workflow_of_script("go", str(tmp_path / "shop" / ".." / "shop" / "main.py")) == bundle.workflow
    assert workflow_of_script("go", str(tmp_path / "main.py")) is None
    assert workflow_of_script("come", str(tmp_path / "shop" / "main.py")) is None
    assert workflow_of_script("go", None) is None
