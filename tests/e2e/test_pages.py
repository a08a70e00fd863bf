"""The pages about hooks and about runs, typed in as they stand, built and run."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGES = {name: (DOCS / f"{name}.md").read_text("utf-8") for name in ("hooks", "runs")}
FILE = re.compile(r"(?ms)^```python\n# (?P<name>[\w/]+\.py)\n.*?^```$")
SCRIPT = re.compile(r"(?ms)^```python\n# (?P<name>\w+\.py)\n[^`]*^```\n\n```text\n(?P<shown>.*?)^```$")

SERVED = """
import contextlib, io, json, time
from fastapi.testclient import TestClient
from shop.main import app

printed = io.StringIO()
with contextlib.redirect_stdout(printed), TestClient(app) as client:
    client.post("/payments")
    while not printed.getvalue().endswith("\\n"):
        time.sleep(0.01)
    url = printed.getvalue().split()[-1]
    answers = [client.post(url, json={"state": "paid"})]
    client.put("/reviews/tea")
    answers.append(client.post("/reviews/cups", json={"approved": True, "by": "ada"}))
    while (answer := client.post("/reviews/tea", json={"approved": True, "by": "ada"})).status_code == 404:
        time.sleep(0.01)
    answers.append(answer)
print(json.dumps([url, *((answer.status_code, answer.json()) for answer in answers)]))
"""

pytestmark = pytest.mark.timeout(120)


def text_of(block: str) -> str:
    """What stands in a box."""
    return block.split("\n", 1)[1].rsplit("```", 1)[0]


@pytest.fixture(scope="module", params=sorted(PAGES))
def page(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A page's text, and the folder in which its files are built."""
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "pyproject.toml").write_text('[project]\nname = "shop"\nversion = "1"\ndependencies = ["fastapi"]\n')
    (folder / "shop").mkdir()
    (folder / "shop" / "__init__.py").touch()
    for block in FILE.finditer(PAGES[request.param]):
        (folder / block["name"]).write_text(text_of(block[0]), "utf-8")
    command = [sys.executable, "-m", "workflow_build", "--no-routes"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return PAGES[request.param], folder


def environment(**more: str) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("WORKFLOW", "COV", "PYTEST"))}
    return own | {"WORKFLOW_WORLD": "memory://", "WORKFLOW_CHECK_REPLAY": "1"} | more


def test_every_script_prints_what_the_page_shows(page: tuple[str, Path]) -> None:
    text, folder = page
    scripts = list(SCRIPT.finditer(text))
    named = [block["name"] for block in FILE.finditer(text) if "/" not in block["name"]]

    assert [script["name"] for script in scripts] == named
    for script in scripts:
        command = [sys.executable, script["name"]]
        done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, check=False)
        assert done.stdout == script["shown"], done.stderr


def test_every_box_of_python_is_a_file_that_type_checkers_accept(page: tuple[str, Path]) -> None:
    text, folder = page

    assert len(FILE.findall(text)) == text.count("```python")
    config = ["--strict", "--explicit-package-bases", "--disable-error-code=untyped-decorator"]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *config, "--exclude=_workflow", "."],
        cwd=folder, env=environment() | {"MYPYPATH": str(DOCS.parent)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("page", ["hooks"], indirect=True)
def test_the_bank_and_the_reader_are_answered_as_the_page_says(page: tuple[str, Path]) -> None:
    command = [sys.executable, "-c", SERVED]
    settings = environment(WORKFLOW_URL="http://testserver")
    done = subprocess.run(command, cwd=page[1], env=settings, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    url, bank, wrong, review = json.loads(done.stdout)
    assert url.startswith("http://testserver/.well-known/workflow/v1/webhook/")
    assert bank == [200, {"noted": "paid"}]
    assert wrong == [404, {"detail": "nobody waits for that"}]
    assert review[0] == 200
