"""mypy and pyright see the types of the public API: they accept `right.py`, and refuse each marked line of `wrong` and no other."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
RIGHT = HERE / "right.py"
WRONG = sorted((HERE / "wrong").glob("*.py"))
MARK = "  # error"
MYPY = re.compile(r"(?m)^(?P<path>.+?):(?P<line>\d+): error: (?P<said>.*)$")
Found = Mapping[str, Mapping[int, str]]
"""By the file's name and the line: what is said of it."""

pytestmark = pytest.mark.timeout(300)


def run(*command: str | Path, cwd: Path) -> str:
    """What the command prints; it is no fault that it finds something."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("MYPY", "PYRIGHT", "PYTHON"))}
    done = subprocess.run(
        [*map(str, command)],
        cwd=cwd,
        env=own | {"PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=250,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.stdout


def said_by_mypy(_: Path) -> Found:
    """In the repository, with its settings and its cache, which a run of all checks has filled."""
    found: dict[str, dict[int, str]] = defaultdict(dict)
    text = run(sys.executable, "-m", "mypy", "--no-error-summary", RIGHT, *WRONG, cwd=ROOT)
    for error in MYPY.finditer(text):
        found[Path(error["path"]).name][int(error["line"])] = error["said"]
    return found


def said_by_pyright(folder: Path) -> Found:
    """In a folder with nothing but the examples."""
    for path in (RIGHT, *WRONG):
        shutil.copy(path, folder)
    settings = {"extraPaths": [str(ROOT)], "pythonVersion": "3.11", "reportUnusedCoroutine": True}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings), "utf-8")
    text = run(
        sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable, "-p", folder, cwd=folder
    )
    found: dict[str, dict[int, str]] = defaultdict(dict)
    for one in json.loads(text)["generalDiagnostics"]:
        found[Path(one["file"]).name][one["range"]["start"]["line"] + 1] = one["message"]
    return found


@pytest.fixture(scope="module", params=[said_by_mypy, said_by_pyright], ids=["mypy", "pyright"])
def found(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Found:
    """What one type checker says of all examples."""
    said: Found = request.param(tmp_path_factory.mktemp("examples"))
    return said


def test_right_uses_have_the_types_that_they_should(found: Found) -> None:
    assert dict(found.get(RIGHT.name, {})) == {}


@pytest.mark.parametrize("path", WRONG, ids=lambda path: path.stem)
def test_wrong_uses_are_refused_where_they_stand(found: Found, path: Path) -> None:
    lines = path.read_text("utf-8").splitlines()
    marked = {number for number, line in enumerate(lines, 1) if line.endswith(MARK)}
    said = found[path.name]

    assert len(marked) > 20
    assert {number: lines[number - 1] for number in marked - set(said)} == {}, "accepted"
    assert {number: said[number] for number in set(said) - marked} == {}, "refused"
