"""``workflow-build graph``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from workflow_build.cli import cli
from workflow_build.model import Config

FLOWS = """
from workflow_runtime import step, workflow

@step
async def charge(o): ...

@workflow
async def checkout(o):
    await charge(o)

@workflow
async def refund(o):
    await charge(o)
"""


@pytest.fixture
def run(project: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    def invoke(*arguments: str, files: dict[str, str] | None = None) -> Result:
        project(
            {
                "pyproject.toml": "[project]\nname = 'x'\n",
                "shop/__init__.py": "",
                "shop/flows.py": FLOWS,
                **(files or {}),
            }
        )
        monkeypatch.chdir(tmp_path)
        return CliRunner().invoke(cli, ["graph", *arguments])

    return invoke


@pytest.mark.parametrize(
    "name", ["checkout", "shop.flows.checkout", "workflow//shop.flows//checkout", "shop.flows:checkout"]
)
def test_a_workflow_is_found_by_any_of_its_names(name: str, run: Callable[..., Result]) -> None:
    result = run(".", name)

    assert (result.exit_code, result.stdout) == (0, "workflow checkout  shop/flows.py:8\n└─ step charge  :9\n")


def test_the_folder_can_be_left_out(run: Callable[..., Result]) -> None:
    assert run("checkout").stdout == run(".", "checkout").stdout


def test_all_are_shown_when_none_is_named(run: Callable[..., Result]) -> None:
    assert run().stdout.count("workflow ") == 2
    assert run("--format", "mermaid").stdout.count("flowchart TD") == 2
    assert [one["workflow"] for one in json.loads(run("--format", "json").stdout)["graphs"]] == [
        "workflow//shop.flows//checkout",
        "workflow//shop.flows//refund",
    ]


def test_svg_goes_into_a_file(run: Callable[..., Result], tmp_path: Path) -> None:
    result = run("checkout", "--format", "svg", "--output", str(tmp_path / "checkout.svg"))

    assert (result.exit_code, result.stdout) == (0, "")
    assert (tmp_path / "checkout.svg").read_text("utf-8") == run("checkout", "--format", "svg").stdout


def test_svg_wants_one_workflow(run: Callable[..., Result]) -> None:
    result = run("--format", "svg")

    assert result.exit_code == 2
    assert "name one of checkout, refund" in result.stderr


def test_an_unknown_name_gets_a_suggestion(run: Callable[..., Result]) -> None:
    result = run("chekout")

    assert result.exit_code == 2
    assert "did you mean checkout?" in result.stderr


def test_an_ambiguous_name_gets_the_full_names(run: Callable[..., Result]) -> None:
    result = run("checkout", files={"shop/more.py": FLOWS})

    assert result.exit_code == 2
    assert "name one of shop.flows.checkout, shop.more.checkout" in result.stderr
    assert run(".", "shop.more.checkout", files={"shop/more.py": FLOWS}).exit_code == 0


def test_a_project_without_workflows_says_so(run: Callable[..., Result]) -> None:
    result = run(files={"shop/flows.py": "x = 1\n"})

    assert result.exit_code == 2
    assert "no workflows" in result.stderr


def test_source_that_is_not_python_gives_its_diagnostic(run: Callable[..., Result]) -> None:
    result = run(files={"shop/broken.py": "from workflow_runtime import step\n@step\nasync def (\n"})

    assert result.exit_code == 1
    assert "WB110" in result.stdout
    assert "shop/broken.py:3" in result.stdout


def test_a_file_that_can_not_be_written_is_one_line(run: Callable[..., Result], tmp_path: Path) -> None:
    result = run("checkout", "--output", str(tmp_path / "missing" / "x.txt"))

    assert result.exit_code == 1
    assert "missing" in result.stderr
    assert "Traceback" not in result.stderr


def test_nothing_of_the_project_is_run_or_written(run: Callable[..., Result], tmp_path: Path) -> None:
    result = run("checkout", files={"shop/flows.py": FLOWS + "\nraise SystemExit('was run')\n"})

    assert result.exit_code == 0
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["__init__.py", "flows.py", "pyproject.toml", "shop"]
