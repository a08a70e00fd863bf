"""The how-to pages: each page's files, typed in as they stand, built and run, print what the page shows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "docs" / "how-to"
PAGES = sorted(page for page in FOLDER.glob("*.md") if page.name != "README.md")
FILE = re.compile(r"(?ms)^```python\n# ([\w/]+\.py)\n(.*?)^```$")
SHOWN = re.compile(r"(?ms)^```text\n(.*?)^```$")

pytestmark = pytest.mark.timeout(120)


def ran(folder: Path, *command: str) -> str:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("WORKFLOW", "COV", "PYTEST"))}
    environment = own | {"WORKFLOW_WORLD": f"sqlite:///{folder / 'runs.db'}"}
    done = subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=90
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_page_prints_what_it_shows(page: Path, tmp_path: Path) -> None:
    text = page.read_text("utf-8")
    files = dict(FILE.findall(text))
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "shop"\nversion = "1"\n')
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").touch()
    for name, source in files.items():
        (tmp_path / name).write_text(source, "utf-8")

    ran(tmp_path, "-m", "workflow_build", "--target", "worker")

    assert "try_it.py" in files
    assert text.count("```") == 2 * (len(files) + 1), "a block on the page is neither a file nor what it prints"
    assert ran(tmp_path, "try_it.py") == SHOWN.findall(text)[0]
