"""What holds for the repository as a whole: its files, its links, its words."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CODE = {".py", ".jinja", ".sh", ".toml", ".yml", ".sql"}
TEXT = CODE | {".md", ".txt", ".json", ""}
FORBIDDEN = {
    "a path of somebody's machine": r"(?<![\w.~:/-])/(?:root|home|Users|work|opt)/\w",
    "a package host": r"python[h]osted|extra[-]index|pypi[.]org",
}
UNFINISHED = r"\bTO[D]O\b|\bFIX[M]E\b|\bXX[X]\b"
SILENCED = r"#\s*(?:type:\s*ignore|noqa)"
SILENCED_WITH_CODE = r"#\s*(?:type:\s*ignore\[[\w, -]+\]|noqa:\s*[A-Z]+\d+(?:,\s*[A-Z]+\d+)*)"
REASON = r"\W+\w+.{8,}"
LINK = re.compile(r"\[(?P<text>[^\]]+)\]\((?P<target>[^)\s]+)\)")


def git(*arguments: str) -> list[str]:
    """Lines that git prints; skips where the tree is not a checkout."""
    done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False)
    if done.returncode > 1:
        pytest.skip("not a git checkout")
    return done.stdout.splitlines()


@cache
def files(*suffixes: str) -> tuple[Path, ...]:
    """Files that are in the repository, or will be with the next commit."""
    listed = git("ls-files", "--cached", "--others", "--exclude-standard")
    paths = (ROOT / name for name in listed)
    return tuple(sorted(path for path in paths if path.suffix in suffixes and path.is_file() and not path.is_symlink()))


def findings(pattern: str, paths: tuple[Path, ...]) -> list[str]:
    """``path:line: text`` of every line that the pattern is found in."""
    regex = re.compile(pattern)
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in paths
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if regex.search(line)
    ]


@pytest.mark.parametrize("what", FORBIDDEN)
def test_nothing_names(what: str) -> None:
    assert not findings(FORBIDDEN[what], files(*TEXT))


def test_nothing_is_left_unfinished() -> None:
    assert not findings(UNFINISHED, files(*CODE))


def test_every_silenced_finding_has_its_code_and_in_the_product_its_reason() -> None:
    paths = tuple(path for path in files(".py") if "fixtures" not in path.parts and path != Path(__file__))
    product = tuple(path for path in paths if "tests" not in path.parts)

    assert not [line for line in findings(SILENCED, paths) if not re.search(SILENCED_WITH_CODE, line)]
    assert not [line for line in findings(SILENCED, product) if not re.search(SILENCED_WITH_CODE + REASON, line)]


def test_git_ignores_no_source() -> None:
    """A pattern such as ``build/`` would leave ``tests/build`` out of every commit without a word."""
    folders = ("workflow_build", "workflow_runtime", "adapters", "templates", "tests", "docs", "benchmarks", "tools")
    wanted = CODE | {".md"}
    sources = [
        path.relative_to(ROOT).as_posix()
        for folder in folders
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and path.suffix in wanted and not (ROOT / folder).is_symlink()
    ]
    beyond_links = [
        name for name in sources if not name.startswith(("workflow_build/adapters/", "workflow_build/templates/"))
    ]

    assert sources
    assert not git("check-ignore", "--no-index", *beyond_links)


def test_ruff_sees_every_file_that_is_ours() -> None:
    """Ruff leaves out folders named ``build`` by itself, and whatever git ignores."""
    command = [sys.executable, "-m", "ruff", "check", "--show-files", "."]
    seen = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    folders = ("workflow_build", "workflow_runtime", "adapters", "tests", "benchmarks", "tools")
    ours = {
        path.resolve() for folder in folders for path in (ROOT / folder).rglob("*.py") if "golden" not in path.parts
    }

    assert ours
    unseen = sorted(path.relative_to(ROOT).as_posix() for path in ours - {Path(line).resolve() for line in seen})
    assert not unseen


def test_pytest_goes_into_every_folder_of_tests(pytestconfig: pytest.Config) -> None:
    """Pytest leaves out folders named ``build`` by itself."""
    passed_over = [pattern for pattern in pytestconfig.getini("norecursedirs") if not pattern.startswith(".")]
    folders = {path.parent for path in (ROOT / "tests").rglob("test_*.py")}
    names = {part for folder in folders for part in folder.relative_to(ROOT).parts}

    assert names >= {"tests", "e2e"}
    assert not [(name, pattern) for name in names for pattern in passed_over if fnmatch(name, pattern)]


@pytest.mark.parametrize("path", files(".md"), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_between_files_lead_somewhere(path: Path) -> None:
    """A link whose text is one name in backticks also promises that the Python file defines it."""
    broken = []
    for link in LINK.finditer(path.read_text("utf-8")):
        target = link["target"].split("#")[0]
        if not target or "://" in target or target.startswith("mailto:"):
            continue
        there = (path.parent / target).resolve()
        name = re.fullmatch(r"`(\w+)(?:\(\))?`", link["text"])
        defined = rf"(?m)^\s*(?:async )?(?:def|class) {name[1]}\b|^{name[1]}\b.*=" if name else ""
        if not there.exists() or (there.suffix == ".py" and not re.search(defined, there.read_text("utf-8"))):
            broken.append(link[0])

    assert not broken


def test_the_changelog_speaks_of_the_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]

    assert f"## {project['version']}" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_the_readme_names_only_targets_that_the_makefile_has() -> None:
    targets = set(re.findall(r"(?m)^(\w+):", (ROOT / "Makefile").read_text("utf-8")))
    named = set(re.findall(r"(?m)(?:`|^    )make (\w+)", (ROOT / "README.md").read_text("utf-8")))

    assert {"demo", "test"} <= named <= targets


def test_every_decision_is_in_the_index() -> None:
    folder = ROOT / "docs" / "decisions"
    index = (folder / "README.md").read_text("utf-8")

    assert [page.name for page in sorted(folder.glob("[0-9]*.md")) if f"({page.name})" not in index] == []
