"""The doctor's other checks, each on a small real project."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from workflow_build.cli import cli
from workflow_build.config import Flags, load
from workflow_build.doctor import examine
from workflow_build.doctor.finding import Level

if TYPE_CHECKING:
    from tests.build.doctor.conftest import Clinic


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        (".dockerignore", "shop/_workflow\n", "problem"),
        (".dockerignore", "**/_workflow\n", "problem"),
        (".dockerignore", "_workflow\n", "ok"),  # Docker looks for it at the top alone
        (".dockerignore", "*\n!shop\n", "ok"),
        (".dockerignore", "# shop\n\n*.md\n", "ok"),
        (".dockerignore", "**/*.json\n", "problem"),
        (".gcloudignore", "_workflow/\n", "problem"),
        (".gcloudignore", "#!include:.gitignore\n", "problem"),
        (".gcloudignore", ".git\n", "ok"),
        (".vercelignore", "_workflow\n", "problem"),
        (".vercelignore", "tests\n", "ok"),
    ],
)
def test_an_ignore_file_that_keeps_the_output_from_being_deployed(
    name: str, text: str, expected: str, clinic: Clinic
) -> None:
    project = clinic.write({name: text, ".gitignore": "_workflow/\n"})

    found = clinic.look(project, name.removeprefix("."))

    assert found is not None
    assert found.level == expected, found


def test_a_dockerignore_above_the_project_counts_too(clinic: Clinic) -> None:
    subprocess.run(["git", "init", "-q"], cwd=clinic.folder, check=True)
    (clinic.folder / ".dockerignore").write_text("services/*/shop/_workflow\n")

    assert clinic.level(clinic.write({}, place="services/one", git=False), "dockerignore") == "problem"


@pytest.mark.parametrize("out", ["public/_workflow", "api/public/deep/_workflow"])
def test_an_output_that_hosts_serve_to_everybody_is_a_problem(out: str, clinic: Clinic) -> None:
    table = f'[tool.workflow-build]\nout = "{out}"\n'

    assert clinic.level(clinic.write({}, settings=table, built=False), "place") == "problem"


@pytest.mark.parametrize(
    ("ignore", "expected"), [("", "ok"), ("_workflow/\n", "ok"), ("*.json\n", "problem"), ("b_*.py\n", "problem")]
)
def test_an_output_that_git_has_only_a_part_of_is_a_problem(ignore: str, expected: str, clinic: Clinic) -> None:
    assert clinic.level(clinic.write({".gitignore": ignore}), "git") == expected


@pytest.mark.parametrize(
    ("settings", "check", "expected"),
    [
        ("[tool.ruff]\n", "ruff", "ok"),
        ("[tool.ruff]\n", "ruff-format", "ok"),
        ('[tool.ruff.format]\nquote-style = "single"\n', "ruff-format", "warning"),
        ('[tool.ruff]\nextend-exclude = ["shop/_workflow"]\nformat.quote-style = "single"\n', "ruff-format", "ok"),
        ("[tool.isort]\nprofile = 'black'\n", "isort", "ok"),
        ("[tool.isort]\nreverse_sort = true\nforce_sort_within_sections = true\n", "isort", "warning"),
        (
            '[tool.isort]\nreverse_sort = true\nforce_sort_within_sections = true\nextend_skip = ["shop/_workflow"]\n',
            "isort",
            "ok",
        ),
        ("[tool.autoflake]\nremove-all-unused-imports = true\n", "autoflake", "ok"),
        ("[tool.pycln]\nall = true\n", "pycln", "ok"),
    ],
)
def test_a_linter_that_would_change_the_output_is_found_by_asking_it(
    settings: str, check: str, expected: str, clinic: Clinic
) -> None:
    project = clinic.write({}, settings=settings)

    found = clinic.look(project, check)

    assert found is not None
    assert found.level == expected, found


def test_no_linter_is_asked_about_that_the_project_does_not_configure(clinic: Clinic) -> None:
    checks = {found.check for found in examine(load(clinic.write({}), Flags()), {}).findings}

    assert not checks & {"ruff", "ruff-format", "black", "isort", "autoflake", "pycln", "unimport"}


@pytest.mark.parametrize(
    ("installed", "expected"),
    [("0.137.0", "problem"), ("0.137.1", "problem"), ("0.137.2", "ok"), ("0.114.2", "problem"), ("0.115.0", "ok")],
)
def test_versions_of_fastapi_that_do_not_work_are_named(
    installed: str, expected: str, clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = clinic.folder / "site" / f"fastapi-{installed}.dist-info"
    site.mkdir(parents=True)
    (site / "METADATA").write_text(f"Metadata-Version: 2.1\nName: fastapi\nVersion: {installed}\n")
    monkeypatch.syspath_prepend(str(site.parent))
    assert metadata.version("fastapi") == installed

    assert clinic.level(clinic.write({}, place="project"), "fastapi") == expected


def test_a_python_that_is_too_old_for_the_written_modules_is_named(clinic: Clinic) -> None:
    old = clinic.pyproject.replace("dependencies", 'requires-python = ">=3.9"\ndependencies')

    assert clinic.level(clinic.write({"pyproject.toml": old}), "python") == "warning"


def test_output_that_is_missing_stale_or_can_not_be_made_is_a_problem(clinic: Clinic) -> None:
    project = clinic.write({}, built=False)
    never = clinic.look(project, "output")
    clinic.build(project)
    fresh = clinic.look(project, "output")
    orders = project / "shop" / "orders.py"
    orders.write_text(orders.read_text().replace("charge", "bill"))
    stale = clinic.look(project, "output")
    orders.write_text("@workflow(\nfrom workflow_runtime import workflow\n")
    broken = clinic.look(project, "output")

    assert never is not None and fresh is not None and stale is not None and broken is not None  # noqa: PT018
    assert [found.level for found in (never, fresh, stale, broken)] == ["problem", "ok", "problem", "problem"]
    assert "was never built" in never.message
    assert "is stale" in stale.message


def test_routes_are_fine_only_when_a_request_has_confirmed_them(clinic: Clinic) -> None:
    project = clinic.write({})
    never = clinic.level(project, "routes")
    clinic.build(project, with_routes=True)
    confirmed = clinic.level(project, "routes")
    path = project / "shop" / "_workflow" / "config.json"
    content = json.loads(path.read_text())
    content["routes"][0]["confirmed"] = False
    path.write_text(json.dumps(content))
    unconfirmed = clinic.level(project, "routes")
    path.write_text(json.dumps({**content, "routes": []}))

    assert (never, confirmed, unconfirmed, clinic.level(project, "routes")) == ("warning", "ok", "warning", "problem")


def sqlite_file(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def test_a_world_that_is_not_there_yet_is_fine_and_is_not_made(clinic: Clinic) -> None:
    project = clinic.write({})

    assert clinic.level(project, "world") == "ok"
    assert not (project / ".workflow").exists()


def test_a_world_that_is_there_is_read_without_a_trace(clinic: Clinic) -> None:
    project = clinic.write({})
    script = (
        "import asyncio; from workflow_runtime.worlds.urls import open_world_url as o; w = o('sqlite:///w.db'); "
        "asyncio.run(w.open()); asyncio.run(w.close())"
    )
    subprocess.run([sys.executable, "-c", script], cwd=project, check=True)
    before = {path: path.stat().st_mtime_ns for path in project.glob("w.db*")}

    assert clinic.level(project, "world", WORKFLOW_WORLD="sqlite:///w.db") == "ok"
    assert {path: path.stat().st_mtime_ns for path in project.glob("w.db*")} == before
    assert project / "w.db" in before


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        (["CREATE TABLE users (id)"], "another program"),
        ([f"PRAGMA application_id = {0x574B464C}", "CREATE TABLE t (a)", "PRAGMA user_version = 9999"], "newer"),
    ],
)
def test_a_database_that_is_not_for_us_is_a_problem(statements: list[str], said: str, clinic: Clinic) -> None:
    project = clinic.write({})
    sqlite_file(project / "other.db", *statements)

    found = clinic.look(project, "world", WORKFLOW_WORLD="sqlite:///other.db")

    assert found is not None
    assert found.level is Level.PROBLEM
    assert said in found.message


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("memory://", "warning"),
        ("odd://somewhere", "problem"),
        ("postgresql://[nowhere", "problem"),
        ("sqlite:///shop/__init__.py/x.db", "problem"),
        ("sqlite:///pyproject.toml", "problem"),
    ],
)
def test_a_world_that_can_not_be_used_is_named(url: str, expected: str, clinic: Clinic) -> None:
    assert clinic.level(clinic.write({}), "world", WORKFLOW_WORLD=url) == expected


def test_the_command_exits_with_one_for_problems_alone_and_tells_programs_in_json(clinic: Clinic) -> None:
    project = clinic.write(
        {".gitignore": "_workflow/\n"}, settings='[build-system]\nbuild-backend = "hatchling.build"\n'
    )
    plain = {"WORKFLOW_WORLD": "memory://", "CI": "1"}

    sick = CliRunner().invoke(cli, ["doctor", str(project)], env=plain)
    told = CliRunner().invoke(cli, ["doctor", str(project), "--format", "json"], env=plain)
    (project / ".gitignore").unlink()
    well = CliRunner().invoke(cli, ["doctor", str(project)], env=plain)

    assert (sick.exit_code, told.exit_code, well.exit_code) == (1, 1, 0), well.stdout
    assert "problem  wheel: hatchling leaves shop/_workflow/__init__.py and" in sick.stdout
    assert 'artifacts = ["shop/_workflow/**"]' in sick.stdout
    content = json.loads(told.stdout)
    assert content["ok"] is False
    assert {finding["check"]: finding["level"] for finding in content["findings"]}["wheel"] == "problem"


def state(project: Path) -> dict[Path, int]:
    """When each file and folder was written last; the compiler's cache is left out."""
    paths = [path for path in project.rglob("*") if ".workflow-build" not in path.parts]
    return {path: path.stat().st_mtime_ns for path in paths}


def test_an_examination_changes_nothing_in_the_project(clinic: Clinic) -> None:
    project = clinic.write({}, "[tool.ruff]\n[tool.isort]\n[tool.pycln]\n[tool.autoflake]\n", git=False)
    before = state(project)

    examine(load(project, Flags()), os.environ)

    assert state(project) == before
