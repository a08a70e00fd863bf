"""Whether the doctor finds what the project does not say: that it needs the package, where its modules are, that it mounts the handler."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from workflow_build.build import build
from workflow_build.cli import cli
from workflow_build.config import Flags, load
from workflow_build.doctor.declared import check_dependency
from workflow_build.doctor.finding import Patient

if TYPE_CHECKING:
    from tests.build.doctor.conftest import Clinic

BARE = "from fastapi import FastAPI\n\napp = FastAPI()\n"
IMPORTED = f"from shop._workflow.fastapi import mount\n{BARE}"
WITHOUT = '[project]\nname = "shop"\nversion = "1"\ndependencies = ["fastapi"]\n'


def test_a_project_that_does_not_depend_on_what_it_imports_is_a_problem_with_the_line_to_add(clinic: Clinic) -> None:
    project = clinic.write({"pyproject.toml": WITHOUT})

    found = clinic.look(project, "dependency")

    assert found is not None
    assert found.level == "problem"
    assert found.advice == 'add to `dependencies` under [project] of pyproject.toml\n"workflow-build",'


@pytest.mark.parametrize(
    ("dependency", "world", "expected"),
    [
        ("workflow-build", "", "ok"),
        ("workflow-build", "sqlite:///w.db", "ok"),
        ("workflow-build", "nats://nowhere", "problem"),
        ("workflow-build[nats]", "nats://nowhere", "ok"),
        ("workflow-build[nats]", "postgresql://nowhere", "problem"),
    ],
)
def test_the_storage_that_is_chosen_needs_its_extra(dependency: str, world: str, expected: str, clinic: Clinic) -> None:
    text = WITHOUT.replace("fastapi", dependency)
    config = load(clinic.write({"pyproject.toml": text}, built=False), Flags())

    found = check_dependency(Patient(config, tomllib.loads(text), {"WORKFLOW_WORLD": world}))

    assert found is not None
    assert found.level == expected


def test_a_dependency_that_brings_the_package_along_is_enough(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    site = clinic.folder / "site" / "workflow_kite-1.dist-info"
    site.mkdir(parents=True)
    (site / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: workflow-kite\nVersion: 1\nRequires-Dist: workflow-build>=0.1\n"
    )
    monkeypatch.syspath_prepend(str(site.parent))
    files = {"pyproject.toml": WITHOUT.replace("fastapi", "workflow-kite")}

    assert clinic.level(clinic.write(files, place="project", built=False), "dependency") == "ok"


def test_nothing_is_said_of_dependencies_that_are_listed_elsewhere(clinic: Clinic) -> None:
    dynamic = '[project]\nname = "shop"\nversion = "1"\ndynamic = ["dependencies"]\n'

    assert clinic.look(clinic.write({"pyproject.toml": dynamic}, built=False), "dependency") is None


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"shop/main.py": BARE}, "problem"),
        ({"shop/main.py": IMPORTED}, "problem"),
        ({"shop/main.py": f"{IMPORTED}mount(app)\n"}, "warning"),
        ({"shop/main.py": BARE, "shop/web.py": IMPORTED, "asgi.py": "from shop.web import mount\n"}, "warning"),
        ({"shop/main.py": f"import shop._workflow.fastapi\n{BARE}shop._workflow.fastapi.mount(app)\n"}, "warning"),
        ({"shop/main.py": f"{BARE}from ._workflow import fastapi as made\nmade.mount(app)\n"}, "warning"),
        ({"shop/main.py": f"{BARE}from ._workflow import fastapi as made\n"}, "problem"),
        ({"shop/main.py": BARE, "shop/web.py": "from shop._workflow.fastapi import *\n"}, "warning"),
        ({"shop/main.py": f'{BARE}import_module(f"{{__package__}}._workflow.fastapi").mount(app)\n'}, "warning"),
        ({"shop/main.py": BARE, "production.ini": "[app:main]\nincludes = shop._workflow.fastapi\n"}, "warning"),
        ({"shop/main.py": f"{BARE[:-1]}  # workflow-build: ignore[WB501] a worker stands beside it\n"}, "ok"),
    ],
    ids=[
        "nothing",
        "imported alone",
        "mounted",
        "passed on",
        "whole module",
        "relative",
        "relative, imported alone",
        "all names",
        "by text",
        "by settings",
        "ignored",
    ],
)
def test_an_app_that_does_not_mount_the_handler_is_a_problem_and_one_that_may_is_none(
    files: dict[str, str], expected: str, clinic: Clinic
) -> None:
    assert clinic.level(clinic.write(files), "routes") == expected


def test_the_lines_to_add_are_those_that_the_build_shows(clinic: Clinic) -> None:
    project = clinic.write({"shop/main.py": BARE})
    config = load(project, Flags())
    said_by_build = [found for found in build(config).diagnostics if found.code == "WB501"]

    found = clinic.look(project, "routes")
    done = CliRunner().invoke(cli, ["doctor", str(project)], env={"CI": "1"})

    assert found is not None
    assert (found.level, found.advice) == ("problem", said_by_build[0].hint)
    assert found.message == f"{said_by_build[0].message} (shop/main.py:3)"
    assert done.exit_code == 1
    assert "from shop._workflow.fastapi import mount\n" in done.stdout


def test_routes_that_a_build_found_and_no_file_mounts_any_more_are_a_problem(clinic: Clinic) -> None:
    project = clinic.write({})
    clinic.build(project, with_routes=True)
    main = project / "shop" / "main.py"
    main.write_text(BARE)

    found = clinic.look(project, "routes")
    main.write_text(f"{BARE[:-1]}  # workflow-build: ignore[WB501] another package mounts them\n")
    ignored = clinic.level(project, "routes")

    assert found is not None
    assert found.level == "problem"
    assert "mount(app)" in found.advice
    assert ignored == "ok"


def test_before_the_first_build_nothing_is_said_of_the_routes_of_an_app_that_mounts_the_handler(clinic: Clinic) -> None:
    assert clinic.look(clinic.write({}, built=False), "routes") is None


def test_a_worker_alone_has_no_routes_to_look_for(clinic: Clinic) -> None:
    project = clinic.write({}, '[tool.workflow-build]\ntargets = ["worker"]\n', built=False)

    assert clinic.look(project, "routes") is None


@pytest.mark.parametrize(("roots", "expected"), [("", "warning"), ('["."]', None), ('["src"]', None)])
def test_a_namespace_under_src_beside_packages_is_asked_about_with_the_setting_to_add(
    roots: str, expected: str | None, clinic: Clinic
) -> None:
    settings = f"[tool.workflow-build]\nroots = {roots}\n" if roots else ""
    project = clinic.write({"src/acme/bank/money.py": ""}, settings, built=False)

    found = clinic.look(project, "roots")

    assert (found.level if found else None) == expected
    assert found is None or '[tool.workflow-build]\nroots = ["src"]' in found.advice
