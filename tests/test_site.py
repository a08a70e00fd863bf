"""The documentation as a site: it builds without a warning, and names everything that is public."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import workflow_runtime

ROOT = Path(__file__).parent.parent
LOADED = re.compile(r"<(?:link|script|img|iframe)[^>]*(?:href|src)=\"?(https?://[^\s\">]+)")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.mark.timeout(300)
def test_the_site_builds_without_a_warning_and_loads_nothing_from_elsewhere(site: Path) -> None:
    loaded = {found for page in site.rglob("*.html") for found in LOADED.findall(page.read_text("utf-8"))}

    assert loaded == set()


@pytest.mark.timeout(300)
def test_links_that_only_the_repository_can_follow_are_text_on_the_site(site: Path) -> None:
    start = (site / "start.html").read_text("utf-8")

    assert "tests/e2e/test_kill.py" in start
    assert 'href="tests/' not in start
    assert 'href="guide.html' in start
    assert 'src="images/web-run.png"' in start


def test_every_public_name_has_its_place_in_the_reference() -> None:
    pages = [page.read_text("utf-8") for page in (ROOT / "docs" / "reference").glob("*.md")]
    named = [name for text in pages for name in re.findall(r"(?m)^::: workflow_runtime\.(\w+)$", text)]

    assert sorted(named) == sorted(workflow_runtime.__all__)


@pytest.mark.timeout(300)
def test_the_page_of_commands_is_what_help_says() -> None:
    command = [sys.executable, "tools/commands.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
