"""Sessions of pytest: compiled once, safely between processes, with errors that tell what to do, and without effect on others."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.plugin.conftest import Session
from workflow_build.testing.plugin import seconds_of

Tested = Callable[..., Session]

WHERE = """
import os, pathlib, sys, pytest

@pytest.mark.parametrize("number", range(10))
def test_where(workflows, number):
    from kiosk.flows import sell
    assert workflows.run(sell, "Times", "good").cents == 250
    worker = os.environ["PYTEST_XDIST_WORKER"]
    (pathlib.Path(__file__).parent / f"{worker}.txt").write_text(sys.modules["kiosk._workflow"].__file__)
"""
LOOKS = """
import sys

def test_nothing_of_ours_is_loaded():
    heavy = ("workflow_runtime", "libcst", "jinja2", "rich", "click", "asyncio")
    ours = [name for name in sys.modules if name.startswith("workflow_build")]
    assert ours == ["workflow_build", "workflow_build.testing", "workflow_build.testing.plugin"], ours
    assert not [name for name in heavy if name in sys.modules]
"""
EAGER = """
from kiosk.main import app
from kiosk.flows import sell

def test_it_is_todays_code(workflows):
    assert workflows.run(sell, "Times", "good").cents == 999
"""
USES = "def test_it(workflows):\n    pass\n"


@pytest.fixture
def only(kiosk: Path) -> Callable[[str], Path]:
    """``only(text)``: the kiosk with one file of tests, which holds that."""

    def write(text: str) -> Path:
        for path in (kiosk / "tests").iterdir():
            path.unlink()
        (kiosk / "tests" / "test_only.py").write_text(text, "utf-8")
        return kiosk

    return write


def test_the_workers_of_xdist_share_one_build(only: Callable[[str], Path], tested: Tested) -> None:
    folder = only(WHERE)

    session = tested(folder, "-n", "2", "--dist", "load")

    places = [path.read_text("utf-8") for path in (folder / "tests").glob("gw*.txt")]
    assert not session.failures, session.text
    assert len(places) == 2
    assert len(set(places)) == 1
    assert not Path(places[0]).is_relative_to(folder)


def test_a_project_that_has_errors_shows_them(only: Callable[[str], Path], tested: Tested) -> None:
    folder = only("def test_one(workflows): ...\ndef test_two(async_workflows): ...\n")
    flows = folder / "kiosk" / "flows.py"
    flows.write_text(
        flows.read_text("utf-8").replace('    await sleep("30 days")', '    open("/tmp/x")\n    await sleep("30 days")')
    )

    session = tested(folder, "-n", "2")

    assert len(session.failures) == 2
    for told in session.failures.values():
        assert f"{folder} can not be compiled" in told
        assert "error WB1" in told
        assert 'open("/tmp/x")' in told
        assert "kiosk/flows.py:28:5" in told
        assert "During handling of" not in told, "it is said once"
    assert not (folder / "kiosk" / "_workflow").exists()


def test_a_folder_without_a_project_says_how_to_name_one(tmp_path: Path, tested: Tested) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "test_it.py").write_text(USES)

    (told,) = tested(folder).failures.values()

    assert "it has no pyproject.toml; name the project's folder with `workflow_project`" in told


def test_the_project_may_be_another_folder(kiosk: Path, tested: Tested) -> None:
    root = kiosk.parent
    (root / "pytest.ini").write_text("[pytest]\nworkflow_project = project\npythonpath = project project/lib\n")
    (root / "test_it.py").write_text(
        "from kiosk.flows import sell\ndef test_it(workflows): assert workflows.run(sell, 'Times', 'good').cents == 250\n"
    )

    session = tested(root, "test_it.py", "-c", "pytest.ini")

    assert list(session.outcomes.values()) == ["passed"], session.text


def test_a_project_without_workflows_is_told_of(tmp_path: Path, tested: Tested) -> None:
    folder = tmp_path / "bare"
    folder.mkdir()
    (folder / "pyproject.toml").write_text('[project]\nname = "bare"\nversion = "1"\n')
    (folder / "test_it.py").write_text(USES)

    (told,) = tested(folder).failures.values()

    assert f"{folder} can not be compiled" in told
    assert "error WB109" in told


def test_a_project_that_is_not_on_the_path_is_told_of(kiosk: Path, tested: Tested) -> None:
    root = kiosk.parent
    (root / "pytest.ini").write_text("[pytest]\nworkflow_project = project\n")
    (root / "test_it.py").write_text(USES)

    (told,) = tested(root, "test_it.py", "-c", "pytest.ini").failures.values()

    assert "kiosk._workflow can not be imported: ModuleNotFoundError: No module named 'kiosk'" in told
    assert f"put `pythonpath` into pytest's configuration (the project is {kiosk})" in told


def test_tests_run_todays_code_whatever_was_built_and_imported_before(
    only: Callable[[str], Path], tested: Tested, files_of: Callable[[Path], dict[str, bytes]]
) -> None:
    folder = only(EAGER)
    command = [sys.executable, "-m", "workflow_build", "--no-routes"]
    assert subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode == 0
    flows = folder / "kiosk" / "flows.py"
    flows.write_text(flows.read_text("utf-8").replace("charge(card, 250)", "charge(card, 999)"))
    before = files_of(folder)

    session = tested(folder)

    assert list(session.outcomes.values()) == ["passed"], session.text
    assert files_of(folder) == before


def test_a_session_that_uses_no_fixture_of_ours_loads_nothing_of_ours(tmp_path: Path, tested: Tested) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    (folder / "test_it.py").write_text(LOOKS)

    session = tested(folder, "-p", "no:asyncio", "-p", "no:anyio", "-p", "no:xdist", "-p", "no:pytest_cov")

    assert list(session.outcomes.values()) == ["passed"], session.text


def test_nothing_of_it_needs_what_only_some_systems_have() -> None:
    code = (
        "import sys; sys.modules.update(fcntl=None, msvcrt=None, resource=None); import workflow_build.testing.project"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


def test_the_plugin_can_be_left_out(only: Callable[[str], Path], tested: Tested) -> None:
    folder = only(USES)

    (told,) = tested(folder, "-p", "no:workflow-build", "-W", "ignore").failures.values()

    assert "fixture 'workflows' not found" in told


@pytest.mark.parametrize("limit", ["soon", "-1", "inf", "nan"])
def test_a_limit_that_is_none_is_refused(limit: str) -> None:
    with pytest.raises(pytest.UsageError, match=r"workflow_timeout is .*; it must be a number of seconds above 0"):
        seconds_of(limit)
