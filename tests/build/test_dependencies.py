"""Steps and workflows that come with installed packages."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.build.test_features import run_to_the_end
from workflow_build.build import Options, build
from workflow_build.config import Flags, load
from workflow_build.dependencies import fingerprint, installed
from workflow_build.session import Session
from workflow_runtime.events import EventKind

PAY = """
import ssl
from dataclasses import dataclass

from workflow_runtime import step, workflow


@dataclass
class Paid:
    cents: int


@step
async def pay(cents: int) -> Paid:
    assert ssl.OPENSSL_VERSION
    return Paid(cents)


@step
async def unused() -> None: ...


@workflow
async def pay_twice(cents: int) -> int:
    return (await pay(cents)).cents * 2
"""
FLOWS = """
from paylib_for_tests.steps import pay
from workflow_runtime import step, workflow


@workflow
async def main(cents: int) -> int:
    return (await pay(cents)).cents + 1
"""
PROJECT = '[project]\nname = "shop"\nversion = "1"\ndependencies = ["paylib-for-tests>=1", "not-there"]\n'


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Path]]:
    """Put a package into a folder of packages, as an installer does. Gives the folder."""
    target = tmp_path / "packages"
    monkeypatch.syspath_prepend(str(target))
    before = set(sys.modules)

    def run(requirement: str = "workflow-build>=0.1") -> Path:
        files = {
            "paylib_for_tests/__init__.py": "",
            "paylib_for_tests/steps.py": PAY,
            "paylib_for_tests-1.0.dist-info/METADATA": (
                f"Metadata-Version: 2.1\nName: paylib-for-tests\nVersion: 1.0\nRequires-Dist: {requirement}\n"
            ),
        }
        record = "".join(f"{name},,\n" for name in [*files, "../bin/paylib", "paylib_for_tests-1.0.dist-info/RECORD"])
        for name, text in {**files, "paylib_for_tests-1.0.dist-info/RECORD": record}.items():
            path = target / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        importlib.invalidate_caches()
        return target

    yield run
    for name in set(sys.modules) - before:
        if name.startswith(("paylib_for_tests", "dependent_shop")):
            del sys.modules[name]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A project that depends on the package."""
    package = tmp_path / "shop" / "dependent_shop"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "flows.py").write_text(FLOWS, "utf-8")
    (tmp_path / "shop" / "pyproject.toml").write_text(PROJECT, "utf-8")
    return tmp_path / "shop"


async def test_steps_and_workflows_of_a_package_that_depends_on_us_are_found_and_run(
    install: Callable[..., Path], shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install()
    result = build(load(shop, Flags()), with_routes=False)

    assert [(found.code, found.message) for found in result.diagnostics] == []
    monkeypatch.syspath_prepend(str(shop))
    project: Any = importlib.import_module("dependent_shop._workflow").PROJECT
    steps = importlib.import_module("dependent_shop._workflow.step_registrations").STEPS
    assert set(steps) == {"step//paylib_for_tests.steps//pay", "step//paylib_for_tests.steps//unused"}
    for workflow, output in [
        ("workflow//dependent_shop.flows//main", 6),
        ("workflow//paylib_for_tests.steps//pay_twice", 10),
    ]:
        end = await run_to_the_end(project.workflows[workflow], workflow, [5], steps)
        assert end.kind is EventKind.RUN_COMPLETED, end.data
        assert end.data["output"] == output


def test_what_is_written_does_not_tell_where_packages_are_installed(install: Callable[..., Path], shop: Path) -> None:
    target = install()
    out = build(load(shop, Flags()), with_routes=False).config.out

    assert not any(
        str(target) in path.read_text("utf-8") for path in out.rglob("*.*") if path.suffix in (".py", ".json")
    )


@pytest.mark.parametrize("requirement", ["click", "workflow-builder", 'workflow-build; extra == "flows"'])
def test_a_package_that_does_not_depend_on_us_is_not_looked_into(
    install: Callable[..., Path], shop: Path, requirement: str
) -> None:
    install(requirement)

    result = build(load(shop, Flags()), with_routes=False)

    assert [function.id for function in result.functions.functions] == ["workflow//dependent_shop.flows//main"]


def test_the_configuration_may_say_not_to_look(install: Callable[..., Path], shop: Path) -> None:
    install()
    (shop / "pyproject.toml").write_text(f"{PROJECT}\n[tool.workflow-build]\ndependencies = false\n", "utf-8")

    assert load(shop, Flags()).dependencies == ()


def test_a_package_that_was_upgraded_is_noticed(install: Callable[..., Path]) -> None:
    target = install()
    files = installed(["paylib-for-tests", "not-there"])
    before = fingerprint(files)
    (target / "paylib_for_tests" / "steps.py").write_text(PAY + "\n# upgraded\n", "utf-8")

    assert fingerprint(files) != before
    assert installed(["not-there"]) == {}


def test_a_package_that_is_installed_between_two_builds_is_noticed(install: Callable[..., Path], shop: Path) -> None:
    def found() -> list[str]:
        with closing(Session(shop)) as session:
            return [function.id for function in session.build(Options(with_routes=False)).functions.steps]

    assert found() == []
    install()

    assert found() == ["step//paylib_for_tests.steps//pay", "step//paylib_for_tests.steps//unused"]
