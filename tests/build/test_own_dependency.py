"""Whether a project is told rightly that it does not depend on what its written modules import."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from workflow_build.own_dependency import Lacking, lacking_dependency

PROJECT = '[project]\nname = "shop"\nversion = "1"\n'
NAMED = "`dependencies` under [project] of pyproject.toml"


def lacking(folder: Path, pyproject: str, world: str = "", **files: str) -> Lacking | None:
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text)
    return lacking_dependency(folder, tomllib.loads(pyproject), world)


@pytest.mark.parametrize(
    ("pyproject", "world", "place", "line"),
    [
        (PROJECT, "", "[project] of pyproject.toml", 'dependencies = ["workflow-build"]'),
        (f'{PROJECT}dependencies = ["fastapi"]\n', "", NAMED, '"workflow-build",'),
        (f'{PROJECT}dependencies = ["fastapi"]\n', "nats://one", NAMED, '"workflow-build[nats]",'),
        (f'{PROJECT}dependencies = ["workflow_build>=0.1"]\n', "postgresql://db", NAMED, '"workflow-build[postgres]",'),
        (f'{PROJECT}dependencies = ["workflow-builder"]\n', "", NAMED, '"workflow-build",'),
        (
            f'{PROJECT}dependencies = []\n[dependency-groups]\ndev = ["workflow-build"]\n',
            "",
            NAMED,
            '"workflow-build",',
        ),
        (
            '[tool.poetry.dependencies]\npython = "^3.11"\n',
            "",
            "[tool.poetry.dependencies] of pyproject.toml",
            'workflow-build = "*"',
        ),
        (
            '[tool.poetry.dependencies]\nworkflow-build = "*"\n',
            "nats://one",
            "[tool.poetry.dependencies] of pyproject.toml",
            'workflow-build = { version = "*", extras = ["nats"] }',
        ),
    ],
    ids=[
        "no list",
        "a list",
        "a storage",
        "no extra",
        "another name",
        "for development alone",
        "poetry",
        "poetry, no extra",
    ],
)
def test_the_line_to_add_fits_where_the_project_lists_what_it_needs_and_its_storage(
    pyproject: str, world: str, place: str, line: str, tmp_path: Path
) -> None:
    found = lacking(tmp_path, pyproject, world)

    assert found is not None
    assert (found.place, found.line) == (place, line)


def test_a_project_that_has_requirements_alone_is_shown_the_line_for_them(tmp_path: Path) -> None:
    found = lacking(tmp_path, "", "postgres://db", requirements_txt="# all\nfastapi\n--index-url https://example.org\n")

    assert found is not None
    assert (found.place, found.line) == ("requirements.txt", "workflow-build[postgres]")


@pytest.mark.parametrize(
    ("more", "world"),
    [
        ('dependencies = ["Workflow.Build >= 0.1"]\n', ""),
        ('dependencies = ["workflow-build [otel, postgres]"]\n', "postgres://db/shop"),
        ('dependencies = ["workflow-build", "asyncpg"]\n', "postgres://db/shop"),
        (
            'dependencies = ["workflow-build"]\n[project.optional-dependencies]\ndb = ["workflow-build[nats]"]\n',
            "nats://one",
        ),
        ('dependencies = ["workflow-build @ git+https://example.org/w"]\n', "sqlite:///w.db"),
        ('[dependency-groups]\nprod = ["workflow-build", {include-group = "dev"}]\n', "memory://"),
        ('dynamic = ["dependencies"]\n', ""),
        ('dependencies = "workflow-build"\n[tool.poetry.dependencies]\nworkflow-build = "*"\n', ""),
    ],
    ids=["spelling", "extras", "driver", "an extra of its own", "url", "group", "dynamic", "poetry"],
)
def test_a_project_that_depends_on_it_or_lists_that_elsewhere_lacks_nothing(
    more: str, world: str, tmp_path: Path
) -> None:
    assert lacking(tmp_path, PROJECT + more, world, requirements_txt="fastapi\n") is None


@pytest.mark.parametrize(
    "text",
    [
        "workflow-build==0.1.0\n",
        "-r base.txt\n",
        "-e .\n",
        "./wheels/workflow_build-0.1.0-py3-none-any.whl\n",
        "git+https://example.org/workflow-build.git\n",
    ],
)
def test_requirements_that_have_it_or_lead_elsewhere_lack_nothing(text: str, tmp_path: Path) -> None:
    assert lacking(tmp_path, "", requirements_txt=f"fastapi\n{text}") is None


def test_nothing_is_said_where_a_setup_script_may_list_it_or_nothing_lists_anything(tmp_path: Path) -> None:
    assert lacking(tmp_path, "") is None
    assert lacking(tmp_path, "", setup_py="import setuptools\n", requirements_txt="fastapi\n") is None
